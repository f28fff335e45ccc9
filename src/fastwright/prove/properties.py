"""Running new tests on trees that differ from both: old code, or new code less a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fastwright.lab.boot_tests import Outcome, TestRun, run_tests
from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.prove.side import Side
from fastwright.prove.suite import home

BUDGET = 120.0
"""Seconds for one run of the new tests."""

LONGEST = 160
"""Characters of a test's name that are shown."""

Files = Mapping[PurePosixPath, bytes | None]


@contextmanager
def laid_over(side: Side, files: Files) -> Iterator[None]:
    """The tree of `side` with `files` laid over it; afterwards it is the same to the byte.

    ``None`` takes a file away.
    """
    were = {path: side.world.fence.read(path) for path in files}
    try:
        side.world.overlay(files)
        yield
    finally:
        side.world.overlay(were)


def run_new_tests(
    side: Side,
    after: Side,
    tests: Sequence[PurePosixPath],
    *,
    arguments: Sequence[str] = (),
) -> TestRun:
    """Run new tests in the world of `side`, where the new tree would run them.

    Args:
        side: The world that they run in.
        after: The new tree.
        tests: Their files.
        arguments: A selection of tests, and options, instead of the whole files.
    """
    folder = home(after)
    everything = [str(path.relative_to(folder)) for path in tests]
    return run_tests(
        side.world, arguments or everything, cwd=Path(folder), timeout=BUDGET, guest=side.tester
    )


def new_run(after: Side, changes: ChangeSet) -> TestRun:
    """The new tests on the new tree, with empty databases; run once and kept."""

    def run() -> TestRun:
        after.empty()
        after.prepare_schema()
        result = run_new_tests(after, after, changes.promise.tests)
        after.empty()
        return result

    return after.once(("new tests", changes.promise.tests), run)


def by_assertion(outcome: Outcome) -> bool:
    """The test failed because what it claims is not so, and for no other reason."""
    return outcome.outcome == "failed" and outcome.kind == "assertion"


def told(outcome: Outcome) -> str:
    """One outcome in a line: how the test ended, and why in the line that says most."""
    lines = [line.strip() for line in outcome.message.splitlines() if line.strip()]
    says_most = -1 if outcome.kind == "collect" else 0
    why = f": {lines[says_most].removeprefix('E ').strip()[:160]}" if lines else ""
    kind = " by assertion" if by_assertion(outcome) else ""
    return f"`{shortened(outcome.test)}` {outcome.outcome}{kind}{why}"


def shortened(test: str) -> str:
    """A test's name, for the eye: its parameters may be a megabyte long."""
    return test if len(test) <= LONGEST else f"{test[: LONGEST - 20]}…{test[-19:]}"


def seen(text: str) -> Evidence:
    """A sentence about a run, as evidence."""
    return Evidence(EvidenceKind.PROCESS, text)


def last_words(run: TestRun) -> str:
    """Why a run did not come to an end, or found no test."""
    if run.timed_out:
        return f"they were not done after {BUDGET:.0f} s"
    collected = next((one.message for one in run.outcomes if one.kind == "collect"), run.log)
    lines = [line.strip() for line in collected.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "pytest found none"
