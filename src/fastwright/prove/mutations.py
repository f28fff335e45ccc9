"""Each promised property, taken out of the new tree, turns a new test red."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fastwright.lab.boot_link import Guest
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
    warm,
)
from fastwright.prove.side import Side

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
    after.world.prepare_schema(after.map)
    with warm(after) as guest:
        hunt = _Hunt(after, changes, guest, whole)
        found = [hunt.guarded(mutation) for mutation in mutations]
        left = hunt.run(())
    after.empty()
    guarded = sum(good for good, _ in found)
    figure = f"{guarded} of {len(mutations)} guarded"
    texts = [evidence for _, evidence in found]
    if left.code != 0:
        # Otherwise what an earlier run left behind could be what turned a test red.
        why = f"the new tests do not pass twice in one world: {left}"
        return GATE.failed("", figure, seen(why), *texts)
    judged = GATE.passed if guarded == len(mutations) else GATE.failed
    return judged("", figure, *texts)


@dataclass(frozen=True, slots=True)
class _Hunt:
    """Looks for a test that notices; `whole` is the run of all of them on the unchanged tree."""

    after: Side
    changes: ChangeSet
    guest: Guest
    whole: TestRun

    def run(self, arguments: Sequence[str]) -> TestRun:
        """Run a selection of the new tests, in the warm interpreter."""
        return run_new_tests(
            self.after, self.after, self.changes, arguments=arguments, guest=self.guest
        )

    def guarded(self, mutation: Mutation) -> tuple[bool, Evidence]:
        """Whether a test notices that the property is gone, and which."""
        content = self.after.files.get(mutation.path, b"")
        count = content.count(mutation.old.encode())
        if count != 1:
            text = f"{mutation.name}: its line stands {count} times in `{mutation.path}`, not once"
            return False, seen(text)
        mutated = content.replace(mutation.old.encode(), mutation.new.encode())
        with laid_over(self.after, {mutation.path: mutated}):
            noticed, last = self._noticed(mutation)
        if noticed is not None:
            return True, seen(f"without “{mutation.name}” {told(noticed)}")
        why = _ended(last)
        return False, seen(f"without “{mutation.name}” no new test fails by assertion: {why}")

    def _noticed(self, mutation: Mutation) -> tuple[Outcome | None, TestRun]:
        """The test that noticed, if one did, and the last run: the likeliest tests go first."""
        ordered = likeliest_first(mutation, self.whole)
        for selection in (ordered[:LIKELIEST], ordered[LIKELIEST:]):
            result = self.run([STOP, *selection]) if selection else self.whole
            red = [one for one in result.outcomes if not one.ok]
            if red and not any(by_assertion(one) for one in red):
                result = self.run(selection)
            noticed = next((one for one in result.outcomes if by_assertion(one)), None)
            if noticed is not None:
                break
        return noticed, result


def likeliest_first(mutation: Mutation, whole: TestRun) -> Sequence[str]:
    """The tests of a run, those most like the property's name first, of equals the quicker ones."""
    wanted = _words(f"{mutation.name} {mutation.path.stem}")

    def rank(one: Outcome) -> tuple[int, float]:
        return -len(wanted & _words(one.test.partition("::")[2])), one.seconds

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
    after=("new-tests",),
)
