"""A proven change into the person's tree: all of it, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from fastwright.model.errors import Refused
from fastwright.workspace.entry import (
    Entry,
    Move,
    Phase,
    Shelf,
    Version,
    is_of_the_project,
    version_of,
)
from fastwright.workspace.project import Project
from fastwright.workspace.state import locked, unwritable
from fastwright.workspace.swap import (
    Checkpoint,
    Swap,
    changed_underneath,
    content_at,
    unobserved,
)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def apply(
    project: Project,
    baseline: Mapping[PurePosixPath, bytes],
    after: Mapping[PurePosixPath, bytes | None],
    title: str,
    *,
    private: Collection[PurePosixPath] = (),
    clock: Clock = utc_now,
    checkpoint: Checkpoint = unobserved,
) -> Entry:
    """Write `after` over the tree, and keep what is needed to take it back to the byte.

    Args:
        project: The tree.
        baseline: The bytes that the change was made for; a path that is absent must not exist.
        after: The files that the change touches, as they shall be; ``None`` removes a file.
        title: What the change is, for the list of entries.
        private: New files that only their owner may read (mode 0600): those with secrets.
        clock: The time of the entry.
        checkpoint: Called before each step.

    Raises:
        ChangedUnderneath: A touched file differs from `baseline`; nothing was written.
        Refused: The tree cannot be written, or an interrupted change awaits `recover`.
    """
    state = project.state
    with locked(state):
        shelf = open_shelf(state)
        found = _befores(project.root, baseline, after)
        contents: dict[str, bytes] = {}
        moves = []
        for path, content in sorted(after.items()):
            before = keep(contents, found[path])
            mode = _mode(before, private=path in private)
            moves.append(
                Move(path, before, keep(contents, None if content is None else (content, mode)))
            )
        moves = [move for move in moves if move.before != move.after]
        makes = missing_folders(project.root, [m.path for m in moves if m.after is not None])
        entry = Entry(shelf.next_id(), title, clock().isoformat(), tuple(moves), makes)
        carry_out(project.root, shelf, entry, contents, checkpoint)
    return entry


def open_shelf(state: Path) -> Shelf:
    """The journal, with nothing unfinished in it. The lock must be held.

    One that came with a clone or a copy is set aside, and a new one begun.

    Raises:
        Refused: An earlier change was interrupted and has not been recovered.
    """
    shelf = Shelf(state / "journal")
    shelf.claim()
    for entry in shelf.entries():
        if shelf.phase(entry) in (Phase.STAGING, Phase.SWAPPING):
            raise Refused(
                "cannot change the project now",
                f"an earlier change (`{entry.title}`) was interrupted",
                "recover it first: any fastwright command does",
            )
    return shelf


def carry_out(
    root: Path, shelf: Shelf, entry: Entry, contents: Mapping[str, bytes], checkpoint: Checkpoint
) -> None:
    """Keep `entry` with its contents, then bring the tree to it."""
    checkpoint("record")
    try:
        shelf.add(entry, contents)
    except OSError as error:
        raise unwritable(shelf.folder, error) from error
    Swap(root, shelf, entry, checkpoint).carry_out()


def missing_folders(root: Path, paths: Collection[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """The folders that `paths` need and `root` does not have, outermost first."""
    wanted = {folder for path in paths for folder in path.parents}
    return tuple(sorted(folder for folder in wanted if not (root / folder).is_dir()))


def _befores(
    root: Path,
    baseline: Mapping[PurePosixPath, bytes],
    after: Mapping[PurePosixPath, bytes | None],
) -> dict[PurePosixPath, tuple[bytes, int] | None]:
    for path in after:
        if not is_of_the_project(path):
            raise Refused(f"cannot change `{path}`", "it is no file of the project's own")
    found = {path: content_at(root, path) for path in after}
    moved = [p for p, now in found.items() if (now[0] if now else None) != baseline.get(p)]
    if moved:
        raise changed_underneath(moved)
    return found


def keep(contents: dict[str, bytes], found: tuple[bytes, int] | None) -> Version | None:
    """The version of a file as found, its content added to `contents`."""
    if found is None:
        return None
    version = version_of(*found)
    contents[version.sha256] = found[0]
    return version


def _mode(before: Version | None, *, private: bool) -> int:
    if before is not None:
        return before.mode
    return 0o600 if private else 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
