"""The tests that pin what was gained, run on both trees: only those that can fail are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from fastwright.lab.boot_tests import Outcome, TestRun, run_tests
from fastwright.model.app import AppMap
from fastwright.prove.properties import by_assertion, told
from fastwright.tune import indexing, pinning
from fastwright.tune.bench import Bench, Files
from fastwright.tune.idea import Gain
from fastwright.tune.pinning import Pin, Pinned
from fastwright.tune.seen import Visit
from fastwright.tune.tuner import Course

_TABLE = re.compile(r"\b(?:from|join)\s+(?:\"?\w+\"?\.)?\"?(\w+)\"?", re.IGNORECASE)
_PATIENCE = 120.0


def pins(course: Course) -> tuple[Pin, ...]:
    """What is to hold of every route that was gained and whose statements grow no more."""
    return tuple(_pin(r, course) for r in _gained(course) if not _growing(r, course))


def _growing(route: str, course: Course) -> str:
    """``9 → 13 → 258`` where there is no number to hold yet: the run ended before, or was ended."""
    counts = [one.visits[route].statements for one in course.now.observed]
    return " → ".join(map(str, counts)) if counts[-1] > max(counts[:-1], default=0) else ""


def _gained(course: Course) -> Iterator[str]:
    counted = (
        idea
        for idea, _ in course.kept
        if idea.cause != indexing.CAUSE and idea.gain is Gain.STATEMENTS
    )
    yield from dict.fromkeys(route for idea in counted for route in idea.routes)


def _pin(route: str, course: Course) -> Pin:
    small = [o.visits[route] for o in course.now.observed if o.size <= pinning.MANY]
    before = course.first.observed[-1].visits[route]
    tables = tables_of(before) | tables_of(small[-1])
    return Pin(route, max(visit.statements for visit in small), tables)


def tables_of(visit: Visit) -> frozenset[str]:
    """The names of the tables that its statements read."""
    return frozenset(name for group in visit.groups for name in _TABLE.findall(group.sql))


def written(
    app: AppMap, description: Mapping[str, Any], course: Course, bench: Bench, home: PurePosixPath
) -> Pinned:
    """The test file with those tests that pass on the new tree and fail, by assertion, on the old.

    Args:
        app: The map of the tuned tree.
        description: What the running app says of itself.
        course: What was gained.
        bench: Where the tests run.
        home: The folder that they run in.
    """
    admitted = course.first.observed[-1].admitted

    def write(wanted: Sequence[Pin]) -> Pinned:
        return pinning.write(app, description, wanted, admitted)

    wanted = pins(course)
    growing = {r: _growing(r, course) for r in _gained(course)}
    left = tuple(f"{r} has no test: {c} statements still grow" for r, c in growing.items() if c)
    first = write(wanted)
    if not first.text:
        return replace(first, without=(*first.without, *left))
    now = _run(bench, course.now.files, first, home)
    failing = {first.tests[name] for name in first.tests if not _passes(name, now)}
    if failing:
        wanted = tuple(replace(pin, full=pin.route in failing) for pin in wanted)
        first = write(wanted)
        now = _run(bench, course.now.files, first, home)
    was = _run(bench, course.first.files, first, home)
    bad = dict(_bad(first, was, now))
    good = [pin for pin in wanted if pin.route not in bad]
    second = write(good)
    reasons = tuple(f"{route} has no test: {why}" for route, why in bad.items())
    without = tuple(dict.fromkeys((*first.without, *reasons, *left)))
    return Pinned(second.path, second.text, second.tests, without)


def _run(bench: Bench, files: Files, pinned: Pinned, home: PurePosixPath) -> TestRun:
    bench.lay({**files, pinned.path: pinned.text.encode()})
    place = str(pinned.path.relative_to(home)) if pinned.path.is_relative_to(home) else ""
    return run_tests(bench.world, [place], cwd=Path(home), timeout=_PATIENCE)


def _bad(pinned: Pinned, was: TestRun, now: TestRun) -> Iterator[tuple[str, str]]:
    """Each route whose test does not tell the trees apart, and why."""
    old, new = _by_name(was), _by_name(now)
    for name, route in pinned.tests.items():
        if not _passes(name, now):
            yield route, told(new[name]) if name in new else _last_line(now)
        elif name not in old or not by_assertion(old[name]):
            yield route, "the test that was made up for it does not fail on the old tree"


def _passes(name: str, run: TestRun) -> bool:
    found = _by_name(run).get(name)
    return found is not None and found.ok


def _by_name(run: TestRun) -> Mapping[str, Outcome]:
    return {one.test.rpartition("::")[2]: one for one in run.outcomes}


def _last_line(run: TestRun) -> str:
    said = run.outcomes[0].message if run.outcomes else run.log
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip() if lines else "pytest did not run"
