"""How many slow routes tuning finds and repairs, and what it does to routes that are not slow.

Run it with ``python benchmarks/tune.py [APP …]``. Each app in ``benchmarks/slow`` has faults below
``/slow`` and twins without the fault below ``/good``. Those of ``benchmarks/slow/fetched.toml`` are
planted in real apps, which are cloned at first use (``--apps DIR`` takes them from folders
called ``<name>-<owner>``, ``--pythons DIR`` takes their environments, ``--own`` leaves them out);
their twins are the same routes of the unmutated apps.

What was kept is then held once more against the old tree, at sizes that tuning never saw. Beside it
stand the thresholds of other detectors (five repetitions, and 50 ms together), applied to the very
same traces.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from slow_apps import HERE, Fault, Missing, Opened, fetched, own, planted_faults

from fastwright.lab.world import World
from fastwright.model.app import AppMap
from fastwright.model.tuning import Fate
from fastwright.tune import indexes, indexing, symptoms, verdict
from fastwright.tune.bench import Bench
from fastwright.tune.seen import Observation
from fastwright.tune.symptoms import Cause
from fastwright.tune.tuner import Course, Tuner

ELSEWHERE = (9, 40)
"""Sizes of the second look, which tuning itself does not use."""
BUDGET = 900.0
FAULTS = frozenset((Cause.LAZY.value, Cause.DIED.value, Cause.LOOP.value, indexing.CAUSE))
"""What counts as found, and on a twin as a false alarm; proposals are neither."""


@dataclass(frozen=True)
class Result:
    """What came of one app, by route."""

    app: str
    faults: tuple[Fault, ...]
    found: frozenset[str]
    repaired: frozenset[str]
    by_thresholds: frozenset[str]
    changed: tuple[str, ...]
    false: frozenset[str]
    twins: int
    seconds: float
    reasons: Mapping[str, str]


def of_own(name: str) -> Result:
    """Tune one app of ours; its own routes below ``/good`` are the twins."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, own(name, Path(folder)) as opened:
        course = tuned(opened, ())
        routes = course.first.observed[-1].visits
        planted = tuple(Fault(name, r, "") for r in routes if "/slow" in r)
        changed = tuple(second_look(opened.world, opened.app, course))
    slow = {fault.route for fault in planted}
    alarms = frozenset(_blamed(course)) - slow
    return judged(name, planted, course, (changed, alarms, len(routes) - len(slow), began))


def of_fetched(name: str, apps: Path | None, pythons: Path | None) -> Result:
    """Tune a fetched app with all its faults, and look at the same routes of the unmutated one."""
    began = time.monotonic()
    planted = tuple(fault for fault in planted_faults() if fault.app == name)
    with tempfile.TemporaryDirectory() as folder:
        course, changed = _of_tree(fetched(name, Path(folder), planted, apps, pythons), planted)
    with (
        tempfile.TemporaryDirectory() as folder,
        fetched(name, Path(folder), (), apps, pythons) as opened,
    ):
        seen = Bench(opened.world, opened.app, time.time()).observe()
        alarms = frozenset(suspected(opened, seen, planted))
    return judged(name, planted, course, (changed, alarms, len(planted), began))


def _of_tree(
    opening: AbstractContextManager[Opened], planted: Sequence[Fault]
) -> tuple[Course, tuple[str, ...]]:
    with opening as opened:
        course = tuned(opened, tuple(fault.route for fault in planted))
        return course, tuple(second_look(opened.world, opened.app, course))


def tuned(opened: Opened, routes: Sequence[str]) -> Course:
    """Tune `routes` of an app, or all of them."""
    bench = Bench(opened.world, opened.app, time.time())
    deadline = time.monotonic() + BUDGET
    tuner = Tuner(bench, opened.remap, time.monotonic, deadline, lambda _text: None)
    course = tuner.begin(opened.app.files)
    if routes:
        tuner.wants = routes.__contains__
    tuner.run(course)
    if routes:
        indexing.Indexer(tuner, opened.tables, opened.postgres).run(course)
    return course


def suspected(
    opened: Opened, seen: Sequence[Observation], planted: Sequence[Fault]
) -> Iterator[str]:
    """The routes of `planted` at which the unmutated app shows the very fault."""
    said = {(s.route, s.cause.value) for s in symptoms.find(seen)}
    for candidate in indexes.candidates(opened.tables, seen[-1].visits):
        said |= {(route, indexing.CAUSE) for route in candidate.routes}
    yield from (f.route for f in planted if (f.route, f.cause) in said)


def second_look(world: World, app: AppMap, course: Course) -> Iterator[str]:
    """Every answer and every write of the new tree that is not what it was, at other sizes."""
    bench = Bench(world, app, time.time(), ELSEWHERE)
    bench.lay(course.first.files)
    was, wrote = bench.observe(), bench.write()
    differing = verdict.changed_writes(wrote, bench.write(), ())
    unsteady = {text.partition(": ")[0] for text in differing}
    bench.lay(course.now.files)
    helped = {route for idea, _ in course.kept for route in idea.routes}
    mended = [r for r in helped if was[-1].visits[r].status >= 500]
    yield from verdict.changed_answers(
        was, bench.observe(), unsteady=course.unsteady, mending=mended
    )
    yield from verdict.changed_writes(wrote, bench.write(), unsteady)


def _blamed(course: Course) -> Iterator[str]:
    yield from (r for a in course.attempts if a.cause in FAULTS for r in a.routes)


def judged(
    name: str,
    planted: tuple[Fault, ...],
    course: Course,
    rest: tuple[tuple[str, ...], frozenset[str], int, float],
) -> Result:
    """Faults by what was said and done of them."""
    changed, alarms, twins, began = rest
    first, last = course.first.observed, course.now.observed
    attempts = [a for a in course.attempts if a.cause in FAULTS]
    kept = [a for a in attempts if a.fate is Fate.KEPT]
    said = {(r, c) for a in attempts for r in a.routes for c in ("", a.cause)}
    mended = {(r, c) for a in kept for r in a.routes for c in ("", a.cause)}
    return Result(
        name,
        planted,
        frozenset(f.route for f in planted if (f.route, f.cause) in said),
        frozenset(
            f.route for f in planted if (f.route, f.cause) in mended and constant(f.route, last)
        ),
        frozenset(f.route for f in planted if over_thresholds(f.route, first)),
        changed,
        alarms,
        twins,
        time.monotonic() - began,
        {
            r: "; ".join((*a.because, course.ended))
            for a in attempts
            if a.fate is not Fate.KEPT
            for r in a.routes
        },
    )


def constant(route: str, seen: tuple[Observation, ...]) -> bool:
    """The route answers, and its statements no longer grow with the data."""
    visits = [one.visits[route] for one in seen]
    counts = [visit.statements for visit in visits]
    return visits[-1].status == 200 and counts[-1] <= max(counts[:-1])


def over_thresholds(route: str, seen: tuple[Observation, ...]) -> bool:
    """What detectors with thresholds report, on the data of a development machine (18 rows)."""
    return any(g.count >= 5 and g.seconds > 0.05 for g in seen[1].visits[route].groups)


def main() -> int:
    """Print the table; 1 where a limit is missed, 2 where a fetched app cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("app", nargs="*", help="names; all where none is given")
    parser.add_argument("--own", action="store_true", help="without the fetched apps")
    parser.add_argument("--apps", type=Path, help="folders of real apps")
    parser.add_argument("--pythons", type=Path, help="folders of their environments")
    given = parser.parse_args()
    ours = sorted(p.name for p in HERE.iterdir() if (p / "main.py").exists())
    theirs = [] if given.own else list(dict.fromkeys(f.app for f in planted_faults()))
    print(f"{'app':34}{'faults':>7}{'found':>7}{'repaired':>10}{'thresholds':>12}"
          f"{'twins hit':>11}{'changed':>9}{'seconds':>9}")  # fmt: skip
    results = []
    try:
        for name in (n for n in (*ours, *theirs) if not given.app or n in given.app):
            one = of_own(name) if name in ours else of_fetched(name, given.apps, given.pythons)
            results.append(one)
            told(one)
    except Missing as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return 2
    return verdict_of(results)


def told(one: Result) -> None:
    """One line of the table, and what went wrong."""
    print(f"{one.app:34}{len(one.faults):7}{len(one.found):7}{len(one.repaired):10}"
          f"{len(one.by_thresholds):12}{f'{len(one.false)}/{one.twins}':>11}"
          f"{len(one.changed):9}{one.seconds:9.0f}", flush=True)  # fmt: skip
    for fault in one.faults:
        if fault.route not in one.repaired:
            said = "" if fault.route in one.found else ", not found"
            print(f"    not repaired: {fault.route}{said}: {one.reasons.get(fault.route, '')}")
    for text in (*one.changed, *sorted(one.false)):
        print(f"    wrong: {text}")


def verdict_of(results: Sequence[Result]) -> int:
    """The last line; 0 where every limit is held."""
    total = sum(len(r.faults) for r in results)
    found, repaired, by_thresholds = (
        sum(len(getattr(r, n)) for r in results) for n in ("found", "repaired", "by_thresholds")
    )
    print(f"found {found} of {total}, repaired {repaired}; by thresholds {by_thresholds}; "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    wrong = any(r.changed or r.false for r in results)
    return int(wrong or found < 0.95 * total or repaired < 0.8 * total)


if __name__ == "__main__":
    sys.exit(main())
