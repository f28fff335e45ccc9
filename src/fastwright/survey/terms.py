"""Expression nodes → terms (see `facts`), noting every call on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.survey.facts import AWAITED, IN_LOOP, CallFact, Loop, Term

_DEEPEST = 120
"""Expressions nested deeper than this are opaque: generated code must not exhaust our stack."""

_READERS = MappingProxyType(
    {
        "identifier": "_name",
        "dotted_name": "_name",
        "attribute": "_attribute",
        "call": "_call",
        "string": "_string",
        "concatenated_string": "_concatenated",
        "integer": "_number",
        "float": "_number",
        "true": "_true",
        "false": "_false",
        "none": "_none",
        "list": "_items",
        "tuple": "_items",
        "set": "_items",
        "expression_list": "_items",
        "pattern_list": "_items",
        "dictionary": "_dictionary",
        "subscript": "_subscript",
        "generic_type": "_generic",
        "binary_operator": "_binary",
        "boolean_operator": "_binary",
        "union_type": "_union",
        "comparison_operator": "_comparison",
        "conditional_expression": "_choice",
        "await": "_await",
        "not_operator": "_not",
        "list_splat": "_splat",
        "dictionary_splat": "_double_splat",
        "type": "_first",
        "parenthesized_expression": "_first",
        "as_pattern": "_aliased",
        "named_expression": "_named",
        "list_comprehension": "_comprehension",
        "set_comprehension": "_comprehension",
        "generator_expression": "_comprehension",
        "yield": "_yield",
        "line_continuation": "_nothing",
        "case_pattern": "_binding",
        "global_statement": "_binding",
        "lambda_parameters": "_parameters",
        "for_in_clause": "_turns",
    }
)
"""The method that reads each type of node; the rest is opaque."""
_DOTTED = re.compile(rb"((?!(?:True|False|None|print|exec)\.)[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)+")
"""Attributes of a name, as they are written; that of a constant has a head of another type."""


class TermReader:
    """Reads expressions of one file; the statement reader tells it where it is.

    Attributes:
        scope: Index of the scope that calls are noted in.
        flags: What surrounds the expression (in a loop, in an except clause).
        condition: Index of the test that governs it, -1 for none.
        loops: Indices, in the scope, of the loops that govern it.
        reads: Where each scope first reads each name; `notes` is False while nothing is read.
        anyhow: Names that are bound in ways that scopes do not tell of.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.calls: list[CallFact] = []
        self.scope = 0
        self.flags = 0
        self.condition = -1
        self.loops: list[int] = []
        self.scope_loops: list[Loop] = []
        self.yielded: list[Term] | None = None
        self.reads: dict[tuple[int, str], int] = {}
        self.notes = True
        self.anyhow: set[str] = set()
        self._depth = 0
        self._readers: dict[str, Callable[[Node], Term]] = {
            kind: getattr(self, name) for kind, name in _READERS.items()
        }

    def read(self, node: Node) -> Term:
        """The term of an expression node."""
        reader = self._readers.get(node.type)
        if reader is None or self._depth > _DEEPEST:
            return self._opaque(node)
        self._depth += 1
        term = reader(node)
        self._depth -= 1
        return term

    def text(self, node: Node) -> str:
        """The source text of `node`."""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _opaque(self, node: Node) -> Term:
        if self._depth <= _DEEPEST:
            self._depth += 1
            for child in node.named_children:
                if child.type != "comment":
                    self.read(child)
            self._depth -= 1
        return ["x", node.start_byte, node.end_byte]

    def _name(self, node: Node) -> Term:
        name = self.text(node)
        if self.notes:
            self.reads.setdefault((self.scope, name), node.start_byte)
        return name

    def binds(self, node: Node | None) -> None:
        """Note that every name below `node` is bound."""
        for found in syntax.find(node, "identifier") if node is not None else ():
            self.anyhow.add(self.text(found))

    def _binding(self, node: Node) -> Term:
        self.binds(node)
        return ["x", node.start_byte, node.end_byte]

    def _aliased(self, node: Node) -> Term:
        self.binds(node.child_by_field_name("alias"))
        return self._first(node)

    def _turns(self, node: Node) -> Term:
        """The clause of a comprehension that is opaque: that of a dictionary."""
        self.binds(node.child_by_field_name("left"))
        right = node.child_by_field_name("right")
        return self.read(right) if right is not None else None

    def _parameters(self, node: Node) -> Term:
        for child in node.named_children:
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            self.binds(name or child)
            if value is not None:
                self.read(value)
        return ["x", node.start_byte, node.end_byte]

    def _first(self, node: Node) -> Term:
        child = next((c for c in node.named_children if c.type != "comment"), None)
        return self.read(child) if child is not None else ["x", node.start_byte, node.end_byte]

    def _true(self, _: Node) -> Term:
        return ["k", True]

    def _false(self, _: Node) -> Term:
        return ["k", False]

    def _none(self, _: Node) -> Term:
        return ["k", None]

    def _nothing(self, _: Node) -> Term:
        return None

    def _not(self, node: Node) -> Term:
        inner = node.child_by_field_name("argument")
        return ["!", self.read(inner)] if inner is not None else self._opaque(node)

    def _splat(self, node: Node) -> Term:
        return ["*", self._first(node)]

    def _double_splat(self, node: Node) -> Term:
        return ["**", self._first(node)]

    def _attribute(self, node: Node) -> Term:
        written = self.content[node.start_byte : node.end_byte]
        plain = _DOTTED.fullmatch(written)
        if plain is not None and self._depth + written.count(b".") <= _DEEPEST:
            return self._dotted(node, written.decode(), plain[1].decode())
        value, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if value is None or name is None:
            return self._opaque(node)
        left, last = self.read(value), self.text(name)
        return f"{left}.{last}" if isinstance(left, str) else ["a", left, last]

    def _dotted(self, node: Node, written: str, head: str) -> Term:
        """A name and attributes of it: most attributes are, and need no walk from part to part."""
        if self.notes:
            self.reads.setdefault((self.scope, head), node.start_byte)
        return written

    def _call(self, node: Node) -> Term:
        function = node.child_by_field_name("function")
        passed = node.child_by_field_name("arguments")
        if function is None or passed is None:
            return self._opaque(node)
        flags, self.flags = self.flags, self.flags & ~AWAITED
        callee = self.read(function)
        arguments: list[Term] = []
        keywords: list[tuple[str, Term]] = []
        if passed.type == "generator_expression":
            arguments.append(self.read(passed))
        else:
            self._arguments(passed, arguments, keywords)
        self.flags = flags
        row = CallFact(
            self.scope, callee, arguments, keywords, node.start_byte, function.end_byte,
            node.end_byte, flags, self.condition, list(self.loops),
        )  # fmt: skip
        self.calls.append(row)
        return ["c", len(self.calls) - 1]

    def _arguments(
        self, node: Node, arguments: list[Term], keywords: list[tuple[str, Term]]
    ) -> None:
        for child in node.named_children:
            if child.type == "keyword_argument":
                name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                if name is not None and value is not None:
                    keywords.append((self.text(name), self.read(value)))
            elif child.type == "dictionary_splat":
                keywords.append(("**", self._first(child)))
            elif child.type != "comment":
                arguments.append(self.read(child))

    def keywords_of(self, node: Node) -> tuple[list[Term], list[tuple[str, Term]]]:
        """Positional and keyword arguments of an argument list (a class's bases, say)."""
        arguments: list[Term] = []
        keywords: list[tuple[str, Term]] = []
        self._arguments(node, arguments, keywords)
        return arguments, keywords

    def _string(self, node: Node) -> Term:
        written = self.content[node.start_byte : node.end_byte]
        children = node.named_children if b"{" in written else ()
        if not any(child.type == "interpolation" for child in children):
            value = syntax.string_value(written)
            return ["s", value] if value is not None else ["x", node.start_byte, node.end_byte]
        return ["f", *(part for child in children if (part := self._part(child)) is not None)]

    def _part(self, node: Node) -> Term:
        if node.type == "string_content":
            return ["s", syntax.unescape(self.text(node).replace("{{", "{").replace("}}", "}"))]
        if node.type == "interpolation":
            inner = node.child_by_field_name("expression")
            return self.read(inner) if inner is not None else ["x", node.start_byte, node.end_byte]
        return None

    def _concatenated(self, node: Node) -> Term:
        parts = [self.read(part) for part in node.named_children if part.type == "string"]
        if all(part[0] == "s" for part in parts):
            return ["s", "".join(part[1] for part in parts)]
        flat = [piece for part in parts for piece in (part[1:] if part[0] == "f" else [part])]
        return ["f", *flat]

    def _number(self, node: Node) -> Term:
        written = self.text(node).replace("_", "")
        try:
            value: Any = int(written, 0) if node.type == "integer" else float(written)
        except ValueError:
            return ["x", node.start_byte, node.end_byte]
        # Infinity has no form in JSON, and an integer may be longer than Python agrees to print.
        plain = abs(value) < 1e300
        return ["k", value] if plain else ["x", node.start_byte, node.end_byte]

    def _items(self, node: Node) -> Term:
        return ["l", *(self.read(c) for c in node.named_children if c.type != "comment")]

    def _dictionary(self, node: Node) -> Term:
        pairs: list[Term] = []
        for child in node.named_children:
            key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
            if key is not None and value is not None:
                pairs.append([self.read(key), self.read(value)])
            elif child.type == "dictionary_splat":
                pairs.append([["**", None], self._first(child)])
        return ["d", *pairs]

    def _subscript(self, node: Node) -> Term:
        value = node.child_by_field_name("value")
        if value is None:
            return self._opaque(node)
        items = node.children_by_field_name("subscript")
        if len(items) == 1 and items[0].type == "tuple":
            items = items[0].named_children
        term = ["i", self.read(value), *(self.read(item) for item in items)]
        if str(term[1]).endswith("environ"):
            self._noted_lookup(node, value, term)
        return term

    def _noted_lookup(self, node: Node, value: Node, term: list[Term]) -> None:
        """``os.environ["NAME"]`` is kept as a call too, so that readers of settings find it."""
        row = CallFact(
            self.scope, f"{term[1]}.__getitem__", term[2:], [], node.start_byte, value.end_byte,
            node.end_byte, self.flags, self.condition, list(self.loops),
        )  # fmt: skip
        self.calls.append(row)

    def _generic(self, node: Node) -> Term:
        name, *rest = node.named_children
        items = [c for group in rest for c in group.named_children if c.type != "comment"]
        return ["i", self.read(name), *(self.read(item) for item in items)]

    def _binary(self, node: Node) -> Term:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if left is None or right is None or operator is None:
            return self._opaque(node)
        return ["b", operator.type, self.read(left), self.read(right)]

    def _union(self, node: Node) -> Term:
        first, *rest = (self.read(child) for child in node.named_children)
        for item in rest:
            first = ["b", "|", first, item]
        return first

    def _comparison(self, node: Node) -> Term:
        operators = node.children_by_field_name("operators")
        sides = [child for child in node.named_children if child.type != "comment"]
        if len(sides) != 2 or not operators:
            return self._opaque(node)
        return ["b", self.text(operators[0]), self.read(sides[0]), self.read(sides[1])]

    def _choice(self, node: Node) -> Term:
        parts = [child for child in node.named_children if child.type != "comment"]
        if len(parts) != 3:
            return self._opaque(node)
        yes, test, no = (self.read(part) for part in parts)
        return ["?", test, yes, no]

    def _await(self, node: Node) -> Term:
        before, self.flags = self.flags, self.flags | AWAITED
        term = self._first(node)
        self.flags = before
        return ["w", term]

    def _named(self, node: Node) -> Term:
        self.binds(node.child_by_field_name("name"))
        value = node.child_by_field_name("value")
        return self.read(value) if value is not None else self._opaque(node)

    def _yield(self, node: Node) -> Term:
        term = self._first(node) if node.named_child_count else None
        if self.yielded is not None:
            self.yielded.append(term)
        return term

    def _comprehension(self, node: Node) -> Term:
        body = node.child_by_field_name("body")
        before, depth = self.flags, len(self.loops)
        clauses: list[Term] = []
        for child in node.named_children:
            if child.type == "for_in_clause":
                clauses.append(self._clause(child, node))
            elif child.type == "if_clause":
                self._opaque(child)
        self.flags |= IN_LOOP
        element = self.read(body) if body is not None else None
        self.flags = before
        del self.loops[depth:]
        return ["g", element, *clauses]

    def _clause(self, clause: Node, whole: Node) -> Term:
        left, right = clause.child_by_field_name("left"), clause.child_by_field_name("right")
        target = self.target(left) if left is not None else None
        iterable = self.read(right) if right is not None else None
        self.scope_loops.append(Loop(target, iterable, whole.start_byte, whole.end_byte))
        self.loops.append(len(self.scope_loops) - 1)
        return [target, iterable]

    def target(self, node: Node) -> Any:
        """A name, a dotted name, a list of targets, or ``None`` for what binds no name."""
        if node.type in ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list"):
            return [self.target(child) for child in node.named_children]
        if node.type in ("as_pattern_target", "parenthesized_expression"):
            return self.target(node.named_children[0]) if node.named_child_count else None
        name = syntax.dotted(node, self.content)
        if name is None and node.type not in ("subscript", "attribute", "call"):
            self.binds(node)
        return name
