"""What a course of tuning came to, as values for the report. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.tuning import RouteCost, Spread, Tuning
from fastwright.tune.bench import Timing
from fastwright.tune.tuner import Course

NOTHING_FILLED = (
    "the app has no SQLAlchemy tables, so that nothing was filled, and no growth could be seen"
)
Timings = Sequence[Mapping[str, Timing]]


def told(course: Course, timings: Timings = ()) -> Tuning:
    """The whole of it; `timings` are those of the first tree and of the last."""
    sizes = tuple(o.size for o in course.first.observed)
    routes = tuple(_cost(route, course, timings) for route in course.first.observed[-1].visits)
    return Tuning(sizes, routes, tuple(course.attempts), tuple(_notes(course)), course.ended)


def _cost(route: str, course: Course, timings: Timings) -> RouteCost:
    before = tuple(o.visits[route].statements for o in course.first.observed)
    after = tuple(o.visits[route].statements for o in course.now.observed)
    both = [one[route] for one in timings if route in one]
    return RouteCost(
        route,
        before,
        after,
        len(course.now.observed[-1].visits[route].body),
        tuple(spread(one.cpu) for one in both) if len(both) == 2 else (),
        tuple(spread(one.wall) for one in both) if len(both) == 2 else (),
        _note(route, course),
    )


def spread(seconds: Sequence[float]) -> Spread:
    """Median and quartiles."""
    few = len(seconds) < 2
    low, _, high = (seconds[0],) * 3 if few else statistics.quantiles(seconds, n=4)
    return Spread(statistics.median(seconds), low, high, len(seconds))


def _note(route: str, course: Course) -> str:
    visits = [o.visits[route] for o in course.now.observed]
    statuses = sorted({visit.status for visit in visits})
    if statuses != [200] and max(statuses) >= 400:
        return f"answers {', '.join(map(str, statuses))}"
    return "differs from itself" if route in course.unsteady else ""


_HELPS = "values of yours help, a function or a SQL dump: `--seed PATH.py:FUNCTION|DUMP.sql`"


def _notes(course: Course) -> Iterator[str]:
    last = course.first.observed[-1]
    if not last.rows:
        yield NOTHING_FILLED
    for table, why in last.refused.items():
        told = f"`{table}` stayed empty, for the database accepts no row that was made: {why}"
        yield f"{told}; {_HELPS}"
    if last.admitted:
        names = ", ".join(f"`{name}`" for name in last.admitted)
        yield f"{names} yielded the first user instead of asking for credentials"
    for route in sorted(course.unsteady):
        yield f"{route} differs from itself between two runs, and was left out of the byte gate"
    failing = [r for r, v in last.visits.items() if v.status >= 500]
    for route in failing:
        error = last.visits[route].error or ""
        if "ValidationError" in error:  # the app may take no such value from its own clients
            yield f"{route} fails with the rows that were made: {_reason(error)}; {_HELPS}"
        else:
            yield f"{route} fails as it is: {_reason(error)}"
    turned_away = [r for r, v in last.visits.items() if 400 <= v.status < 500]
    if turned_away:
        yield f"not reached, for the answer is not 200: {', '.join(turned_away)}"


def _reason(error: str) -> str:
    """The last line of a traceback that names an exception, with what explains it below."""
    lines = [line for line in error.splitlines() if line.strip()]
    named = [at for at, line in enumerate(lines) if re.match(r"[\w.]*(Error|Exception)\b", line)]
    named = named or [at for at, line in enumerate(lines) if re.match(r"[\w.]+(:|$)", line)]
    if not named:
        return "it gives no reason"
    told = " ".join(" ".join(lines[named[-1] : named[-1] + 3]).split())
    return told.partition(" For further information")[0][:200]
