"""Each promised property, taken out of the new tree, turns a new test red."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.lab.boot_tests import Outcome, TestRun
from fastwright.model.change import ChangeSet, Mutation
from fastwright.model.finding import Evidence
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.properties import (
    by_assertion,
    laid_over,
    last_words,
    new_run,
    run_new_tests,
    seen,
    told,
)
from fastwright.prove.side import Side, with_twin

STOP = "--exitfirst"
"""One red test is enough, where it is red by assertion."""

LIKELIEST = 4
"""Tests that are tried first: those whose names have most words in common with the property's."""


def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Take them out one at a time; in the end the unchanged tree must pass in the same world."""
    mutations, tests = changes.promise.mutations, changes.promise.tests
    if not mutations:
        return GATE.skipped("the change promises no property that a test could guard")
    if not tests:
        return GATE.skipped("the change brings no tests")
    whole = new_run(after, changes)
    waiting = deque(enumerate(mutations))
    noticing: dict[PurePosixPath, str] = {}
    try:
        ends = with_twin(
            after,
            len(mutations),
            lambda side: _Hunt(side, changes, whole, noticing).through(waiting),
        )
    finally:
        waiting.clear()  # an interrupt leaves nothing to go on with
    after.empty()
    found = [one for _, one in sorted(pair for pairs, _ in ends for pair in pairs.items())]
    guarded = sum(bool(test) for test, _ in found)
    figure = f"{guarded} of {len(mutations)} guarded"
    texts = [evidence for _, evidence in found]
    left = next((last for _, last in ends if last is not None and last.code != 0), None)
    if left is not None:
        # Otherwise what an earlier run left behind could be what turned a test red.
        why = f"the new tests do not pass twice in one world: {left}"
        return GATE.failed("", figure, seen(why), *texts)
    judged = GATE.passed if guarded == len(mutations) else GATE.failed
    return judged("", figure, *texts)


Found = tuple[str, Evidence]
"""The test that noticed a mutation, empty where none did, and how it went."""


@dataclass(frozen=True, slots=True)
class _Hunt:
    """Looks for a test that notices.

    `whole` is the run of all of them on the unchanged tree; `noticing` holds, for each file, the
    test that noticed the last mutation there, and is shared by all hunts.
    """

    after: Side
    changes: ChangeSet
    whole: TestRun
    noticing: dict[PurePosixPath, str]

    def through(
        self, waiting: deque[tuple[int, Mutation]]
    ) -> tuple[Mapping[int, Found], TestRun | None]:
        """Take mutations until none waits, then run on the unchanged tree what turned red.

        Returns:
            What was found of each, by its number, and the last run; None where none was taken.
        """
        found: dict[int, Found] = {}
        self.after.prepare_schema()
        with suppress(IndexError):
            while True:
                number, mutation = waiting.popleft()
                found[number] = self.guarded(mutation)
        noticed = dict.fromkeys(test for test, _ in found.values() if test)
        return found, self.run(tuple(noticed)) if found else None

    def run(self, arguments: Sequence[str]) -> TestRun:
        """Run a selection of the new tests, all where it is empty."""
        tests = self.changes.promise.tests
        return run_new_tests(self.after, self.after, tests, arguments=arguments)

    def guarded(self, mutation: Mutation) -> Found:
        """The test that notices that the property is gone."""
        content = self.after.files.get(mutation.path, b"")
        count = content.count(mutation.old.encode())
        if count != 1:
            text = f"{mutation.name}: its line stands {count} times in `{mutation.path}`, not once"
            return "", seen(text)
        mutated = content.replace(mutation.old.encode(), mutation.new.encode())
        with laid_over(self.after, {mutation.path: mutated}):
            noticed, last = self._noticed(mutation)
        if noticed is not None:
            self.noticing[mutation.path] = noticed.test
            return noticed.test, seen(f"without “{mutation.name}” {told(noticed)}")
        why = _ended(last)
        return "", seen(f"without “{mutation.name}” no new test fails by assertion: {why}")

    def _noticed(self, mutation: Mutation) -> tuple[Outcome | None, TestRun]:
        """The test that noticed, if one did, and the last run: the likeliest tests go first."""
        ordered = likeliest_first(mutation, self.whole, self.noticing.get(mutation.path, ""))
        for selection in (ordered[:LIKELIEST], ordered[LIKELIEST:]):
            result = self.run([STOP, *selection]) if selection else self.whole
            red = [one for one in result.outcomes if not one.ok]
            if red and not any(by_assertion(one) for one in red):
                result = self.run(selection)
            noticed = next((one for one in result.outcomes if by_assertion(one)), None)
            if noticed is not None:
                break
        return noticed, result


def likeliest_first(mutation: Mutation, whole: TestRun, noticing: str = "") -> Sequence[str]:
    """The tests of a run: `noticing`, then those most like the property's name.

    `noticing` noticed another mutation of the file; of equals the quicker one is first.
    """
    wanted = _words(f"{mutation.name} {mutation.path.stem}")

    def rank(one: Outcome) -> tuple[bool, int, float]:
        alike = len(wanted & _words(one.test.partition("::")[2]))
        return one.test != noticing, -alike, one.seconds

    return [one.test for one in sorted(whole.outcomes, key=rank)]


def _words(text: str) -> frozenset[str]:
    """The beginnings of the longer words of `text`: *expiry* and *expired* are alike."""
    return frozenset(word[:4] for word in re.findall(r"[a-z]{4,}", text.lower()))


def _ended(result: TestRun) -> str:
    bad = next((told(one) for one in result.outcomes if not one.ok), "")
    return bad or (str(result) if result.ended else last_words(result))


GATE = Gate(
    "mutations",
    "each promised property taken out turns a new test red",
    run,
    after=("boots", "new-tests"),
)
