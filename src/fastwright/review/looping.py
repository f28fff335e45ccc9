"""Statements that run once for each turn of a loop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Block, Call, Function
from fastwright.review.course import loops
from fastwright.review.reach import Reach, Step, reach
from fastwright.review.statements import Statement, statement

_FEW = re.compile(
    r"[\[({\"']|range\(\s*\d|enumerate\(\s*[\[(]|.*(chunk|batch|range\(.*,.*,)", re.IGNORECASE
)
_NEAR = 2


@dataclass(frozen=True, slots=True)
class Looped:
    """A statement under a loop: `place` is the call in the loop that leads to it.

    `depth` counts the calls of ours between the two; `asking` is the statement's own call.
    """

    asking: Call
    asked: Statement
    owner: Function
    depth: int
    function: Function
    place: Call
    loop: Block
    route: Route

    @property
    def is_sure(self) -> bool:
        """True where the loop is long when its rows are many, and waits for each of them."""
        indirect_write = self.asked.verb == "flush" and self.depth > 0
        return self.depth < _NEAR and not self.may_leave and not indirect_write

    @property
    def may_leave(self) -> bool:
        """True where the loop can end early: a search is not as long as what it reads."""
        return any(
            stop.kind == "return" and self.loop.start <= stop.start < self.loop.end
            for stop in self.function.stops
        )


def looped(app: AppMap) -> Iterator[Looped]:
    """Each call in a loop over rows that leads to statements, by its nearest read and commit."""
    reached = reach(app)
    known: dict[str, tuple[Asking, ...]] = {}
    for ran in reached.ran():
        function = ran.function
        for call in reached.calls_in(function):
            over = [b for b in loops(function, call.span.start) if _is_over_rows(b)]
            over = [b for b in over if not _is_constant(reached.app, function, b.words)]
            for step, asked in _asked(reached, function, call, known) if over else ():
                depth = len(step.functions) if step.call is not call else 0
                yield Looped(
                    step.call, asked, step.function, depth, function, call, over[-1], ran.route
                )


Asking = tuple[Step, Statement]
"""A call of a session, and what it asks."""


def _asked(
    reached: Reach, function: Function, call: Call, known: dict[str, tuple[Asking, ...]]
) -> tuple[Asking, ...]:
    """The nearest read or write, and the nearest commit, that wait for the database in a call."""
    own, inner = statement(call), reached.callee(call)
    if own is not None and own.travels:
        return ((Step(call, (function,)), own),)
    if inner is None:
        return ()
    if inner.name not in known:
        first: dict[bool, Asking] = {}
        for step in reached.below(inner):
            asked = statement(step.call)
            if asked is not None and asked.travels:
                first.setdefault(asked.verb == "commit", (step, asked))
        known[inner.name] = tuple(first.values())
    return known[inner.name]


def _is_over_rows(loop: Block) -> bool:
    """A loop over what the app keeps or was sent: not over a few constants or whole batches."""
    return loop.kind == "for" and set(loop.names) != {"_"} and not _FEW.match(loop.words)


def _is_constant(app: AppMap, function: Function, words: str) -> bool:
    """True for a name of the module, whose length no request decides."""
    name = words.rpartition(".")[2]
    if not words.isidentifier() or words in function.parameters:
        return name.isidentifier() and name.isupper()
    if any(row.name == words for row in function.bindings):
        return False
    here = (m for m in app.modules.values() if m.path == function.span.path)
    return any(words in module.names or words in module.imports for module in here)
