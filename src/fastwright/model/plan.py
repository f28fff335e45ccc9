"""What will be done, before it is done."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence


class State(enum.StrEnum):
    """How much of what a recipe gives is in the app already."""

    ABSENT = "absent"
    PRESENT = "present"
    PARTIAL = "partial"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Presence:
    """A recipe's answer to *is it there?*; `symbols` are the app's own that play the part."""

    state: State
    because: str
    symbols: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One choice that the person may make, priced.

    `costs` says what choosing it adds, in files and tables.
    """

    name: str
    value: str
    because: str
    alternatives: tuple[str, ...] = ()
    costs: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One recipe with its options, as JSON-ready values."""

    recipe: str
    because: str
    options: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps for one request, in order, and what is not certain about them.

    `choices` are the options as shown to the person; `files` and `tables` what they will touch.
    `declined` are recipes that the person does not want, though a step may need one.
    """

    request: str
    steps: tuple[Step, ...]
    unsure: tuple[str, ...] = ()
    choices: tuple[Option, ...] = ()
    files: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of a request that was not clear enough to act on; `score` from 0 to 1."""

    recipe: str
    title: str
    score: float
    because: str


@dataclass(frozen=True, slots=True)
class Built:
    """A step and the change set that its recipe computed for it."""

    step: Step
    changes: ChangeSet
