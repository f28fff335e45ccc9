"""A condition in Python's words, said in SQLAlchemy's."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.model.places import Span
from fastwright.review.conditions import operator
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.syntax import Node

_METHODS = MappingProxyType({"is": "is_", "is not": "is_not", "in": "in_", "not in": "not_in"})


@dataclass(frozen=True, slots=True)
class Said:
    """The text of the condition, and the imports that it needs."""

    text: str
    edits: tuple[Change, ...] = ()


def said_in_sql(app: AppMap, at: Span, node: Node, package: str, *, listed: bool) -> Said:
    """The condition at `at` as expressions of SQLAlchemy.

    ``and_`` and ``or_`` come from `package`, where they are needed. `listed` says that the call
    takes several conditions, all of which must hold.
    """
    if node.type == "parenthesized_expression":
        return said_in_sql(app, at, _inner(node), package, listed=listed)
    if node.type == "not_operator":
        argument = node.child_by_field_name("argument")
        written = layout.text_of(argument)
        is_one = argument is not None and argument.type in ("attribute", "parenthesized_expression")
        return Said(f"~{written}" if is_one else f"~({written})")
    if node.type == "comparison_operator" and operator(node) in _METHODS:
        left, right = (layout.text_of(child) for child in node.named_children)
        return Said(f"{left}.{_METHODS[operator(node)]}({right})")
    if node.type != "boolean_operator":
        return Said(layout.text_of(node))
    parts = [said_in_sql(app, at, part, package, listed=False) for part in _parts(node)]
    text, edits = ", ".join(p.text for p in parts), tuple(e for p in parts for e in p.edits)
    if operator(node) == "and" and listed:
        return Said(text, edits)
    bound = ensure_import(app, at.path, package, f"{operator(node)}_")
    return Said(f"{bound.local}({text})", (*edits, *bound.edits))


def _parts(node: Node) -> tuple[Node, ...]:
    """The operands of a chain of one operator, from left to right."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    assert left is not None
    assert right is not None
    is_chain = left.type == "boolean_operator" and operator(left) == operator(node)
    return (*(_parts(left) if is_chain else (left,)), right)


def _inner(node: Node) -> Node:
    return next(child for child in node.named_children if child.type != "comment")
