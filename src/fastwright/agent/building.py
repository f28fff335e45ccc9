"""Steps into changed files: each recipe builds on the tree as the steps before it leave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from fastwright.agent import pricing
from fastwright.agent.combining import combine
from fastwright.model.app import AppMap
from fastwright.model.change import AddDependency, ChangeSet
from fastwright.model.plan import Built, Option, Plan, Presence, Step
from fastwright.model.proof import FileDiff
from fastwright.recipes.recipe import find, from_options
from fastwright.source import edits

Files = Mapping[PurePosixPath, bytes]
Remap = Callable[[Files], AppMap]


@dataclass(frozen=True, slots=True)
class Building:
    """What a plan comes to: the files as they shall be, and the one change set that leads there.

    `presences` says of each step how much of it was there before.
    """

    plan: Plan
    files: Files
    changes: ChangeSet
    diffs: tuple[FileDiff, ...]
    presences: tuple[tuple[str, Presence], ...]

    @property
    def adds_packages(self) -> tuple[AddDependency, ...]:
        """The packages that the app needs from now on."""
        return tuple(c for c in self.changes.changes if isinstance(c, AddDependency))


def build(plan: Plan, app: AppMap, remap: Remap) -> Building:
    """Build every step of `plan` in order.

    Args:
        plan: Its steps, with what they need before them.
        app: The map of the tree as it is.
        remap: The map of the tree with other files.

    Raises:
        Refused: A recipe cannot build into this app.
        UsageError: A step's option is unknown to its recipe, or has a value that it does not allow.
    """
    files: Files = app.files
    built: list[Built] = []
    presences: list[tuple[str, Presence]] = []
    options: list[Option] = []
    for step in plan.steps:
        seen = remap(files) if files is not app.files else app
        recipe = from_options(find(step.recipe), step.options)
        presences.append((step.recipe, recipe.detect(seen)))
        built.append(Built(step, recipe.build(seen)))
        options += pricing.options(step, seen, built[-1].changes)
        files = edits.apply(files, built[-1].changes.changes)
    changes = combine(app.files, files, built)
    return Building(
        plan=_told(plan, built, options, presences),
        files=files,
        changes=changes,
        diffs=edits.diff(app.files, files, changes.changes),
        presences=tuple(presences),
    )


def _told(
    plan: Plan,
    built: Sequence[Built],
    options: Sequence[Option],
    presences: Sequence[tuple[str, Presence]],
) -> Plan:
    """The plan with what it will touch, and the options as the person may choose them."""
    steps = (_step(one, found) for one, (_, found) in zip(built, presences, strict=True))
    return replace(
        plan,
        steps=tuple(steps),
        choices=tuple(options),
        files=tuple(dict.fromkeys(str(path) for one in built for path in one.changes.paths())),
        tables=tuple(dict.fromkeys(t for one in built for t in one.changes.promise.tables)),
    )


def _step(one: Built, found: Presence) -> Step:
    """The step, saying where nothing of it is left to do."""
    if not one.changes.is_empty:
        return one.step
    return replace(one.step, because=f"{one.step.because}; it is there: {found.because}")
