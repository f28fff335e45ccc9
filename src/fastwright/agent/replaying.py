"""What a finding was proven by, sent again to the tree before a repair and to the one after it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.lab.boot_tests import Outcome, TestRun, run_tests
from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.properties import laid_over
from fastwright.prove.side import Side, on_both
from fastwright.prove.suite import home
from fastwright.review.live.replays import Replay, Replays
from fastwright.review.live.writing import STAGE

NAME = "replay"
CLAIM = "what was proven fares differently now"

_FOLDER = "fastwright_replay"
_ANSWERS = "answers.jsonl"
_SECONDS = 120.0
_KEEPS = """

def _keeping(send: Any) -> Any:
    def kept(self: Any, method: str, path: str, *given: Any, **content: Any) -> Any:
        answer = send(self, method, path, *given, **content)
        test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[0].rpartition("/")[2]
        with open(os.path.join(os.path.dirname(__file__), "answers.jsonl"), "a") as told:
            told.write(json.dumps([test, f"{method} {path}", answer.status_code]) + "\\n")
        return answer

    return kept


import os  # noqa: E402

Scene.send = _keeping(Scene.send)
"""
"""Stands below the stage of the tests, and keeps what each of them was answered."""


@dataclass(frozen=True, slots=True)
class _Ran:
    """One run: how each test ended, and the last request of each with its status."""

    outcomes: Mapping[str, Outcome]
    answers: Mapping[str, tuple[str, int]]


def gate(replays: Replays, repaired: Sequence[tuple[str, str]]) -> Gate:
    """The gate for fixes of findings of these rules and symbols."""
    rows = [one for one in replays.rows if any(one.is_of(*finding) for finding in repaired)]

    def run(before: Side, after: Side, changes: ChangeSet) -> Check:
        del changes
        return _judged(before, after, replays, rows)

    return Gate(NAME, CLAIM, run, after=("boots",), behind=("tests",))


def _judged(before: Side, after: Side, replays: Replays, rows: Sequence[Replay]) -> Check:
    found = Gate(NAME, CLAIM, lambda *_: _judged(before, after, replays, rows))
    if not rows:
        return found.skipped("nothing that these fixes mend was proven by a request alone")
    was, now = on_both(before, after, lambda side: _ran(side, replays, rows))
    shown = [row for row in rows if _fails(was.outcomes.get(row.file))]
    if not shown:
        return found.skipped("the requests cannot be sent again to the old tree")
    mended = [row for row in shown if _passes(now.outcomes.get(row.file))]
    evidence = tuple(_evidence(row, was, now, mended) for row in shown)
    figures = f"{len(shown)} proven", f"{len(mended)} mended"
    return (found.passed if mended else found.failed)(*figures, *evidence)


def _ran(side: Side, replays: Replays, rows: Sequence[Replay]) -> _Ran:
    """The tests in the world of a tree, in empty databases; nothing of them is left in it."""
    folder = home(side) / _FOLDER
    names = [row.file for row in rows]
    texts = {name: replays.files[name] for name in names}
    texts[STAGE] = replays.files[STAGE] + _KEEPS
    layer = {folder / name: text.encode() for name, text in texts.items()}
    side.empty()
    side.prepare_schema()
    with laid_over(side, {**layer, folder / _ANSWERS: b""}):
        ran = run_tests(
            side.world, [f"{_FOLDER}/{name}" for name in names], cwd=Path(home(side)),
            timeout=_SECONDS, guest=side.tester,
        )  # fmt: skip
        told = side.world.fence.read(folder / _ANSWERS) or b""
    side.empty()
    return _Ran(_by_file(ran), _answers(told))


def _by_file(ran: TestRun) -> Mapping[str, Outcome]:
    return {PurePosixPath(one.test.partition("::")[0]).name: one for one in ran.outcomes}


def _answers(told: bytes) -> Mapping[str, tuple[str, int]]:
    rows = (json.loads(line) for line in told.decode("utf-8", "replace").splitlines())
    return {test: (request, int(status)) for test, request, status in rows}


def _fails(outcome: Outcome | None) -> bool:
    return outcome is not None and (outcome.outcome, outcome.kind) == ("failed", "assertion")


def _passes(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.outcome == "passed"


def _evidence(row: Replay, was: _Ran, now: _Ran, mended: Sequence[Replay]) -> Evidence:
    """A line with both answers; the requests name different rows, each its own."""
    old, new = was.answers.get(row.file), now.answers.get(row.file)
    told = f"`{row.operation}`, as {row.rule} was proven"
    if old is not None and new is not None and old[1] != new[1]:
        told += f": answered {old[1]} before, {new[1]} now"
    elif row in mended:
        told += ": its test fails before, and passes now"
    if row not in mended:
        told += ", and its test still fails"
    values = tuple((name, f"{one[0]} → {one[1]}")
                   for name, one in (("before", old), ("after", new)) if one)  # fmt: skip
    return Evidence(EvidenceKind.HTTP, told, values)
