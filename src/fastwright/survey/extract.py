"""One file → its `Facts`: a pure function of the bytes, so that the result can be cached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.survey.course import leaves, note_course
from fastwright.survey.facts import (
    IN_EXCEPT,
    IN_LOOP,
    Assignment,
    Branch,
    Catch,
    Facts,
    Import,
    Loop,
    ParameterFact,
    Read,
    Scope,
    Term,
)
from fastwright.survey.terms import TermReader
from fastwright.survey.unbound import unbound

_SILENT = frozenset({"comment", "pass_statement", "break_statement", "continue_statement",
                     "nonlocal_statement", "import_prefix"})  # fmt: skip


def extract(content: bytes) -> Facts:
    """The facts of one Python file; broken files yield what could be read of them."""
    root = syntax.parse(content)
    reader = _StatementReader(content)
    reader.module(root)
    quotes = (content.count(b'"'), content.count(b"'"))
    terms = reader.terms
    reads = (Read(*place, start) for place, start in terms.reads.items())
    lost = list(unbound(reader.scopes, reads, terms.anyhow))
    return Facts(
        syntax.error_count(root), reader.scopes, terms.calls, reader.conditions, quotes, lost
    )


def _scope(kind: str, name: str, up: int, node: Node) -> Scope:
    return Scope(
        kind=kind, name=name, up=up, start=node.start_byte, end=node.end_byte,
        body=node.start_byte, body_end=node.end_byte, is_async=False, yields=False,
        parameters=[], returns=None, returns_span=None, decorators=[], bases=[], keywords=[],
        condition=-1, assignments=[], imports=[], loops=[], values=[], yielded=[], contexts=[],
        raises=[], returned=[], branches=[], catches=[],
        blocks=[], stops=[], dropped=[],
    )  # fmt: skip


class _StatementReader:
    """Walks the statements of one file in order and fills its scopes."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.terms = TermReader(content)
        self.scopes: list[Scope] = []
        self.conditions: list[str] = []
        self.depth = 0
        self._readers: dict[str, Callable[[Node], None]] = {
            "expression_statement": self._children,
            "assignment": self._assignment,
            "augmented_assignment": self._augmented,
            "return_statement": self._return,
            "raise_statement": self._raise,
            "if_statement": self._if,
            "elif_clause": self._if,
            "assert_statement": self._assert,
            "for_statement": self._for,
            "while_statement": self._while,
            "with_statement": self._with,
            "except_clause": self._except,
            "except_group_clause": self._except,
            "function_definition": self._function,
            "class_definition": self._class,
            "decorated_definition": self._decorated,
            "import_statement": self._import,
            "import_from_statement": self._import_from,
            "future_import_statement": lambda _: None,
            "type_alias_statement": self._type_alias,
            **dict.fromkeys(
                ("block", "else_clause", "finally_clause", "try_statement", "match_statement",
                 "case_clause", "ERROR", "module"), self._children),
        }  # fmt: skip

    @property
    def scope(self) -> Scope:
        return self.scopes[self.terms.scope]

    def module(self, root: Node) -> None:
        self.scopes.append(_scope("m", "", -1, root))
        self.terms.scope_loops = self.scope.loops
        self._children(root)

    def read(self, node: Node) -> None:
        reader = self._readers.get(node.type)
        if reader is not None:
            reader(node)
        elif node.type not in _SILENT:
            self.terms.read(node)

    def _children(self, node: Node) -> None:
        # Blocks can nest as deep as a generator of code likes; our stack cannot.
        self.depth += 1
        if self.depth < 100:
            for child in node.named_children:
                self.read(child)
        self.depth -= 1

    def _span(self, node: Node | None) -> list[int] | None:
        return None if node is None else [node.start_byte, node.end_byte]

    def _term(self, node: Node | None) -> Term:
        return None if node is None else self.terms.read(node)

    def _annotation(self, node: Node | None) -> Term:
        """The term of an annotation; one that is quoted is read as the code that it quotes."""
        before, self.terms.notes = self.terms.notes, False
        term = None if node is None else self._unquoted(self.terms.read(node))
        self.terms.notes = before
        return term

    def _unquoted(self, term: Term) -> Term:
        if not isinstance(term, list):
            return term
        if term[0] == "s":
            return _quoted(term[1])
        if term[0] == "b":
            return [*term[:2], *(self._unquoted(item) for item in term[2:])]
        if term[0] == "i" and str(term[1]).rpartition(".")[2] not in ("Literal", "Annotated"):
            return ["i", *(self._unquoted(item) for item in term[1:])]
        if term[0] == "i" and len(term) > 2 and str(term[1]).endswith("Annotated"):
            return ["i", term[1], self._unquoted(term[2]), *term[3:]]
        return term

    def _assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        kind = node.child_by_field_name("type")
        targets = [left]
        while right is not None and right.type == "assignment":
            targets.append(right.child_by_field_name("left"))
            right = right.child_by_field_name("right")
        value, annotation = self._term(right), self._annotation(kind)
        for target in targets:
            if target is None:
                continue
            name = self.terms.target(target)
            if name is None:
                self.terms.read(target)
                name = self._item_target(target)
            self._assigned(name, value, right, node, noted=(annotation, kind))

    def _item_target(self, node: Node) -> Any:
        if node.type == "subscript" and (value := node.child_by_field_name("value")) is not None:
            name = syntax.dotted(value, self.content)
            return f"{name}[]" if name else None
        return None

    def _assigned(
        self, name: Any, value: Term, right: Node | None, node: Node,
        noted: tuple[Term, Node | None] = (None, None),
    ) -> None:  # fmt: skip
        row = Assignment(
            name, noted[0], self._span(noted[1]), value, self._span(right), node.start_byte,
            node.end_byte, self.terms.condition, list(self.terms.loops),
        )  # fmt: skip
        self.scope.assignments.append(row)

    def _augmented(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        name, value = self.terms.target(left) if left else None, self._term(right)
        if isinstance(name, str):
            self._assigned(name, ["b", "+", name, value], right, node)

    def _type_alias(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        name = self._annotation(left)
        name = name[1] if isinstance(name, list) and name[0] == "i" else name
        self._assigned(name, self._annotation(right), right, node)

    def _return(self, node: Node) -> None:
        children = [c for c in node.named_children if c.type != "comment"]
        if children:
            self.scope.values.append(self.terms.read(children[0]))
            self.scope.returned.append(node.start_byte)

    def _raise(self, node: Node) -> None:
        for child in node.named_children[:1]:
            self.scope.raises.append(self.terms.read(child))

    def _if(self, node: Node) -> None:
        test = node.child_by_field_name("condition")
        written = "" if test is None else self.terms.text(test)
        term, body = self._term(test), node.child_by_field_name("consequence")
        if body is not None:
            whole = node.parent if node.type == "elif_clause" and node.parent else node
            self.scope.branches.append(
                Branch(term, body.start_byte, body.end_byte, whole.end_byte, leaves(body))
            )
        outer = self.terms.condition
        for field, words in (("consequence", written), ("alternative", f"not ({written})")):
            for part in node.children_by_field_name(field):
                self.terms.condition = self._condition(outer, words)
                self.read(part)
        self.terms.condition = outer

    def _assert(self, node: Node) -> None:
        end = node.end_byte
        for place, child in enumerate(node.named_children):
            term = self.terms.read(child)
            if place == 0:
                self.scope.branches.append(Branch(["!", term], end, end, end, "raise"))

    def _condition(self, outer: int, words: str) -> int:
        if "__name__" in words or "TYPE_CHECKING" in words:
            return outer
        whole = f"{self.conditions[outer]} and {words}" if outer >= 0 else words
        self.conditions.append(" ".join(whole.split())[:200])
        return len(self.conditions) - 1

    def _for(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        target = self.terms.target(left) if left is not None else None
        iterable = self._term(right)
        loops = self.scope.loops
        loops.append(Loop(target, iterable, node.start_byte, node.end_byte))
        self.terms.loops.append(len(loops) - 1)
        self._in_loop(node.child_by_field_name("body"))
        self.terms.loops.pop()
        self._optional(node.child_by_field_name("alternative"))

    def _in_loop(self, body: Node | None) -> None:
        before, self.terms.flags = self.terms.flags, self.terms.flags | IN_LOOP
        self._optional(body)
        self.terms.flags = before

    def _optional(self, node: Node | None) -> None:
        if node is not None:
            self.read(node)

    def _while(self, node: Node) -> None:
        self._term(node.child_by_field_name("condition"))
        self._in_loop(node.child_by_field_name("body"))

    def _with(self, node: Node) -> None:
        for item in (c for part in node.named_children for c in part.named_children):
            if item.type == "with_item" and (value := item.child_by_field_name("value")):
                alias = value.child_by_field_name("alias")
                target = self.terms.target(alias) if alias is not None else None
                self.scope.contexts.append((self.terms.read(value), target))
        self._optional(node.child_by_field_name("body"))

    def _except(self, node: Node) -> None:
        before, self.terms.flags = self.terms.flags, self.terms.flags | IN_EXCEPT
        value = node.child_by_field_name("value")
        alias = value.child_by_field_name("alias") if value is not None else None
        name = self.terms.text(alias) if alias is not None else ""
        self.scope.catches.append(Catch(self._term(value), name, node.start_byte, node.end_byte))
        for child in node.named_children:
            if child.type == "block":
                self._children(child)
        self.terms.flags = before

    def _decorated(self, node: Node) -> None:
        rows: list[tuple[Term, int, int]] = []
        definition = node.child_by_field_name("definition")
        for child in node.named_children:
            if child.type == "decorator":
                inner = [c for c in child.named_children if c.type != "comment"]
                term = self.terms.read(inner[0]) if inner else None
                rows.append((term, child.start_byte, child.end_byte))
        if definition is not None:
            self._definition(definition, rows, node.start_byte)

    def _function(self, node: Node) -> None:
        self._definition(node, [], node.start_byte)

    def _class(self, node: Node) -> None:
        self._definition(node, [], node.start_byte)

    def _definition(self, node: Node, rows: list[tuple[Term, int, int]], start: int) -> None:
        name = node.child_by_field_name("name")
        outer = self.scope
        middle = ".<locals>." if outer.kind == "f" else "."
        local = self.terms.text(name) if name is not None else "?"
        self.terms.binds(node.child_by_field_name("type_parameters"))
        is_class = node.type == "class_definition"
        whole = f"{outer.name}{middle}{local}" if outer.name else local
        scope = _scope("c" if is_class else "f", whole, self.terms.scope, node)
        scope.start, scope.decorators, scope.condition = start, rows, self.terms.condition
        if is_class and (bases := node.child_by_field_name("superclasses")) is not None:
            scope.bases, scope.keywords = self.terms.keywords_of(bases)
        elif not is_class:
            self._signature(node, scope)
        self._body(node.child_by_field_name("body"), scope)

    def _signature(self, node: Node, scope: Scope) -> None:
        scope.is_async = any(child.type == "async" for child in node.children[:2])
        returns = node.child_by_field_name("return_type")
        scope.returns, scope.returns_span = self._annotation(returns), self._span(returns)
        parameters = node.child_by_field_name("parameters")
        if parameters is not None:
            scope.parameters = list(self._parameters(parameters.named_children))

    def _parameters(self, nodes: Iterable[Node]) -> Iterable[ParameterFact]:
        kind = ""
        for node in nodes:
            if node.type == "keyword_separator":
                kind = "k"
            elif node.type not in ("positional_separator", "comment", "ERROR"):
                row = self._parameter(node, kind)
                kind = "k" if row.kind == "*" else kind
                yield row

    def _parameter(self, node: Node, kind: str) -> ParameterFact:
        annotation, default = node.child_by_field_name("type"), node.child_by_field_name("value")
        name: Node | None = node.child_by_field_name("name") or node
        while name is not None and name.type != "identifier":
            if name.type == "list_splat_pattern":
                kind = "*"
            elif name.type == "dictionary_splat_pattern":
                kind = "**"
            name = name.named_children[0] if name.named_child_count else None
        return ParameterFact(
            self.terms.text(name) if name is not None else "?", kind,
            self._annotation(annotation), self._span(annotation),
            self._term(default), self._span(default),
        )  # fmt: skip

    def _body(self, body: Node | None, scope: Scope) -> None:
        terms = self.terms
        kept = (terms.scope, terms.flags, terms.condition, terms.loops, terms.scope_loops,
                terms.yielded)  # fmt: skip
        self.scopes.append(scope)
        terms.scope, terms.flags, terms.loops = len(self.scopes) - 1, 0, []
        terms.condition = -1 if scope.kind == "f" else terms.condition
        terms.scope_loops, terms.yielded = scope.loops, scope.yielded
        if body is not None:
            scope.body, scope.body_end = body.start_byte, body.end_byte
            note_course(body, scope)
            self.read(body)
        scope.yields = bool(scope.yielded)
        (terms.scope, terms.flags, terms.condition, terms.loops, terms.scope_loops,
         terms.yielded) = kept  # fmt: skip

    def _import(self, node: Node) -> None:
        for child in node.named_children:
            name, alias = child, None
            if child.type == "aliased_import":
                found, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                name = found or child
            module = self.terms.text(name)
            if alias is not None:
                self.scope.imports.append(Import(self.terms.text(alias), module, None, 0))
            else:
                self.scope.imports.append(Import(module.partition(".")[0], module, "", 0))

    def _import_from(self, node: Node) -> None:
        source = node.child_by_field_name("module_name")
        written = self.terms.text(source) if source is not None else ""
        module = written.lstrip(". \t")
        level = written.count(".", 0, len(written) - len(module))
        for child in node.named_children:
            if child.type == "wildcard_import":
                self.scope.imports.append(Import("*", module, "*", level))
        for child in node.children_by_field_name("name"):
            name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
            word = self.terms.text(name or child)
            local = self.terms.text(alias) if alias is not None else word
            self.scope.imports.append(Import(local, module, word, level))


def _quoted(words: str) -> Term:
    """The term of a quoted annotation; the string itself where it calls or does not parse."""
    if words.isidentifier():
        return words
    root = syntax.parse(words.encode())
    statement = root.named_children[0] if root.named_child_count == 1 else None
    if root.has_error or statement is None or statement.type != "expression_statement":
        return ["s", words]
    reader = TermReader(words.encode())
    term = reader.read(statement.named_children[0])
    return ["s", words] if reader.calls or '"x"' in repr(term) else term
