"""What becomes of the error by which a database refuses to make, change or delete a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Block, Call, Function
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.nets import lets_out
from fastwright.review.once import once
from fastwright.review.reach import Step, last, reach

LINEAGE = ("IntegrityError", "DatabaseError", "DBAPIError", "StatementError", "SQLAlchemyError",
           "Exception", "BaseException")  # fmt: skip
"""The class of the error and those that it derives from, by their plain names."""
_STILL_FAILS = re.compile(r"(?m)^\s*raise\s*(#.*)?$|\b500\b|INTERNAL_SERVER")
_ANSWERED = re.compile(
    rb"exception_handlers?\b.{0,80}?(?:IntegrityError|SQLAlchemyError|DBAPIError)"
    rb"(?P<answer>.{0,400})", re.DOTALL,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passing:
    """A place that the error passes, if nothing there takes it; `step` leads on to where it began.

    `step` is ``None`` where a dependency waits in its ``yield`` for what the route does.
    """

    function: Function
    offset: int
    step: Step | None = None


@once
def is_answered_for_all(app: AppMap) -> bool:
    """Whether the app answers what the database raises, and not as a fault of its own."""
    found = (hit for text in app.files.values() for hit in _ANSWERED.finditer(text))
    return any(not _STILL_FAILS.search(hit["answer"].decode("utf-8", "replace")) for hit in found)


def is_sent_by(call: Call) -> bool:
    """Whether a call sends to the database what was staged, which may refuse it then."""
    return last(call.text) in ("commit", "flush")


def places(app: AppMap, root: Function, ends: Callable[[Call], bool]) -> Iterator[Passing]:
    """Where the error passes below `root`: the calls that `ends` knows, and what leads there."""
    yield from (Passing(root, stop.start) for stop in root.stops if stop.kind == "yield")
    for step in reach(app).below(root):
        if ends(step.call):
            for function, call in zip(step.functions, (*step.via, step.call), strict=True):
                yield Passing(function, call.span.start, step)


def is_caught(app: AppMap, route: Route, passed: Iterable[Passing]) -> bool:
    """Whether an ``except`` at one of the places answers the error otherwise than by a 500."""
    return any(
        _catches(app, place.function, block)
        and not (place.step and lets_out(app, route, place.step, place.function, block))
        for place in passed
        for held in around(place.function, place.offset) if held.kind == "try"
        for block in place.function.blocks if block.kind == "except" and block.group == held.group
    )  # fmt: skip


def _catches(app: AppMap, function: Function, block: Block) -> bool:
    named = {last(name) for name in block.names}
    if named and not named.intersection(LINEAGE):
        return False
    return not _STILL_FAILS.search(app.text(Span(function.span.path, block.start, block.end)))
