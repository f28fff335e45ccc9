"""The own tests of a real app: inside the sandbox, and outside of it beside real servers."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from fastwright.lab.boot_tests import TestRun
from fastwright.lab.world import World, WorldSpec
from fastwright.model.errors import DoesNotLoad
from fastwright.prove.side import Side
from fastwright.prove.suite import home, run_suite

PLUGINS = {"xdist": "-n0", "pytest_cov": "--no-cov"}
ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
INSTALLED = "import sys, importlib.util as u; print(*filter(u.find_spec, sys.argv[1:]))"
Outcomes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outside:
    """A plain run of pytest: how each test ended, or why there was none."""

    outcomes: Outcomes
    because: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = Counter(self.outcomes.values()).most_common()
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts) or "no tests"
        return f"{said}, {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Compared:
    """The runs of one suite beside each other: cells of the table, and what differs."""

    cells: tuple[str, ...]
    same: bool
    notes: tuple[str, ...]


def compared(first: TestRun, second: TestRun, plain: tuple[Outside, Outside]) -> Compared:
    """Whether every test ended in the same way in all four runs."""
    one, two = outcomes(first), outcomes(second)
    notes = [*_differing(one, two, "then")]
    for run, where in zip(plain, ("outside", "outside again"), strict=True):
        notes += _differing(one, run.outcomes, where)
    same = not notes and bool(one)
    cells = (*(f"{run}, {run.seconds:.0f} s" for run in (first, second)), *map(str, plain))
    notes += [f"outside: {run.because}" for run in plain if run.because]
    notes += [f"inside: {run.log[-300:]}" for run in (first,) if not run.outcomes and run.code != 5]
    return Compared((*cells, "yes" if same else f"no: {len(notes)} differ"), same, tuple(notes))


def _differing(one: Outcomes, other: Outcomes, how: str) -> Iterator[str]:
    for test in sorted(one.keys() | other.keys()):
        was, now = one.get(test, "absent"), other.get(test, "absent")
        if was != now:
            yield f"`{test}`: {was} inside, {how} {now}"


def inside(side: Side, turn: int, seconds: float) -> TestRun:
    """The suite as the gate runs it, in databases of its own."""
    return run_suite(side, (), seconds, turn)


def outcomes(run: TestRun) -> Outcomes:
    """How each test ended, by the name that a JUnit report has for it."""
    return {_reported(one.test): one.outcome for one in run.outcomes}


def _reported(test: str) -> str:
    """``tests/test_a.py::TestB::test_c`` as ``tests.test_a.TestB::test_c``."""
    call, bracket, arguments = test.partition("[")
    path, *inner = call.split("::")
    names = [path.removesuffix(".py").replace("/", "."), *inner]
    return f"{'.'.join(names[:-1])}::{names[-1]}{bracket}{arguments}"


def outside(side: Side, spec: WorldSpec, seconds: float) -> Outside:
    """The same suite by a plain ``python -m pytest``, without any isolation.

    The servers are those of a world without namespaces: they answer at free ports of this
    machine's loopback, and the settings say so. The world makes the schema, and no more.
    """
    with World._open(spec, isolated=False) as world:
        said = Side(side.map, side.files, world)
        try:
            said.prepare_schema()
        except DoesNotLoad as error:
            return Outside({}, f"the schema could not be made: {error.because}")
        env = json.loads(world.run(("python", "-c", ENVIRONMENT)).out)
        return _plain(world, env, Path(world.inside(Path(home(said)))), seconds)


def _plain(world: World, env: Mapping[str, str], folder: Path, seconds: float) -> Outside:
    python = str(world.spec.python)
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        options = ("-p", "no:cacheprovider", "-q", *_plain_options(python), f"--junitxml={report}")
        try:
            ended = subprocess.run(
                (python, "-m", "pytest", *options),
                cwd=folder, env=dict(env), capture_output=True, text=True, timeout=seconds,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outside({}, f"not done in {seconds:.0f} s")
        if not report.exists():
            return Outside({}, " ".join((ended.stdout + ended.stderr).split())[-300:])
        return Outside(*_read(report))


def _plain_options(python: str) -> list[str]:
    asked = (python, "-c", INSTALLED, *PLUGINS)
    there = subprocess.run(asked, capture_output=True, text=True, check=True)
    return [PLUGINS[name] for name in there.stdout.split()]


def _read(report: Path) -> tuple[Outcomes, str, float]:
    suite = next(ET.parse(report).getroot().iter("testsuite"))
    found = {}
    for case in suite.iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag: child for child in case}
        found[name] = _ending(kinds)
    return found, "", float(suite.get("time") or 0)


def _ending(kinds: Mapping[str, ET.Element]) -> str:
    if "error" in kinds:
        return "error"
    if "failure" in kinds:
        return "failed"
    if "skipped" in kinds:
        return "xfailed" if kinds["skipped"].get("type") == "pytest.xfail" else "skipped"
    return "passed"
