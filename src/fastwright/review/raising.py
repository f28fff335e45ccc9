"""Where an exception goes in one function: past a place, or into an ``except`` that answers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.code import Block, Function
from fastwright.model.places import Span
from fastwright.review.course import always, around
from fastwright.source import syntax
from fastwright.source.syntax import Node

_PARTIAL = frozenset({
    "conditional_expression", "boolean_operator", "lambda", "list_comprehension",
    "set_comprehension", "dictionary_comprehension", "generator_expression", "assert_statement",
})  # fmt: skip
"""Expressions parts of which may not be run."""
_CLAUSE = "except_clause"
_WIDE = frozenset({"Exception", "BaseException"})
_VALUE = frozenset({"ValidationError", "UnicodeDecodeError", "JSONDecodeError"})
"""Exceptions that `ValueError` stands for as well."""

_UNBOUND = frozenset({"StatementError", "ProgrammingError"})
"""What a value that the database cannot take raises, by driver."""
_DATABASE = frozenset({"SQLAlchemyError", "DBAPIError", "DataError"}) | _UNBOUND
"""What may stand for either."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An expression that raises in each run of its function, and why.

    Attributes:
        at: The expression.
        until: Where what never runs ends: with the function, or the ``try`` that holds `at`.
        error: The exception.
        why: What is wrong, in words.
        caught: True where an ``except`` may answer it.
        instead: What was meant, where that is known.
        ends: True where the ``except`` that answers it ends the function.
    """

    at: Span
    until: int
    error: str
    why: str
    caught: bool = False
    instead: str = ""
    ends: bool = False


def failure_at(function: Function, at: Span, error: str, why: str, instead: str = "") -> Failure:
    """What `at` raises in `function`, and how far that goes."""
    tried = catching(function, at.start, error)
    if tried is None:
        return Failure(at, function.span.end, error, why, instead=instead)
    ends = all(_leaves(function, net) for net in nets(function, tried, error))
    return Failure(at, tried.end, error, why, True, instead, ends)


def catching(function: Function, offset: int, error: str) -> Block | None:
    """The innermost ``try`` around a place that has an ``except`` for `error`."""
    tries = [block for block in around(function, offset) if block.kind == "try"]
    return next((t for t in reversed(tries) if any(nets(function, t, error))), None)


def nets(function: Function, tried: Block, *lineage: str) -> Iterator[Block]:
    """The ``except`` blocks of a ``try`` that answer an error; the first that does, does alone.

    `lineage` are the plain names of its class and of those that this derives from, as far as known.
    """
    wide = {*lineage, *_WIDE, *(() if _VALUE.isdisjoint(lineage) else ("ValueError",))}
    wide |= set() if _UNBOUND.isdisjoint(lineage) else _DATABASE
    for block in function.blocks:
        if block.kind == "except" and block.group == tried.group:
            names = {name.rpartition(".")[2] for name in block.names}
            if not names or names & wide:
                yield block
                return


def _leaves(function: Function, net: Block) -> bool:
    """True where an ``except`` ends the function, by ``return`` or ``raise``."""
    for stop in function.stops:
        if stop.kind in ("return", "raise") and net.start <= stop.start < net.end:
            held = [b for b in around(function, stop.start) if b.kind != "with"]
            if held and held[-1] == net:
                return True
    return False


def is_passed(app: AppMap, function: Function, at: Span) -> bool:
    """True where each run of a function that raises nothing before comes to an expression."""
    return always(function, at.start) and not is_partial(app, function, at)


def is_partial(app: AppMap, function: Function, at: Span) -> bool:
    """True for a part of an expression that need not be run, and for what an ``except`` names."""
    root = syntax.parse(app.files[at.path])
    above = [
        n for n in syntax.around(root, at.start, at.end) if n.start_byte >= function.span.start
    ]
    bodies = [place for place, node in enumerate(above) if node.type == "block"]
    kinds = [node.type for node in above]
    is_caught = _CLAUSE in kinds[bodies[-1] if bodies else 0 :]
    return is_caught or any(n.type in _PARTIAL and not _begins_with(n, at) for n in above)


def _begins_with(node: Node, at: Span) -> bool:
    """True for the part that is run first: the left of ``and``, the test of ``x if y else z``."""
    if node.type == "boolean_operator":
        first = node.child_by_field_name("left")
    else:
        first = node.named_children[1] if node.type == "conditional_expression" else None
    return first is not None and first.start_byte <= at.start < first.end_byte


def held_until(function: Function, offset: int) -> int:
    """Where the innermost block ends that a place stands in, contexts aside."""
    held = [b for b in around(function, offset) if b.kind != "with"]
    return held[-1].end if held else function.span.end
