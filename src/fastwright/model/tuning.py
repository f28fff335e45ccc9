"""What tuning measured, tried, kept and dropped."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one thing, in seconds: their median and quartiles."""

    median: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True, slots=True)
class RouteCost:
    """What one route costs, before and after.

    Attributes:
        route: ``METHOD /path``.
        before: Statements at each size of `Tuning.sizes`; `after` likewise.
        size: Bytes of the answer at the largest size.
        cpu: Seconds of CPU time of the app at the largest size, before and after; `wall` likewise
            by the clock. Empty where the statements did not change.
        note: What is particular about it: it fails, or differs from itself.
    """

    route: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    size: int = 0
    cpu: tuple[Spread, ...] = ()
    wall: tuple[Spread, ...] = ()
    note: str = ""

    @property
    def is_changed(self) -> bool:
        """True where its statements are others than before."""
        return self.before != self.after or bool(self.cpu)


class Fate(enum.StrEnum):
    """What became of an idea."""

    KEPT = "kept"
    DROPPED = "dropped"
    PROPOSED = "proposed"
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way of mending one cause, and how it went.

    `because` are the reasons of a drop, or the gains of what was kept; `plans` are query plans
    before and after, where the statement itself is the same.
    """

    cause: str
    routes: tuple[str, ...]
    title: str
    fate: Fate
    seen: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    diff: str = ""
    plans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tuning:
    """One run of tuning.

    Attributes:
        sizes: Rows in each table, ascending.
        routes: Every route that was driven.
        attempts: Everything that was tried, in order.
        notes: What limits the proof: routes that were left out, tables that stayed empty.
        interrupted: Why it ended early; empty where it did not.
    """

    sizes: tuple[int, ...]
    routes: tuple[RouteCost, ...]
    attempts: tuple[Attempt, ...]
    notes: tuple[str, ...] = ()
    interrupted: str = ""

    @property
    def kept(self) -> tuple[Attempt, ...]:
        """What was kept."""
        return tuple(a for a in self.attempts if a.fate is Fate.KEPT)
