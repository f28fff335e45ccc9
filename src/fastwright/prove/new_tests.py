"""The new tests pass on the new tree and fail, by assertion, on the old one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from fastwright.lab.boot_tests import TestRun
from fastwright.model.change import ChangeSet, Ground
from fastwright.model.finding import Evidence
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.properties import (
    Files,
    by_assertion,
    laid_over,
    last_words,
    new_run,
    run_new_tests,
    seen,
    told,
)
from fastwright.prove.side import Side, on_both

SHOWN = 10
"""Tests that are named as evidence."""


def run(before: Side, after: Side, changes: ChangeSet) -> Check:
    """Run them on both trees: a test that passes without the change says nothing of it."""
    if not changes.promise.tests:
        return GATE.skipped("the change brings no tests")
    laid = {path: after.files[path] for path in brought(before, after, changes)}
    grounds = changes.promise.grounds
    standing = {path for ground in grounds for path in ground.tests}
    first = tuple(path for path in changes.promise.tests if path not in standing)

    def ended(side: Side) -> TestRun:
        if side is after:
            return new_run(after, changes)
        return _run_on(side, laid, after, first)

    was, now = on_both(before, after, ended)
    if not _all_pass(now):
        bad = [told(one) for one in now.outcomes if not one.ok] or [last_words(now)]
        return GATE.failed("", str(now), *_named(bad))
    # A later step may need packages and servers that only the new tree's world has.
    later = [_run_on(after, _below(ground, laid), after, ground.tests) for ground in grounds]
    outcomes = [one for ran in (was, *later) for one in ran.outcomes]
    return _judged(replace(was, outcomes=tuple(outcomes)), now)


def _below(ground: Ground, laid: Files) -> Files:
    """The tree that a step was built on, as a layer over the new one; tests stay as they are."""
    were = {path: text.encode() if text is not None else None for path, text in ground.files}
    return {path: content for path, content in were.items() if path not in laid}


def _run_on(side: Side, layer: Files, after: Side, tests: tuple[PurePosixPath, ...]) -> TestRun:
    """Some of the new tests in the world of `side` with `layer` over its tree."""
    if not tests:
        return TestRun((), 0, 0.0)
    side.empty()
    side.prepare_schema()
    with laid_over(side, layer):
        result = run_new_tests(side, after, tests)
    side.empty()
    return result


def _all_pass(now: TestRun) -> bool:
    passed = [one for one in now.outcomes if one.outcome == "passed"]
    return now.code == 0 and bool(passed)


def brought(before: Side, after: Side, changes: ChangeSet) -> tuple[PurePosixPath, ...]:
    """The files that the tests need on the old tree: themselves, and what changed beside them.

    That is every changed file in a folder that holds new tests alone or tests already, and every
    changed ``conftest.py``; code of the app is never among them.
    """
    folders = {path.parent for path in changes.promise.tests}
    homes = {folder for folder in folders if _holds_tests_alone(folder, after)}
    changed = (path for path, content in after.files.items() if before.files.get(path) != content)
    return tuple(
        sorted(
            path
            for path in changed
            if path in changes.promise.tests or path.name == "conftest.py" or path.parent in homes
        )
    )


def _holds_tests_alone(folder: PurePosixPath, side: Side) -> bool:
    """True for a folder of tests; a flat app has its tests among its modules."""
    return folder.name in ("test", "tests") or not any(
        path.parent == folder and path.suffix == ".py" and not path.name.startswith("test_")
        for path in side.files
        if path.name not in ("__init__.py", "conftest.py")
    )


def _judged(was: TestRun, now: TestRun) -> Check:
    old = was.by_test()
    idle = [name for name in now.by_test() if name in old and old[name].outcome == "passed"]
    failing = [one for one in was.outcomes if by_assertion(one)]
    elsewise = [one for one in was.outcomes if not one.ok and not by_assertion(one)]
    figures = f"{len(failing)} fail by assertion", str(now)
    if idle:
        return GATE.failed(*figures, *_named(f"passes without the change too: `{n}`" for n in idle))
    if elsewise or not failing:
        why = [f"says nothing of the old tree: {told(one)}" for one in elsewise]
        return GATE.failed(*figures, *_named(why or [last_words(was)]))
    return GATE.passed(*figures, *_named(told(one) for one in failing))


def _named(texts: Iterable[str]) -> tuple[Evidence, ...]:
    found = [seen(text) for text in texts]
    return tuple(found[:SHOWN])


GATE = Gate(
    "new-tests",
    "the new tests pass, and fail by assertion without the change",
    run,
    after=("boots",),
    behind=("contract",),
)
