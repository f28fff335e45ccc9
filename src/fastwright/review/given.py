"""Whether the rows of a statement are what a function gives back, as far as names tell."""

from __future__ import annotations

import re

from fastwright.model.code import Binding, Function
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.reach import Reach, Step

_ROUNDS = 4
"""Names that are made of names that are made of rows are followed so far."""
_NO_ROWS = re.compile(rb"\.(?:subquery|cte|scalar_subquery|alias|lateral)\([^()]*\)[\s)]*$")
"""What ends in this is a part of another statement, which alone gives rows."""
_COUNTED = re.compile(
    r"\w+\.(?:count|total|total_count)\b(?!\s*\()|\blen\(\w+\)|\.(?:not_?)?in_\(\s*\w+\s*\)"
)
"""What is said of rows without giving them: how many there are, or that others are among them."""


def gives_back(reached: Reach, step: Step) -> bool:
    """True where the result of the step's call is part of what the root returns, by every level."""
    spans = [call.span for call in (*step.via, step.call)]
    pairs = zip(step.functions, spans, strict=True)
    return all(_returned(function, span, reached) for function, span in pairs)


def names_of(function: Function, span: Span, reached: Reach) -> frozenset[str]:
    """The local names that hold the result of the call at `span`, or what is made of it."""
    content = reached.app.files[function.span.path]
    held: set[str] = set()
    for _ in range(_ROUNDS):
        for row in function.bindings:
            if _NO_ROWS.search(content[row.start : row.end]):
                continue
            inside = row.start <= span.start and span.end <= row.end
            if inside or (
                held and mentions(content[row.start : row.end].decode("utf-8", "replace"), held)
            ):
                held.add(row.name)
    return frozenset(held)


def names_at(function: Function, span: Span, reached: Reach, place: int) -> frozenset[str]:
    """The names that still hold the result of the call at `span`, or what is made of it.

    A name that was bound anew on the way to `place` stands for something else.
    """
    content = reached.app.files[function.span.path]
    held: dict[str, set[int]] = {}
    for _ in range(_ROUNDS):
        before = sum(map(len, held.values()))
        for row in function.bindings:
            written = content[row.start : row.end]
            inside = row.start <= span.start and span.end <= row.end
            if (inside or (held and _is_made_of(function, held, row, written))) and (
                not _NO_ROWS.search(written)
            ):
                held.setdefault(row.name, set()).add(row.end)
        if sum(map(len, held.values())) == before:
            break
    return frozenset(_still(function, held, place))


def _is_made_of(
    function: Function, held: dict[str, set[int]], row: Binding, written: bytes
) -> bool:
    text = written.decode("utf-8", "replace")
    return mentions(text, set(held)) and mentions(text, _still(function, held, row.start))


def _still(function: Function, held: dict[str, set[int]], place: int) -> set[str]:
    """Those of the names, each with where it was bound, that were not bound to something else."""
    under = {(b.start, b.end) for b in around(function, place)}
    anew = [
        row
        for row in function.bindings
        if row.name in held
        and row.end <= place
        and row.end not in held[row.name]
        and {(b.start, b.end) for b in around(function, row.start)} <= under
    ]
    return {
        name
        for name, ends in held.items()
        if any(
            end <= place and not any(row.name == name and end <= row.start for row in anew)
            for end in ends
        )
    }


def _returned(function: Function, span: Span, reached: Reach) -> bool:
    names = names_of(function, span, reached)
    return any(
        (stop.start <= span.start and span.end <= stop.end)
        or mentions(_COUNTED.sub("", stop.value), names)
        for stop in function.stops
        if stop.kind in ("return", "yield")
    )


def mentions(text: str, names: frozenset[str] | set[str]) -> bool:
    """True where one of the plain names stands in a piece of code."""
    words = set(re.findall(r"(?<![\w.])[^\W\d]\w*", text)) if names else set()
    return bool(words & names)
