"""The course of a function: its blocks, where it stops, and which results it lets go.

Only statements are walked; expressions are read once, by `terms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from fastwright.model.code import Binding, Block, Stop
from fastwright.source.syntax import Node
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import BlockFact, Scope, StopFact
from fastwright.survey.names import Names

_STOPS = MappingProxyType({"return_statement": "return", "raise_statement": "raise"})
_LEAVING = MappingProxyType({
    "raise_statement": "raise",
    "return_statement": "return",
    "continue_statement": "skip",
    "break_statement": "skip",
})  # fmt: skip
_PARTS = MappingProxyType({
    "for_statement": "for", "while_statement": "while", "if_statement": "arm",
    "elif_clause": "arm", "case_clause": "arm", "try_statement": "try", "except_clause": "except",
    "except_group_clause": "except", "finally_clause": "finally", "else_clause": "else",
    "with_statement": "with",
})  # fmt: skip
_OWN_SCOPE = ("function_definition", "class_definition", "decorated_definition")
_COMPREHENSIONS = ("list_comprehension", "set_comprehension", "generator_expression",
                   "dictionary_comprehension")  # fmt: skip
_WAITS = re.compile(rb"\bawait\b|\basync\s+(?:for|with)\b")
_NAME = re.compile(r"[^\W\d][\w.]*")
_DEEPEST = 100


def note_course(body: Node, scope: Scope) -> None:
    """Fill the blocks, stops and dropped calls of a function from its body."""
    if scope.kind == "f":
        _walk(body, scope, 0, 0)


def leaves(body: Node) -> str:
    """How a block ends, where it always leaves what stands behind it."""
    final = next((n for n in reversed(body.named_children) if n.type != "comment"), None)
    return _LEAVING.get(final.type, "") if final is not None else ""


def _walk(node: Node, scope: Scope, group: int, depth: int) -> None:
    if depth > _DEEPEST:
        return
    for child in node.named_children:
        kind = child.type
        if kind in _PARTS:
            start = child.start_byte if kind.endswith("_statement") else group
            _note_part(child, scope, start)
            _walk(child, scope, start, depth + 1)
        elif kind in _STOPS:
            _note_stop(_STOPS[kind], child, scope)
            _comprehensions(child, scope)
        elif kind == "expression_statement":
            _expression(child, scope)
        elif kind in ("block", "match_statement"):
            inner = child.start_byte if kind == "match_statement" else group
            _walk(child, scope, inner, depth + 1)
        elif kind not in _OWN_SCOPE:
            _comprehensions(child, scope)


def _note_part(node: Node, scope: Scope, group: int) -> None:
    body = node.child_by_field_name("body") or node.child_by_field_name("consequence")
    body = body or next((c for c in node.named_children if c.type == "block"), None)
    if body is None:
        return
    kind = _PARTS[node.type]
    if kind == "else" and node.parent is not None and node.parent.type == "if_statement":
        kind = "arm"
    words, alias = _governing(node)
    scope.blocks.append(
        BlockFact(kind, body.start_byte, body.end_byte, group, _span(words), _span(alias))
    )


def _governing(node: Node) -> tuple[Node | None, Node | None]:
    """What decides whether, or over what, the block of a statement runs; and what it binds."""
    if node.type == "for_statement":
        return node.child_by_field_name("right"), node.child_by_field_name("left")
    found = node.child_by_field_name("condition")
    if found is None and node.type not in ("try_statement", "finally_clause", "else_clause"):
        found = next((c for c in node.named_children if c.type not in ("block", "comment")), None)
    return found, None


def _span(node: Node | None) -> list[int] | None:
    return None if node is None else [node.start_byte, node.end_byte]


def _note_stop(kind: str, node: Node, scope: Scope) -> None:
    value = next((c for c in node.named_children if c.type != "comment"), None)
    scope.stops.append(StopFact(kind, node.start_byte, node.end_byte, _span(value)))


def _expression(node: Node, scope: Scope) -> None:
    for child in node.named_children:
        inner = child.named_children[0] if child.type == "await" else child
        if inner.type == "call":
            scope.dropped.append(inner.end_byte)
        given = child.child_by_field_name("right") if child.type == "assignment" else child
        if given is not None and given.type == "yield":
            _note_stop("yield", given, scope)
        _comprehensions(child, scope)


def _comprehensions(node: Node, scope: Scope) -> None:
    """Comprehensions count as loops over what they make; lambdas and the like are not entered."""
    for found in _inside(node, 0) if b" for " in (node.text or b"") else ():
        body = found.child_by_field_name("body")
        clause = next((c for c in found.named_children if c.type == "for_in_clause"), None)
        if body is not None and clause is not None:
            right, left = (clause.child_by_field_name(f) for f in ("right", "left"))
            scope.blocks.append(
                BlockFact("for", body.start_byte, body.end_byte, found.start_byte, _span(right),
                          _span(left))
            )  # fmt: skip


def _inside(node: Node, depth: int) -> Iterator[Node]:
    if node.type in _COMPREHENSIONS:
        yield node
    if depth < _DEEPEST and node.type != "lambda":
        for child in node.named_children:
            yield from _inside(child, depth + 1)


# -- facts → relations --------------------------------------------------------------------------


def blocks(unit: Unit, index: int, names: Names) -> tuple[Block, ...]:
    """The blocks of one function, exceptions that it catches by their dotted names."""
    return tuple(_block(unit, index, row, names) for row in unit.scopes[index].blocks)


def _block(unit: Unit, index: int, row: BlockFact, names: Names) -> Block:
    words = unit.text(row.words) if row.words else ""
    found: tuple[str, ...] = ()
    if row.kind == "except":
        caught = words.partition(" as ")[0]
        found = tuple(names.dotted(unit, index, name) for name in _NAME.findall(caught))
    elif row.alias:
        found = tuple(_NAME.findall(unit.text(row.alias)))
    return Block(row.kind, row.start, row.end, row.group, words, found)


def stops(unit: Unit, index: int) -> tuple[Stop, ...]:
    """Where one function stops or gives something away."""
    return tuple(
        Stop(row.kind, row.start, row.end, unit.text(row.value) if row.value else "")
        for row in unit.scopes[index].stops
    )


def bindings(unit: Unit, index: int) -> tuple[Binding, ...]:
    """What one function gives its plain local names."""
    return tuple(
        Binding(row.target, *row.value_span)
        for row in unit.scopes[index].assignments
        if isinstance(row.target, str) and row.target.isidentifier() and row.value_span
    )


def awaits(unit: Unit, index: int) -> bool:
    """Whether something is awaited in the text of a function, functions in it included."""
    scope = unit.scopes[index]
    return scope.is_async and bool(_WAITS.search(unit.content, scope.body, scope.body_end))
