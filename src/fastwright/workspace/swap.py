"""Taking many files from one version to another, as if at once.

First every new content is staged in a file beside its target: nothing of the person's is touched,
and whatever can fail (a full disk, a missing right) fails here. Then each staged file is renamed
over its target. An entry in phase `STAGING` is taken back; one in phase `SWAPPING` is completed,
since the journal holds every content: the tree ends as before or wholly changed.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.model.errors import ChangedUnderneath, Refused
from fastwright.workspace.entry import Entry, Move, Phase, Shelf, Version, version_of
from fastwright.workspace.state import stage, sync_folder, unwritable

Checkpoint = Callable[[str], None]
"""Called with a step's name when the step is about to begin; a test may end the process there."""


def unobserved(step: str) -> None:
    """The checkpoint that does nothing."""


def content_at(root: Path, path: PurePosixPath) -> tuple[bytes, int] | None:
    """The bytes and permission bits of a file of the tree; ``None`` where there is none.

    Raises:
        Refused: It is not an ordinary file, or lies behind a symbolic link.
    """
    target = root / path
    for part in (target, *target.parents):
        if part == root:
            break
        if part.is_symlink():
            raise Refused(
                f"cannot change `{path}`",
                f"`{part.relative_to(root)}` is a symbolic link",
                "change the file that it leads to by hand",
            )
    try:
        status = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"cannot change `{path}`", "it is not an ordinary file")
    return target.read_bytes(), stat.S_IMODE(status.st_mode)


def version_at(root: Path, path: PurePosixPath) -> Version | None:
    """The version of a file of the tree; ``None`` where there is none."""
    found = content_at(root, path)
    return version_of(*found) if found else None


@dataclass(frozen=True, slots=True)
class Swap:
    """One entry being carried out in one tree."""

    root: Path
    shelf: Shelf
    entry: Entry
    checkpoint: Checkpoint = unobserved

    def carry_out(self) -> None:
        """Bring the tree from every `before` to every `after`.

        Raises:
            ChangedUnderneath: A file is no longer at its `before`; the tree is untouched.
            Refused: The system would not let us write; the tree is as before.
        """
        try:
            self._stage()
            self._confirm()
        except BaseException as error:
            self.take_back()
            raise self._worded(error) from error
        try:
            self.complete()
        except BaseException as error:
            self.reverse()
            raise self._worded(error) from error

    def complete(self) -> tuple[PurePosixPath, ...]:
        """Swap every file that is still at its `before`; returns those at neither version."""
        self._enter(Phase.SWAPPING)
        left = tuple(m.path for m in self.entry.moves if not self._forward(m))
        for folder in self.entry.drops:
            self.checkpoint(f"drop {folder}")
            drop_empty(self.root / folder)
        self._sync()
        self._enter(Phase.DONE)
        return left

    def take_back(self) -> None:
        """Remove what was staged; no target has been touched."""
        for move in self.entry.moves:
            self.checkpoint(f"unstage {move.path}")
            with contextlib.suppress(NotADirectoryError):
                self._staged(move).unlink(missing_ok=True)
        self._drop_made()
        self._enter(Phase.ABANDONED)

    def reverse(self) -> None:
        """Put back what was swapped already, then take back the rest."""
        for move in self.entry.moves:
            if version_at(self.root, move.path) == move.after != move.before:
                self._place(move, move.before)
        self.take_back()

    def _stage(self) -> None:
        for folder in self.entry.makes:
            self.checkpoint(f"make {folder}")
            (self.root / folder).mkdir(exist_ok=True)
        for move in self.entry.moves:
            if move.after is not None:
                self.checkpoint(f"stage {move.path}")
                self._write(move, move.after)

    def _confirm(self) -> None:
        moved = [m.path for m in self.entry.moves if version_at(self.root, m.path) != m.before]
        if moved:
            raise changed_underneath(moved)

    def _forward(self, move: Move) -> bool:
        current = version_at(self.root, move.path)
        if current == move.before != move.after:
            self.checkpoint(f"swap {move.path}")
            self._place(move, move.after)
            return True
        self._staged(move).unlink(missing_ok=True)
        return current == move.after

    def _place(self, move: Move, version: Version | None) -> None:
        target = self.root / move.path
        if version is None:
            target.unlink(missing_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if version != move.after or not self._staged(move).exists():
            self._write(move, version)
        self._staged(move).replace(target)

    def _write(self, move: Move, version: Version) -> None:
        stage(self._staged(move), self.shelf.content(self.entry, version), version.mode)

    def _staged(self, move: Move) -> Path:
        position = self.entry.moves.index(move)
        return (self.root / move.path).parent / f".fastwright-{self.entry.id}-{position}"

    def _drop_made(self) -> None:
        for folder in reversed(self.entry.makes):
            drop_empty(self.root / folder)

    def _sync(self) -> None:
        for folder in {(self.root / move.path).parent for move in self.entry.moves}:
            if folder.is_dir():
                sync_folder(folder)

    def _enter(self, phase: Phase) -> None:
        self.checkpoint(phase)
        self.shelf.enter(self.entry, phase)

    def _worded(self, error: BaseException) -> BaseException:
        return unwritable(self.root, error) if isinstance(error, OSError) else error


def drop_empty(folder: Path) -> None:
    """Remove a folder that holds nothing but Python's own caches of files that are gone."""
    cache = folder / "__pycache__"
    if not folder.is_dir() or any(p != cache for p in folder.iterdir()):
        return
    if cache.is_dir() and not cache.is_symlink():
        if any(p.suffix != ".pyc" for p in cache.iterdir()):
            return
        for compiled in cache.iterdir():
            compiled.unlink()
        cache.rmdir()
    folder.rmdir()


def changed_underneath(paths: list[PurePosixPath]) -> ChangedUnderneath:
    """The refusal to write over files that are not what the change was made for."""
    named = ", ".join(f"`{path}`" for path in paths[:5])
    return ChangedUnderneath(
        f"cannot change {named}" + (f" and {len(paths) - 5} more" if len(paths) > 5 else ""),
        "the bytes differ from those that the change was made for",
        "run the command again on the tree as it is now",
    )
