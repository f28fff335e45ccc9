"""A proven change into the person's tree, with the packages and the lock file that belong to it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.agent import updating
from fastwright.agent.building import Building
from fastwright.agent.environments import lacking
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person
from fastwright.agent.supplying import Supply
from fastwright.agent.worlds import Worlds
from fastwright.model.change import NewFile
from fastwright.workspace import journal
from fastwright.workspace.project import Project


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done to the person's tree and environment, and what remains for them."""

    did: tuple[str, ...]
    remains: tuple[str, ...]


def apply(ground: Ground, building: Building, worlds: Worlds, person: Person) -> Applied:
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
    kept = _env_file(ground, worlds.supply, person)
    secret = [c.path for c in building.changes.changes if isinstance(c, NewFile) and c.secret]
    with uninterrupted():
        entry = journal.apply(
            ground.project,
            {**ground.files, **{path: old for path, (old, _) in kept.items() if old is not None}},
            _changed(ground, building)
            | dict(locked.files)
            | {path: new for path, (_, new) in kept.items()},
            building.changes.title,
            private=[*secret, *kept],
        )
    new = lacking(requirements, worlds.interpreter) if requirements else ()
    try:
        installed, missing = updating.environment(worlds.interpreter, requirements, person)
    except KeyboardInterrupt as interrupt:
        journal.note_installed(ground.project, entry, new)
        raise KeyboardInterrupt(
            f"`{entry.id}` was applied, and its packages may be missing"
        ) from interrupt
    journal.note_installed(ground.project, entry, new if installed else ())
    names = ", ".join(f"`{name}`" for name in worlds.supply.values)
    wrote = (
        *(f"wrote `{path}` anew" for path in locked.files),
        *(f"wrote a generated {names} into `{path}`, which git ignores" for path in kept),
    )
    return Applied(
        (f"applied as `{entry.id}`; `fastwright undo` takes it back", *wrote, *installed),
        (*locked.remains, *missing),
    )


@contextmanager
def telling_what_stands(project: Project) -> Iterator[None]:
    """An interrupt inside, however late, says what was applied before it."""
    stood = {entry.id for entry in journal.applied(project)}
    try:
        yield
    except KeyboardInterrupt as interrupt:
        new = [entry.id for entry in journal.applied(project) if entry.id not in stood]
        if str(interrupt) or not new:
            raise
        told = f"`{new[-1]}` was applied; `fastwright undo` takes it back"
        raise KeyboardInterrupt(told) from interrupt


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: what is inside takes milliseconds and shall not be left half done."""
    is_main = threading.current_thread() is threading.main_thread()
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, usual)


def _env_file(
    ground: Ground, wanted: Supply, person: Person
) -> dict[PurePosixPath, tuple[bytes | None, bytes]]:
    """The env file as it is and as it shall be, where the person wants the values kept there."""
    if wanted.file is None or not wanted.values:
        return {}
    names = ", ".join(wanted.values)
    if not person.agrees(f"Write a generated {names} into `{wanted.file}`, which git ignores?"):
        return {}
    place = ground.project.root / wanted.file
    content = place.read_bytes() if place.is_file() else None
    return {wanted.file: (content, wanted.appended(content or b""))}


def _changed(ground: Ground, building: Building) -> dict[PurePosixPath, bytes | None]:
    paths = sorted({*ground.files, *building.files})
    return {
        path: building.files.get(path)
        for path in paths
        if building.files.get(path) != ground.files.get(path)
    }
