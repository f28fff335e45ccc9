"""The door to changing the person's tree: `apply`, `undo`, `recover`, and what was done so far.

The journal holds the bytes before and after of every file that was changed, secrets included;
that is what taking a change back to the byte needs. It lies in ``.fastwright`` (mode 0700).
"""

from __future__ import annotations

from collections.abc import Sequence

from fastwright.workspace.apply import apply
from fastwright.workspace.entry import Entry, Move, Phase, Shelf, Version
from fastwright.workspace.project import Project
from fastwright.workspace.recover import Recovery, interrupted, recover
from fastwright.workspace.state import FOLDER, locked
from fastwright.workspace.undo import standing, undo

__all__ = [
    "Entry",
    "Move",
    "Phase",
    "Recovery",
    "Version",
    "applied",
    "apply",
    "interrupted",
    "is_foreign",
    "note_installed",
    "recover",
    "undo",
]  # fmt: skip


def applied(project: Project) -> tuple[Entry, ...]:
    """The changes that stand in the tree now, oldest first; undone ones are not among them."""
    return standing(Shelf(project.root / FOLDER / "journal"))


def is_foreign(project: Project) -> bool:
    """True where a journal is there that came with a clone or a copy; it is not believed."""
    shelf = Shelf(project.root / FOLDER / "journal")
    return shelf.folder.is_dir() and not shelf.is_own()


def note_installed(project: Project, entry: Entry, requirements: Sequence[str]) -> None:
    """Keep that `requirements` were installed with `entry`: an undo leaves them, and says so."""
    if requirements:
        with locked(project.state):
            Shelf(project.state / "journal").note_installed(entry, requirements)
