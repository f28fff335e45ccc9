"""The person's own tests are no worse than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from fastwright.lab.boot_tests import Outcome, TestRun
from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.parses import touched
from fastwright.prove.properties import shortened
from fastwright.prove.side import Side, on_both
from fastwright.prove.suite import affected, run_suite, suite_files

NAME = "tests"
CLAIM = "the app's own tests are no worse"
SHOWN = 10
"""Tests that are named as evidence; the count tells of the rest."""


_FOOTER = "For further information visit"


class Selection(StrEnum):
    """Which of the person's tests are run."""

    ALL = "all"
    AFFECTED = "affected"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Suite:
    """How the person's tests are run: which of them, and how many seconds one run may take."""

    selection: Selection = Selection.ALL
    budget: float = 180.0

    def run(self, before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG002
        """Run them on both trees; what got worse runs on both again, to find out the flaky."""
        gate = Gate(NAME, CLAIM, self.run)
        suite = frozenset(suite_files(before.files.keys()))
        within_reach = affected(after.map, touched(before, after))
        because = self._nothing_to_run(suite, within_reach)
        if because:
            return gate.skipped(because)
        chosen = within_reach if self.selection is Selection.AFFECTED else ()
        was, now = self._runs(before, after, chosen, 1)
        if was.timed_out and not chosen and 0 < len(suite.intersection(within_reach)) < len(suite):
            chosen = within_reach
            was, now = self._runs(before, after, chosen, 1)
        because = self._nothing_learnt(was, before)
        if because:
            return gate.skipped(because, str(was))
        if not now.ended:
            why = "were not done in time" if now.timed_out else "do not run"
            text = f"the tests {why} on the new tree: {_why(now)}"
            return gate.failed(str(was), str(now), Evidence(EvidenceKind.PROCESS, text))
        worse = dict(_worse(was, now))
        flaky = self._flaky(before, after, chosen) if worse else frozenset()
        seen = (*_shown(worse, flaky), *_notes(before, was, chosen, flaky & worse.keys()))
        verdict = gate.failed if worse.keys() - flaky else gate.passed
        return verdict(str(was), str(now), *seen)

    def _nothing_to_run(
        self, suite: frozenset[PurePosixPath], within_reach: tuple[PurePosixPath, ...]
    ) -> str:
        if self.selection is Selection.NONE:
            return "asked not to run them (`--tests none`)"
        if not suite:
            return "the app has no tests of its own"
        if self.selection is Selection.AFFECTED and not suite.intersection(within_reach):
            return "no test imports what the change touches"
        return ""

    def _runs(
        self, before: Side, after: Side, chosen: tuple[PurePosixPath, ...], turn: int
    ) -> tuple[TestRun, TestRun]:
        """Both trees' runs; the new tree is given half as much time again."""
        seconds = {id(before): self.budget, id(after): self.budget * 1.5}
        return on_both(before, after, lambda side: run_suite(side, chosen, seconds[id(side)], turn))

    def _flaky(
        self, before: Side, after: Side, chosen: tuple[PurePosixPath, ...]
    ) -> frozenset[str]:
        """The tests that end differently in two runs on one tree."""
        first, second = (self._runs(before, after, chosen, turn) for turn in (1, 2))
        return frozenset(
            test
            for one, other in zip(first, second, strict=True)
            for test, outcome in one.by_test().items()
            if test in other.by_test() and other.by_test()[test].ok != outcome.ok
        )

    def _nothing_learnt(self, was: TestRun, before: Side) -> str:
        absent = [str(server) for server in before.world.not_served]
        if was.timed_out:
            return f"the tests take more than {self.budget:.0f} s: {was}"
        if was.code == 5:
            return "pytest found no tests"
        if not was.ended:
            return f"the tests do not run on the old tree: {_why(was)}"
        if absent and not any(one.ok for one in was.outcomes):
            return f"the tests need what is not here: {absent[0]}"
        return ""


def gate(selection: Selection = Selection.ALL, budget: float = 180.0) -> Gate:
    """The gate, with the tests to run and the seconds that one run on the old tree may take."""
    return Gate(
        NAME,
        CLAIM,
        Suite(selection, budget).run,
        after=("boots",),
        behind=("contract", "access", "attacks"),
    )


def _shown(worse: Mapping[str, str], flaky: frozenset[str]) -> Iterator[Evidence]:
    blamed = [text for test, text in worse.items() if test not in flaky]
    return (Evidence(EvidenceKind.PROCESS, text) for text in blamed[:SHOWN])


def _notes(
    before: Side, was: TestRun, chosen: tuple[PurePosixPath, ...], flaky: frozenset[str]
) -> Iterator[Evidence]:
    if chosen:
        text = f"only the {len(chosen)} test files that import what the change touches were run"
        yield Evidence(EvidenceKind.PROCESS, text)
    for test in sorted(flaky):
        text = f"`{shortened(test)}` is flaky: it ends either way on one tree"
        yield Evidence(EvidenceKind.PROCESS, text)
    failing = [one.test for one in was.outcomes if not one.ok]
    if failing:
        text = (
            f"{len(failing)} failed before the change already, `{shortened(failing[0])}` among them"
        )
        yield Evidence(EvidenceKind.PROCESS, text)
    for server in before.world.not_served:
        yield Evidence(EvidenceKind.PROCESS, f"not served: {server}")


def _worse(was: TestRun, now: TestRun) -> Iterator[tuple[str, str]]:
    """Each test that ended well before and does not now, and each new one that fails."""
    old, new = was.by_test(), now.by_test()
    for test, outcome in new.items():
        if not outcome.ok and (test not in old or old[test].ok):
            before = old[test].outcome if test in old else "new"
            yield test, f"`{shortened(test)}`: {before} → {outcome.outcome}{_message(outcome)}"
    for test in old.keys() - new.keys():
        if old[test].outcome == "passed":
            yield test, f"`{shortened(test)}`: passed → absent"


def _message(outcome: Outcome) -> str:
    lines = [line.strip() for line in outcome.message.splitlines() if line.strip()]
    return f": {lines[0][:200]}" if lines else ""


def _why(run: TestRun) -> str:
    """The end of what pytest said: of the first test that did not load, else of its log."""
    collected = next((one.message for one in run.outcomes if one.kind == "collect"), run.log)
    lines = [line.removeprefix("E ").strip() for line in collected.splitlines()]
    told = [line for line in lines if line and not line.startswith(_FOOTER)]
    # pydantic names the field in the line above its message.
    return " ".join(told[-2 if told[-1:] and "[type=" in told[-1] else -1 :]) or "they said nothing"


GATE = gate()
