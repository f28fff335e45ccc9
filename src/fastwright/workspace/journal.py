"""The door to changing the person's tree: `apply`, `undo`, `recover`, and what was done so far.

The journal holds the bytes before and after of every file that was changed, secrets included;
that is what taking a change back to the byte needs. It lies in ``.fastwright`` (mode 0700).
"""

from __future__ import annotations

from fastwright.workspace.apply import apply
from fastwright.workspace.entry import Entry, Move, Phase, Shelf, Version
from fastwright.workspace.project import Project
from fastwright.workspace.recover import Recovery, recover
from fastwright.workspace.state import FOLDER
from fastwright.workspace.undo import standing, undo

__all__ = [
    "Entry",
    "Move",
    "Phase",
    "Recovery",
    "Version",
    "applied",
    "apply",
    "recover",
    "undo",
]  # fmt: skip


def applied(project: Project) -> tuple[Entry, ...]:
    """The changes that stand in the tree now, oldest first; undone ones are not among them."""
    return standing(Shelf(project.root / FOLDER / "journal"))
