"""The judge's rules: what an edit may change, and what it must. Pure.

In order, and the first that is broken ends it: the app starts; every GET answers the same bytes at
every size, save where it differs from itself; writes give the same answer and the same tables; no
route sends more statements, and the target fewer; no route whose statements changed takes more CPU.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence

from fastwright.tune.bench import Timing, Written
from fastwright.tune.idea import Gain
from fastwright.tune.seen import Observation, Visit

SLOWER = 0.10
"""Share of CPU time that an edit may cost a route, beside `FLOOR`."""

FLOOR = 0.0004
"""Seconds of CPU time below which a difference says nothing."""


def unsteady(first: Observation, again: Observation) -> tuple[str, ...]:
    """The routes whose answer differs between two runs of one tree: they leave the byte gate."""
    return tuple(
        route
        for route, visit in first.visits.items()
        if route not in again.visits or again.visits[route].answer != visit.answer
    )


def changed_answers(
    before: Sequence[Observation],
    after: Sequence[Observation],
    *,
    unsteady: Collection[str],
    mending: Collection[str] = (),
) -> Iterator[str]:
    """Each GET whose answer is not what it was; of those in `mending`, each that still fails.

    Routes that `after` does not have were not asked for: that all are there, the contract says.
    """
    for was, now in zip(before, after, strict=True):
        for route, other in now.visits.items():
            visit = was.visits[route]
            if route in mending and visit.status >= 500:
                if other.status >= 400:
                    yield f"{route}: still answers {other.status} with {was.size} rows"
            elif other.status != visit.status:
                yield f"{route}: {visit.status} → {other.status} with {was.size} rows"
            elif other.body != visit.body and route not in unsteady:
                how = "in another order" if same_but_order(visit, other) else "differs"
                yield f"{route}: the answer {how} with {was.size} rows"


def same_but_order(one: Visit, other: Visit) -> bool:
    """True where two JSON answers hold the same things in another order."""
    try:
        return bool(_sorted(json.loads(one.body)) == _sorted(json.loads(other.body)))
    except ValueError:
        return False


def _sorted(value: object) -> object:
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=repr)
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    return value


def changed_writes(
    before: Mapping[str, Written], after: Mapping[str, Written], unsteady: Collection[str]
) -> Iterator[str]:
    """Each write route that answers otherwise, asks more often, or leaves other rows."""
    for route, was in before.items():
        now = after.get(route)
        if route in unsteady:
            continue
        if now is None or now.visit.answer != was.visit.answer:
            yield f"{route}: answers otherwise"
            continue
        if now.visit.statements > was.visit.statements:
            counts = f"{was.visit.statements} → {now.visit.statements}"
            yield f"{route}: {counts} statements"
        for table, digest in was.contents.items():
            if now.contents.get(table) != digest:
                yield f"{route}: leaves other rows in `{table}`"


def more_statements(
    before: Sequence[Observation],
    after: Sequence[Observation],
    targets: Collection[str],
    gain: Gain = Gain.STATEMENTS,
) -> Iterator[str]:
    """Each route that sends more statements, and each target that has no less of what is to go.

    A target that failed before has no count to compare with.
    """
    for was, now in zip(before, after, strict=True):
        for route, other in now.visits.items():
            visit, count = was.visits[route], other.statements
            if visit.status < 500 and count > visit.statements:
                yield f"{route}: {visit.statements} → {count} statements with {was.size} rows"
    was, now = before[-1], after[-1]
    for route in targets:
        visit = was.visits[route]
        old, new = amount(visit, gain), amount(now.visits[route], gain)
        if visit.status < 500 and new >= old:
            yield f"{route}: not fewer than {old} {gain.value} with {was.size} rows"


def amount(visit: Visit, gain: Gain) -> int:
    """How much a route has of what is to become less."""
    if gain is Gain.HELD:
        return visit.sending
    return visit.stops if gain is Gain.TURNS else visit.statements


def retraced(before: Observation, after: Observation) -> tuple[str, ...]:
    """The routes whose statements changed: only these can have become slower."""
    return tuple(
        route
        for route, visit in before.visits.items()
        if visit.status < 400 and after.visits[route].trace != visit.trace
    )


def slower(before: Mapping[str, Timing], after: Mapping[str, Timing]) -> Iterator[str]:
    """Each route that takes more CPU time, by the median of its runs."""
    for route, was in before.items():
        old, new = statistics.median(was.cpu), statistics.median(after[route].cpu)
        if new > old * (1 + SLOWER) + FLOOR:
            yield f"{route}: {old * 1000:.1f} → {new * 1000:.1f} ms of CPU time"
