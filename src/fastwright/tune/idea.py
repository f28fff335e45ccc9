"""A hypothesis: what costs, where, and the change sets that may mend it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fastwright.model.change import Change


class Gain(enum.Enum):
    """What there must be less of on each route that an idea is to help."""

    STATEMENTS = "statements"
    HELD = "connections held while the answer is sent"
    TURNS = "statements and lines that stop the event loop"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to mend it, as changes relative to the tree that the idea was made for."""

    title: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Idea:
    """One cause at one place, with the ways to mend it.

    Attributes:
        key: The same for the same idea, whatever was edited above it.
        cause: In words, as `symptoms.Cause` or the name of another.
        routes: The routes that it is to help.
        seen: What was observed, a sentence each.
        variants: Alternatives, tried in order; the best of those that hold is kept. Empty where
            none can be written, for the reason in `because`.
        because: Why there is no variant.
        mends: For a route that fails: the class that it answers with, and its relationships.
        fallbacks: Tried one by one where none of the variants holds.
        gain: What there must be less of.
    """

    key: str
    cause: str
    routes: tuple[str, ...]
    seen: tuple[str, ...]
    variants: tuple[Variant, ...] = ()
    because: str = ""
    fallbacks: tuple[Variant, ...] = ()
    mends: tuple[str, tuple[str, ...]] | None = None
    gain: Gain = Gain.STATEMENTS
