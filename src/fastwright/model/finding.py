"""What was objected to, on what evidence."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fastwright.model.app import AppMap
from fastwright.model.change import Fix
from fastwright.model.places import Span


class EvidenceKind(enum.StrEnum):
    """How something was seen."""

    SOURCE = "source"
    HTTP = "http"
    SQL = "sql"
    MEASURE = "measure"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen: a sentence, and the values behind it."""

    kind: EvidenceKind
    text: str
    values: tuple[tuple[str, str], ...] = ()


class Grade(enum.StrEnum):
    """How sure a finding is; derived from its evidence, never set."""

    PROVEN = "proven"
    CERTAIN = "certain"
    POSSIBLE = "possible"


class Severity(enum.StrEnum):
    """How much harm the smell does where it is real."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection, at one place. `structural`: it cannot be otherwise, given the source."""

    rule: str
    at: Span
    message: str
    evidence: tuple[Evidence, ...] = ()
    related: tuple[Span, ...] = ()
    fixes: tuple[Fix, ...] = ()
    symbol: str = ""
    structural: bool = False

    @property
    def grade(self) -> Grade:
        """Proven by what ran, certain by structure, else possible."""
        if any(e.kind is not EvidenceKind.SOURCE for e in self.evidence):
            return Grade.PROVEN
        return Grade.CERTAIN if self.structural else Grade.POSSIBLE

    def fingerprint(self, code: str) -> str:
        """Rule, symbol and normalised code, hashed: stable when lines move or the grade changes."""
        normal = re.sub(r"\s+", " ", code).strip()
        return hashlib.sha256(f"{self.rule}\0{self.symbol}\0{normal}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check: a pure function from a map to findings, and its published page."""

    code: str
    name: str
    area: str
    severity: Severity
    since: str
    doc: str
    check: Callable[[AppMap], Iterable[Finding]] = field(compare=False)


class Caller(enum.StrEnum):
    """Who calls a route in the access matrix."""

    ANONYMOUS = "anonymous"
    OWNER = "owner"
    OTHER_USER = "other user"
    LOWER_ROLE = "lower role"


@dataclass(frozen=True, slots=True)
class AccessMatrix:
    """Route by caller, to what the live app answered.

    `outcomes` maps ``METHOD /path`` to one outcome a caller (a status code as text, or the reason
    why it was not called); keys of the inner mapping are `Caller` values.
    """

    outcomes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def differences(self, other: AccessMatrix) -> tuple[str, ...]:
        """Every cell in which `other` differs, as ``METHOD /path caller: before → after``."""
        found = []
        for route in sorted({*self.outcomes, *other.outcomes}):
            before, after = self.outcomes.get(route, {}), other.outcomes.get(route, {})
            for caller in sorted({*before, *after}):
                old, new = before.get(caller, "absent"), after.get(caller, "absent")
                if old != new:
                    found.append(f"{route} {caller}: {old} → {new}")
        return tuple(found)
