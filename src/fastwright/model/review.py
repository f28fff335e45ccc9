"""What a review has to say: objections where people find them, and what was not looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastwright.model.finding import AccessMatrix, Finding, Grade, Severity
from fastwright.model.places import Position
from fastwright.model.proof import FileDiff, Proof


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule of ours that raised or cannot be loaded: `where` is its file or entry point."""

    rule: str
    where: str
    because: str


@dataclass(frozen=True, slots=True)
class Objection:
    """One finding as it is told.

    Attributes:
        finding: What was found; its spans are byte offsets.
        code: The rule's code, as `area`, `severity` and `summary` (its first sentence) are its.
        path: The file, relative to the repository.
        at: Where it begins; `end` is where it ends.
        lines: The source lines that it stands on, of a long one the first.
        related: Its further places, as ``path:line``.
        fingerprint: The same for the same objection when lines move.
    """

    finding: Finding
    code: str
    area: str
    severity: Severity
    summary: str
    path: str
    at: Position
    end: Position
    lines: tuple[str, ...]
    fingerprint: str
    related: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.finding.rule

    @property
    def grade(self) -> Grade:
        """How sure it is."""
        return self.finding.grade


LEAST_RIGHT = 0.85
"""The part of a rule's findings that has to have been right for its word to be certain."""


@dataclass(frozen=True, slots=True)
class Record:
    """Of `read` findings of a rule on apps that it had not seen, `right` were."""

    right: int = 0
    read: int = 0

    @property
    def part(self) -> float:
        """The part that is right, by Laplace's rule; a rule is believed until it has been read."""
        return (self.right + 1) / (self.read + 2) if self.read else 1.0

    @property
    def is_trusted(self) -> bool:
        """True where what the source shows the rule is certain."""
        return self.part >= LEAST_RIGHT

    def __str__(self) -> str:
        return f"{self.right} of {self.read}" if self.read else "none read"


@dataclass(frozen=True, slots=True)
class Card:
    """What a report needs to know of a rule: the page without the check."""

    code: str
    name: str
    area: str
    severity: Severity
    since: str
    doc: str
    record: Record = Record()


@dataclass(frozen=True, slots=True)
class Repair:
    """What was repaired: the titles of the fixes, their diffs and the proof that they passed.

    `kept_out` says of each fix that was tried and not kept why; `contract` and `access` are the
    differences that the person has to know, a line each; `entry` names the change for ``undo``;
    `replayed` tells how what a run had proven fares before and after.
    """

    titles: tuple[str, ...] = ()
    diffs: tuple[FileDiff, ...] = ()
    proof: Proof | None = None
    kept_out: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    entry: str = ""
    replayed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that one review has to say.

    Attributes:
        app: ``module:name`` of the application; empty where none was found.
        objections: Those that are told, the gravest first.
        cards: The rules that ran, in the order of their codes.
        habits: Rules whose objections are a habit of the whole code base: one line each.
        faults: What went wrong with our own rules.
        not_tried: What was not looked at, with the reason.
        counts: Figures by name: ``files``, ``routes``, ``rules``, ``allowed``, ``baseline``,
            ``unchanged``, ``possible``.
        possible: Rules that found what is possible only and not told, with how often, the gravest
            first.
        routes: Route to the guards that stand before it, for the route map.
        matrix: Who got what from the live app, where it was run.
        repair: What was repaired, where that was asked for.
        failing: How many objections fail the run.
        loads: False where the app was to be run and does not boot.
    """

    app: str
    objections: tuple[Objection, ...]
    cards: tuple[Card, ...] = ()
    habits: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    not_tried: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    possible: Mapping[str, int] = field(default_factory=dict)
    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    matrix: AccessMatrix | None = None
    repair: Repair | None = None
    failing: int = 0
    loads: bool = True
    root: str = ""
    seconds: float = 0.0
    version: str = ""
