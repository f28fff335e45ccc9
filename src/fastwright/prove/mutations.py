"""Each promised property, taken out of the new tree, turns a new test red."""

from __future__ import annotations

from fastwright.lab.boot_tests import TestRun
from fastwright.model.change import ChangeSet, Mutation
from fastwright.model.finding import Evidence
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.properties import (
    by_assertion,
    laid_over,
    last_words,
    run_new_tests,
    seen,
    told,
)
from fastwright.prove.side import Side

STOP = ("--exitfirst",)
"""One red test is enough, where it is red by assertion."""


def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Take them out one at a time; in the end the unchanged tree must pass in the same world."""
    mutations, tests = changes.promise.mutations, changes.promise.tests
    if not mutations:
        return GATE.skipped("the change promises no property that a test could guard")
    if not tests:
        return GATE.skipped("the change brings no tests")
    after.empty()
    after.world.prepare_schema(after.map)
    found = [_guarded(after, mutation, changes) for mutation in mutations]
    left = run_new_tests(after, after, changes)
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


def _guarded(after: Side, mutation: Mutation, changes: ChangeSet) -> tuple[bool, Evidence]:
    content = after.files.get(mutation.path, b"")
    count = content.count(mutation.old.encode())
    if count != 1:
        text = f"{mutation.name}: its line stands {count} times in `{mutation.path}`, not once"
        return False, seen(text)
    mutated = content.replace(mutation.old.encode(), mutation.new.encode())
    with laid_over(after, {mutation.path: mutated}):
        red = _red(after, changes)
    if isinstance(red, str):
        return True, seen(f"without “{mutation.name}” {red}")
    return False, seen(f"without “{mutation.name}” no new test fails by assertion: {_ended(red)}")


def _red(after: Side, changes: ChangeSet) -> str | TestRun:
    """The test that noticed, else the run in which none did."""
    for arguments in (STOP, ()):
        result = run_new_tests(after, after, changes, arguments)
        noticed = next((one for one in result.outcomes if by_assertion(one)), None)
        if noticed is not None:
            return told(noticed)
        if result.code == 0:
            break
    return result


def _ended(result: TestRun) -> str:
    bad = next((told(one) for one in result.outcomes if not one.ok), "")
    return bad or (str(result) if result.ended else last_words(result))


GATE = Gate(
    "mutations",
    "each promised property taken out turns a new test red",
    run,
    after=("new-tests",),
)
