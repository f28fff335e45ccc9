"""Answers that say no more than that something was done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import Route
from fastwright.model.code import Function
from fastwright.review.reach import Reach
from fastwright.source import layout, syntax
from fastwright.source.syntax import Node

CONSTANT = re.compile(
    r"None|True|False|[\d.]+|[bf]?(\"[^\"]*\"|'[^']*')|\{\}|\[\]|"
    r"\{\s*(\"\w+\"|'\w+')\s*:\s*[bf]?(\"[^\"]*\"|'[^']*'|True|False|[\d.]+)\s*,?\s*\}|"
    r"\{(\s*(\"\w+\"|'\w+')\s*:\s*(\"[^\"]*\"|'[^']*'|True|False|None|[\d.]+)\s*(,|(?=\})))+\s*\}"
)
"""An answer that is the same each time, as written."""
_MEMBERS = re.compile(
    r"\[\s*(\w+)\.(?:value|name)\s+for\s+\1\s+in\s+(?:\w+\.)*[A-Z]\w*\s*\]|"
    r"list\((?:\w+\.)*[A-Z]\w*\)"
)
"""The members of an `Enum`: only a class of that kind can be gone through."""
_OWN_WORDS = re.compile(
    r"(?:datetime|time|date|len|int|str|bool)\b|\w*(?:settings|config)\b"
    r"|(?:\w+\.)*[A-Z]\w*\.[A-Z][A-Z0-9_]+(?:\.value)?$"
)
"""The clock, counts, settings, and the members of an `Enum`."""
_PLAIN = frozenset({"string", "concatenated_string", "integer", "float", "true", "false", "none"})
_NUMBERS = frozenset({"int", "float", "bool", "Decimal", "decimal.Decimal"})
_COUNTED = re.compile(
    r"(?:await\s+)?[\w.]*\bcount\w*\(|.*\bfunc\.count\(|.*\.rowcount$"
    r"|(?:\w+\.)*(?:\w+_)?(?:count|total)$",
    re.DOTALL,
)
_PICKED = re.compile(r"\w+(?:\.\w+)+|[\w.]+\[(?:\"\w+\"|'\w+'|\d+)\]")
_ONE = re.compile(
    r"(?:^|_)(?:id|uuid|key|url|path|name|title|number|status|message|ok|success|at|token)$"
)
_FEW = 3
"""Single values that the answer to a write picks by hand, up to which it is no record."""
_DEEPEST = 3
_ITSELF = frozenset({"self", "cls"})


@dataclass(frozen=True, slots=True)
class Acknowledging:
    """What the answers of one route say, followed through names and functions of ours."""

    reached: Reach
    route: Route

    def is_all(self, function: Function) -> bool:
        """True where each answer is a constant, or words, counts and what was sent."""
        given = frozenset(p.name for p in self.route.parameters)
        return self._ends(function, given, 0)

    def _ends(self, function: Function, given: frozenset[str], depth: int) -> bool:
        values = [s.value for s in function.stops if s.kind == "return" and s.value.strip()]
        return bool(values) and all(self._is_one(function, v, given, depth) for v in values)

    def _is_one(self, function: Function, value: str, given: frozenset[str], depth: int) -> bool:
        text = value.strip()
        if CONSTANT.fullmatch(text) or _MEMBERS.fullmatch(text):
            return True
        shown = _expression(text)
        if shown is None or depth > _DEEPEST:
            return False
        if next(syntax.find(shown, "identifier"), None) is None:
            return True  # literals alone: nothing in it can change
        if self.route.method != "GET" and _is_status(shown):
            return True
        if shown.type == "dictionary":
            return self._is_told_whole(function, shown, given)
        if shown.type == "identifier":
            bound = self._bound(function, text)
            return bool(bound) and all(self._is_one(function, v, given, depth + 1) for v in bound)
        inner = self._called(function, shown)
        return inner is not None and self._ends(
            inner, frozenset(inner.parameters) - _ITSELF, depth + 1
        )

    def _called(self, function: Function, shown: Node) -> Function | None:
        """The function of ours whose result an expression is, awaited or not."""
        node = shown.named_children[0] if shown.type == "await" else shown
        called = node.child_by_field_name("function") if node.type == "call" else None
        text = layout.text_of(called)
        call = next((c for c in self.reached.calls_in(function) if c.text == text), None)
        inner = self.reached.callee(call) if call is not None and text else None
        return inner if inner is not None and call and inner.name == call.callee else None

    def _bound(self, function: Function, name: str) -> list[str]:
        """What a name is bound to; nothing where it may gain more, or come from elsewhere."""
        content = self.reached.app.files[function.span.path]
        text = self.reached.app.text(function.span)
        if re.search(
            rf"\b{name}(?:\[[^\]]*\]\s*=[^=]|\.(?:update|setdefault|append|extend)\()", text
        ):
            return []
        rows = [b for b in function.bindings if b.name == name]
        return [content[b.start : b.end].decode("utf-8", "replace") for b in rows]

    def _is_told_whole(self, function: Function, shown: Node, given: frozenset[str]) -> bool:
        pairs = [p.child_by_field_name("value") for p in shown.named_children if p.type == "pair"]
        whole = len(pairs) == sum(n.type != "comment" for n in shown.named_children)
        values = [part for node in pairs if node is not None for part in _parts(node)]
        others = [value for value in values if not self._is_told(function, value, given)]
        picks = all(self._is_picked(function, value) for value in others)
        most = 0 if self.route.method == "GET" else _FEW
        return whole and picks and len(others) <= most

    def _is_told(self, function: Function, node: Node, given: frozenset[str]) -> bool:
        """Words, counts and what was sent."""
        text = layout.text_of(node)
        if node.type in _PLAIN or _OWN_WORDS.match(text) or _COUNTED.match(text):
            return True
        if re.split(r"\W", text, maxsplit=1)[0] in given:
            return True
        if node.type == "identifier":
            bound = self._bound(function, text)
            return bool(bound) and all(self._is_number(function, value) for value in bound)
        return self._is_number(function, text)

    def _is_number(self, function: Function, value: str) -> bool:
        if CONSTANT.fullmatch(value.strip()) or _COUNTED.match(value) or _OWN_WORDS.match(value):
            return True
        shown = _expression(value)
        inner = self._called(function, shown) if shown is not None else None
        return inner is not None and inner.returns in _NUMBERS

    def _is_picked(self, function: Function, node: Node) -> bool:
        """A single value of a row, or what is called as one."""
        text = layout.text_of(node)
        if node.type == "identifier":
            picked = [v for v in self._bound(function, text) if _PICKED.fullmatch(v.strip())]
            return bool(picked) or _ONE.search(text) is not None
        return _PICKED.fullmatch(text) is not None


def _expression(text: str) -> Node | None:
    statement = next(iter(syntax.parse(text.strip().encode()).named_children), None)
    return statement.named_children[0] if statement and statement.named_child_count else None


def _is_status(shown: Node) -> bool:
    """True for ``Status(done=True, message="cleared")``: an object of a class made of words."""
    name = layout.text_of(shown.child_by_field_name("function")).rpartition(".")[2]
    given = shown.child_by_field_name("arguments")
    named = given.named_children if given is not None and name[:1].isupper() else []
    values = [node.child_by_field_name("value") for node in named]
    return bool(values) and all(value is not None and value.type in _PLAIN for value in values)


def _parts(node: Node) -> Iterator[Node]:
    """The values that an expression can have: both sides of a conditional one."""
    if node.type == "conditional_expression":
        yield from _parts(node.named_children[0])
        yield from _parts(node.named_children[-1])
    else:
        yield node
