"""Rows that are made only where a question before has found none of them."""

from __future__ import annotations

import re

from fastwright.model.code import Block, Function
from fastwright.review.course import follows
from fastwright.review.given import mentions, names_at, names_of
from fastwright.review.writing import Touch, Writing

_ABSENT = re.compile(r"^\s*not\b|\bis\s+None\b|==\s*(?:None|0)\b")
_COUNTS = re.compile(r"[<>]")
_DEPTH = 3


def hangs_on(
    writing: Writing, function: Function, asked: Touch, made: Touch, *, refused: bool = True
) -> bool:
    """True where the insert runs only if the question found nothing.

    `refused`: what was found may also be answered by a ``raise``.
    """
    if not follows(function, asked.call.span.start, made.call.span.start):
        return False
    span, reached = asked.call.span, writing.reached
    kinds = ("raise", "return") if refused else ("return",)
    return any(
        _parts(function, block, made, kinds)
        for block in function.blocks
        if block.kind == "arm"
        and not _COUNTS.search(block.words)
        and _tests(block, names_at(function, span, reached, block.group), asked)
    ) or (not refused and _is_else(function, names_of(function, span, reached), made))


def is_found_or_made(
    writing: Writing, function: Function, rows: tuple[Touch, ...], tables: frozenset[str],
    depth: int = 0,
) -> bool:  # fmt: skip
    """True where one of `rows` makes a row of `tables` only if there is none, and goes on with it.

    A repeated request finds what an earlier one has left behind.
    """
    for made in rows:
        own = made.makes & tables
        asked = (a for a in rows if a is not made and own & _asked(a)) if own else ()
        if any(hangs_on(writing, function, a, made, refused=False) for a in asked):
            return True
        inner = writing.reached.callee(made.call) if own and depth < _DEPTH else None
        if inner is not None and inner is not function:
            below = writing.touches(inner, depth + 1)
            if is_found_or_made(writing, inner, below, own, depth + 1):
                return True
    return False


def _asked(touch: Touch) -> frozenset[str]:
    return frozenset(table for query in touch.asks for table in query.tables[:1])


def _parts(function: Function, block: Block, made: Touch, kinds: tuple[str, ...]) -> bool:
    """True where a block holds the insert if nothing was found, or leaves if something was."""
    absent, held = bool(_ABSENT.search(block.words)), _holds(block, made)
    stops = (stop.start for stop in function.stops if stop.kind in kinds)
    leaves = any(block.start <= start < block.end for start in stops)
    return held if absent else leaves and block.end <= made.call.span.start


def _is_else(function: Function, names: frozenset[str], made: Touch) -> bool:
    """True where what was found is changed, and else the row is made."""
    groups = {b.group for b in function.blocks if b.kind == "arm" and mentions(b.words, names)}
    arms = (b for b in function.blocks if b.kind == "arm" and not b.words)
    return any(b.group in groups and _holds(b, made) for b in arms)


def _tests(block: Block, names: frozenset[str], asked: Touch) -> bool:
    """True where the answer, by name or as the call itself, decides whether a block runs."""
    span = asked.call.span
    direct = block.group <= span.start and span.end <= block.start
    return direct or mentions(block.words, names)


def _holds(block: Block, touch: Touch) -> bool:
    return block.start <= touch.call.span.start < block.end
