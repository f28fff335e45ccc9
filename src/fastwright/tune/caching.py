"""Answers that could be kept: the same for everybody, dear, and seldom written. Proposed."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad
from fastwright.model.tuning import Attempt, Fate
from fastwright.tune import holding
from fastwright.tune.bench import Timing, Written
from fastwright.tune.seen import Visit
from fastwright.tune.tuner import ROUNDS, Course, Tuner

CAUSE = "answer that could be kept"
DEAR, GAIN = 0.005, 5.0
"""Seconds of CPU time from which on an answer is worth it, and how many times less it must take."""
MOST, WRITERS = 4, 3


@dataclass(frozen=True, slots=True)
class Keeper:
    """Measures what answers would cost if they were kept, and proposes it. Changes nothing."""

    tuner: Tuner

    def run(self, course: Course) -> None:
        """Those that take most statements first, until the time is over."""
        if course.ended or self.tuner.seconds() > self.tuner.deadline:
            return
        routes = self._candidates(course)
        if not routes:
            return
        self.tuner.tell(f"{CAUSE}: {', '.join(routes)}")
        try:
            self.tuner.bench.lay(course.now.files)
            now, kept = self.tuner.bench.keep(routes, rounds=ROUNDS)
            dear = [r for r in routes if _is_worth_it(now[r], kept[r])]
            writes = self.tuner.writes(course) if dear else {}
        except DoesNotLoad:
            return
        visits = course.now.observed[-1].visits
        for route in dear:
            writers = tuple(writers_of(holding.tables_of(visits[route]), writes))
            if len(writers) <= WRITERS:
                told = _written(writers, writes)
                course.attempts.append(_attempt(visits[route], now[route], kept[route], told))

    def _candidates(self, course: Course) -> Sequence[str]:
        app, last = self.tuner.remap(course.now.files), course.now.observed[-1]
        found = [
            visit
            for route, visit in last.visits.items()
            if visit.status == 200 and visit.groups and self.tuner.wants(route)
            if route not in course.unsteady and _is_for_everybody(app, route, last.admitted)
        ]
        return [v.route for v in sorted(found, key=lambda v: -v.statements)][:MOST]


def _is_for_everybody(app: AppMap, route: str, admitted: Sequence[str]) -> bool:
    found = app.route(*route.split(" ", 1))
    if found is None or found.guards:
        return False
    return not any(d.scheme or d.call in admitted for d in found.every_dependency())


def _is_worth_it(now: Timing, kept: Timing) -> bool:
    before, after = (statistics.median(one.cpu) for one in (now, kept))
    return before >= DEAR and before >= GAIN * after


def writers_of(tables: frozenset[str], writes: Mapping[str, Written]) -> Iterator[str]:
    """The write routes after which one of `tables` holds other rows than after most others."""
    for table in sorted(tables):
        digests = {r: one.contents[table] for r, one in writes.items() if table in one.contents}
        if digests:
            usual = Counter(digests.values()).most_common(1)[0][0]
            yield from (route for route, digest in digests.items() if digest != usual)


def _written(writers: Sequence[str], writes: Mapping[str, Written]) -> str:
    worked = sum(one.visit.status < 400 for one in writes.values())
    if writers:
        return f"{', '.join(dict.fromkeys(writers))} would have to drop it"
    if not worked:
        return "no write route worked here that could tell who changes its tables"
    return f"none of the {worked} write routes that worked as they were called changes its tables"


def _attempt(visit: Visit, now: Timing, kept: Timing, written: str) -> Attempt:
    before, after = (statistics.median(one.cpu) * 1000 for one in (now, kept))
    seen = (
        f"{visit.route}: {before:.1f} ms of CPU time and {visit.statements} statements for an "
        f"answer that is the same for everybody; from memory it takes {after:.1f} ms"
    )
    because = f"{written}; how old it may be is for you to say"
    return Attempt(CAUSE, (visit.route,), "", Fate.PROPOSED, (seen,), (because,))
