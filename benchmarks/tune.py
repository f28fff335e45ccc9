"""How many slow routes tuning finds and repairs, and what it does to routes that are not slow.

Run it with ``python benchmarks/tune.py [APP …]``. Each app in ``benchmarks/slow`` has faults below
``/slow`` and twins without the fault below ``/good``. What was kept is then held once more against
the old tree, at sizes that tuning never saw. Beside it stand the thresholds of other detectors
(five repetitions, and 50 ms together), applied to the very same traces.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.lab.world import World, WorldSpec
from fastwright.model.app import AppMap
from fastwright.model.tuning import Fate
from fastwright.survey import merge, static
from fastwright.testing.samples import python_of
from fastwright.tune import verdict
from fastwright.tune.bench import Bench
from fastwright.tune.seen import Observation
from fastwright.tune.symptoms import Cause
from fastwright.tune.tuner import Course, Tuner

HERE = Path(__file__).parent / "slow"
AWAITED = {"DATABASE_URL": "postgresql+asyncpg://shop:shop@localhost:5432/shop"}
ELSEWHERE = (9, 40)
"""Sizes of the second look, which tuning itself does not use."""
BUDGET = 600.0
FAULTS = frozenset((Cause.LAZY.value, Cause.DIED.value, Cause.LOOP.value))
"""What counts as found, and on a twin as a false alarm; proposals are neither."""


@dataclass(frozen=True)
class Result:
    """What came of one app, by route."""

    app: str
    slow: frozenset[str]
    found: frozenset[str]
    repaired: frozenset[str]
    by_thresholds: frozenset[str]
    changed: tuple[str, ...]
    false: frozenset[str]
    seconds: float
    steps: Mapping[str, str]


def tuned(name: str) -> Result:
    """Tune one app from its source in a world of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, opened(name, Path(folder)) as (world, app):
        bench = Bench(world, app, time.time())
        with world.boot() as live:
            description = live.description

        def remap(files: Mapping[PurePosixPath, bytes]) -> AppMap:
            return merge.merge(static.read(files), description)

        deadline = time.monotonic() + BUDGET
        tuner = Tuner(bench, remap, time.monotonic, deadline, lambda _text: None)
        course = tuner.begin(app.files)
        tuner.run(course)
        changed = tuple(second_look(world, app, course))
    return judged(name, course, changed, time.monotonic() - began)


@contextmanager
def opened(name: str, folder: Path) -> Iterator[tuple[World, AppMap]]:
    """A copy of the app, mapped, in a world with its schema."""
    root = folder / name
    shutil.copytree(HERE / name, root, ignore=shutil.ignore_patterns("__pycache__"))
    files = {PurePosixPath(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.py")}
    app = static.read(files)
    env = AWAITED if name == "awaited" else {}
    assert app.app is not None
    spec = WorldSpec(root, python_of("newest"), app.roots, env, target=app.app.target)
    with World.open(spec) as world:
        world.prepare_schema(app)
        yield world, app


def second_look(world: World, app: AppMap, course: Course) -> Iterator[str]:
    """Every answer and every write of the new tree that is not what it was, at other sizes."""
    bench = Bench(world, app, time.time(), ELSEWHERE)
    bench.lay(course.first.files)
    was, wrote = bench.observe(), bench.write()
    bench.lay(course.now.files)
    mended = [r for r, v in was[-1].visits.items() if v.status >= 500]
    yield from verdict.changed_answers(
        was, bench.observe(), unsteady=course.unsteady, mending=mended
    )
    yield from verdict.changed_writes(wrote, bench.write(), ())


def judged(name: str, course: Course, changed: tuple[str, ...], seconds: float) -> Result:
    """Faults and twins by what was said and done of them."""
    first, last = course.first.observed, course.now.observed
    slow = frozenset(route for route in first[-1].visits if "/slow" in route)
    blamed = (a for a in course.attempts if a.cause in FAULTS)
    named = {route for attempt in blamed for route in attempt.routes}
    return Result(
        name,
        slow,
        slow & named,
        frozenset(route for route in slow & named if constant(route, last)),
        frozenset(filter(lambda route: over_thresholds(route, first), slow)),
        changed,
        frozenset(named - slow),
        seconds,
        {a.routes[0]: a.title for a in course.attempts if a.fate is Fate.KEPT},
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
    names = sys.argv[1:] or sorted(p.name for p in HERE.iterdir() if (p / "main.py").exists())
    print(f"{'app':12}{'faults':>8}{'found':>7}{'repaired':>10}{'thresholds':>12}"
          f"{'twins hit':>11}{'changed':>9}{'seconds':>9}")  # fmt: skip
    results = []
    for name in names:
        one = tuned(name)
        results.append(one)
        print(f"{one.app:12}{len(one.slow):8}{len(one.found):7}{len(one.repaired):10}"
              f"{len(one.by_thresholds):12}{len(one.false):11}{len(one.changed):9}"
              f"{one.seconds:9.0f}", flush=True)  # fmt: skip
        for route in sorted(one.slow - one.repaired):
            print(f"    not repaired: {route}{'' if route in one.found else ', not found'}")
        for text in (*one.changed, *sorted(one.false)):
            print(f"    wrong: {text}")
    total = sum(len(r.slow) for r in results)
    found, repaired = (sum(len(getattr(r, n)) for r in results) for n in ("found", "repaired"))
    print(f"found {found} of {total}, repaired {repaired}; load {os.getloadavg()[0]:.1f}")
    wrong = any(r.changed or r.false for r in results)
    return int(wrong or found < 0.95 * total or repaired < 0.8 * total)


if __name__ == "__main__":
    sys.exit(main())
