"""What was proven is sent again to both trees, and a fix that changes nothing does not pass."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fastwright.agent import replaying
from fastwright.lab.boot_tests import Outcome
from fastwright.model.proof import Verdict
from fastwright.review.live.replays import Replay, Replays

FILE = "test_a.py"
REPLAYS = Replays(
    (
        Replay(FILE, "missing-owner-filter", "GET /a/{id}", frozenset({"main.a"})),
        Replay("test_b.py", "unforeseen-input", "GET /b", frozenset({"main.b"})),
    ),
    {FILE: "", "test_b.py": "", "review_stage.py": ""},
)


def ran(outcome: str, kind: str, status: int) -> replaying._Ran:
    """A run of the one test."""
    return replaying._Ran({FILE: Outcome(FILE, outcome, kind)}, {FILE: ("GET /a/1", status)})


@pytest.mark.parametrize(
    ("before", "after", "verdict", "told"),
    [
        (("failed", "assertion", 200), ("passed", "", 404), Verdict.PASSED,
         "answered 200 before, 404 now"),
        (("failed", "assertion", 200), ("failed", "assertion", 200), Verdict.FAILED,
         "and its test still fails"),
        (("failed", "assertion", 200), ("passed", "", 200), Verdict.PASSED,
         "its test fails before, and passes now"),
        (("failed", "error", 200), ("passed", "", 404), Verdict.SKIPPED, ""),
    ],
)  # fmt: skip
def test_a_repair_has_to_change_how_what_was_proven_fares(
    before: tuple[str, str, int],
    after: tuple[str, str, int],
    verdict: Verdict,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It passes where a test that failed by its assertion passes now; else it fails, or is skipped.

    The test of another finding is not run.
    """
    runs: Mapping[str, replaying._Ran] = {"old": ran(*before), "new": ran(*after)}

    def answered(side: str, replays: Replays, rows: list[Replay]) -> replaying._Ran:
        del replays
        assert [row.file for row in rows] == [FILE]
        return runs[side]

    monkeypatch.setattr(replaying, "_ran", answered)
    gate = replaying.gate(REPLAYS, [("missing-owner-filter", "main.a")])
    check = gate.run("old", "new", None)  # type: ignore[arg-type]
    assert check.verdict is verdict
    assert [told in one.text for one in check.evidence] == ([True] if told else [])


def test_what_no_request_has_proven_is_not_replayed() -> None:
    """A fix of something else skips the gate, and says why."""
    gate = replaying.gate(REPLAYS, [("missing-owner-filter", "main.other")])
    check = gate.run("old", "new", None)  # type: ignore[arg-type]
    assert check.verdict is Verdict.SKIPPED
    assert "was proven by a request" in check.skipped_because
