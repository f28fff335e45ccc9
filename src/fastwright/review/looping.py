"""Statements that run once for each turn of a loop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Block, Call, Function
from fastwright.review.course import loops
from fastwright.review.reach import Step, reach
from fastwright.review.statements import Statement, statement

_FEW = re.compile(
    r"[\[({\"']|range\(\s*\d|enumerate\(\s*[\[(]|.*(chunk|batch|range\(.*,.*,)", re.IGNORECASE
)
_NEAR = 2


@dataclass(frozen=True, slots=True)
class Looped:
    """A statement under a loop: `place` is the call in the loop that leads to it."""

    step: Step
    asked: Statement
    function: Function
    place: Call
    loop: Block
    route: Route

    @property
    def is_near(self) -> bool:
        """True where the loop itself, or a function that it calls, runs the statement."""
        return len(self.step.functions) - self.step.functions.index(self.function) <= _NEAR

    @property
    def is_sure(self) -> bool:
        """True where the loop is long when its rows are many, and waits for each of them."""
        indirect_write = self.asked.verb == "flush" and self.step.call is not self.place
        return self.is_near and not self.may_leave and not indirect_write

    @property
    def may_leave(self) -> bool:
        """True where the loop can end early: a search is not as long as what it reads."""
        return any(
            stop.kind == "return" and self.loop.start <= stop.start < self.loop.end
            for stop in self.function.stops
        )


def looped(app: AppMap) -> Iterator[Looped]:
    """Each place in a loop over rows that leads to statements, once, on the way of any route."""
    reached = reach(app)
    seen: set[tuple[str, int, bool]] = set()
    for root, routes in reached.every_root().values():
        for step in reached.below(root):
            asked = statement(step.call)
            found = _innermost(step) if asked and asked.travels else None
            if asked is None or found is None:
                continue
            function, place, loop = found
            key = (function.name, place.span.start, asked.verb == "commit")
            if key not in seen:
                seen.add(key)
                yield Looped(step, asked, function, place, loop, routes[0])


def _innermost(step: Step) -> tuple[Function, Call, Block] | None:
    calls = (*step.via, step.call)
    for function, call in zip(reversed(step.functions), reversed(calls), strict=True):
        found = [b for b in loops(function, call.span.start) if _is_over_rows(b)]
        if found:
            return function, call, found[-1]
    return None


def _is_over_rows(loop: Block) -> bool:
    """A loop over what the app keeps or was sent: not over a few constants or whole batches."""
    return loop.kind == "for" and set(loop.names) != {"_"} and not _FEW.match(loop.words)
