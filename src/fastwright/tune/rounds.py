"""The loop around a query, and what it goes round with. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.tune import chains

_COMPREHENSIONS = (
    "list_comprehension",
    "set_comprehension",
    "dictionary_comprehension",
    "generator_expression",
)


@dataclass(frozen=True, slots=True)
class Round:
    """A ``for`` statement or the first clause of a comprehension.

    Attributes:
        target: What each turn binds, as written; `names` are the names in it.
        over: What it goes over.
        statement: The statement before which something can be put.
        body: Where the turns happen.
    """

    target: str
    names: frozenset[str]
    over: Node
    statement: Node
    body: Node


def around(node: Node, reads: frozenset[str], content: bytes) -> Round | None:
    """The innermost loop around `node` that binds one of the names that it `reads`."""
    current = node
    while current.parent is not None and current.parent.type not in (
        "function_definition",
        "lambda",
    ):
        above = current.parent
        found = _statement(above, current, content) or _comprehension(above, content)
        if found is not None and found.names & reads:
            return found
        current = above
    return None


def _statement(node: Node, inner: Node, content: bytes) -> Round | None:
    if node.type != "for_statement" or any(child.type == "async" for child in node.children):
        return None
    body = node.child_by_field_name("body")
    return _round(node, node, body, content) if body == inner else None


def _comprehension(node: Node, content: bytes) -> Round | None:
    if node.type not in _COMPREHENSIONS:
        return None
    clauses = [child for child in node.children if child.type == "for_in_clause"]
    statement = _statement_around(node)
    if (
        len(clauses) != 1
        or statement is None
        or any(c.type == "async" for c in clauses[0].children)
    ):
        return None
    return _round(clauses[0], statement, node, content)


def _round(loop: Node, statement: Node, body: Node | None, content: bytes) -> Round | None:
    left, right = loop.child_by_field_name("left"), loop.child_by_field_name("right")
    if left is None or right is None or body is None:
        return None
    return Round(syntax.text(left, content), chains.names(left, content), right, statement, body)


def _statement_around(node: Node) -> Node | None:
    """The simple statement that holds `node`, where it stands on lines of its own."""
    current: Node | None = node
    while current is not None and current.parent is not None:
        if current.parent.type in ("block", "module"):
            return current if not current.type.endswith(("_definition", "clause")) else None
        current = current.parent
    return None
