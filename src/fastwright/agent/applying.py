"""A proven change into the person's tree, with the packages and the lock file that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.agent import updating
from fastwright.agent.building import Building
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person
from fastwright.lab.interpreter import Interpreter
from fastwright.model.change import NewFile
from fastwright.workspace import journal


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done to the person's tree and environment, and what remains for them."""

    did: tuple[str, ...]
    remains: tuple[str, ...]


def apply(ground: Ground, building: Building, interpreter: Interpreter, person: Person) -> Applied:
    """Write the files of `building` over the tree, all or none; then install what they need.

    Lock files go into the same entry of the journal, so that undoing takes them back too.

    Raises:
        ChangedUnderneath: Files differ from those that the proof judged; nothing was written.
        Refused: The tree cannot be written.
    """
    requirements = tuple(added.requirement for added in building.adds_packages)
    locked = updating.Relocked({})
    if requirements:
        locked = updating.lock_files(ground.project, ground.files, building.files)
    entry = journal.apply(
        ground.project,
        ground.files,
        _changed(ground, building) | dict(locked.files),
        building.changes.title,
        private=[c.path for c in building.changes.changes if isinstance(c, NewFile) and c.secret],
    )
    installed, missing = updating.environment(interpreter, requirements, person)
    wrote = tuple(f"wrote `{path}` anew" for path in locked.files)
    return Applied(
        (f"applied as `{entry.id}`; `fastwright undo` takes it back", *wrote, *installed),
        (*locked.remains, *missing),
    )


def _changed(ground: Ground, building: Building) -> dict[PurePosixPath, bytes | None]:
    paths = sorted({*ground.files, *building.files})
    return {
        path: building.files.get(path)
        for path in paths
        if building.files.get(path) != ground.files.get(path)
    }
