"""What was run to believe a change, and what is told of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from fastwright.model.change import ChangeSet, Decision
from fastwright.model.finding import Evidence, Finding
from fastwright.model.plan import Plan, Presence
from fastwright.model.tuning import Tuning


class Verdict(enum.StrEnum):
    """A gate's answer. A skip is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One gate's answer about one change.

    `before` and `after` are the two figures of the table's row (``42 pass`` → ``48 pass``);
    `seconds` is wall time; `skipped_because` is set exactly where the verdict is skipped.
    """

    gate: str
    verdict: Verdict
    before: str = ""
    after: str = ""
    evidence: tuple[Evidence, ...] = ()
    seconds: float = 0.0
    skipped_because: str = ""

    @property
    def ok(self) -> bool:
        """True only for a pass."""
        return self.verdict is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class Proof:
    """All checks of one change, bound to the bytes that were judged.

    `tree` is `fingerprint` of the new tree; `sandbox` lists what isolation was enforced.
    """

    tree: str
    checks: tuple[Check, ...]
    sandbox: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """No gate failed and at least one passed."""
        failed = any(c.verdict is Verdict.FAILED for c in self.checks)
        return not failed and any(c.ok for c in self.checks)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure before and after, with its unit."""

    what: str
    unit: str
    before: float | None
    after: float | None
    spread: float | None = None


class Outcome(enum.StrEnum):
    """How a request ended."""

    PROVEN = "proven"
    ALREADY_THERE = "already there"
    REFUSED = "refused"
    NOT_PROVEN = "not proven"
    PLANNED = "planned"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file's unified diff and the reasons behind it; a secret file's text is not kept."""

    path: str
    diff: str
    why: tuple[str, ...]
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What one run has to say. `not_done` is required: silence is not an answer.

    `unread` names each file whose source could not be read whole, with the place and the reason.
    """

    asked: str
    outcome: Outcome
    did: tuple[str, ...]
    not_done: tuple[str, ...]
    why: tuple[Decision, ...] = ()
    plan: Plan | None = None
    presence: Presence | None = None
    findings: tuple[Finding, ...] = ()
    changes: ChangeSet | None = None
    diffs: tuple[FileDiff, ...] = ()
    proof: Proof | None = None
    measurements: tuple[Measurement, ...] = ()
    deploy: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    refusal: tuple[str, str, str] | None = None
    run: str = ""
    seconds: float = 0.0
    timings: tuple[tuple[str, float], ...] = field(default_factory=tuple)
    tuning: Tuning | None = None
    unread: tuple[str, ...] = ()
