"""After a crash: finding out that a change was interrupted, and making the tree whole again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.workspace.entry import Entry, Phase, Shelf
from fastwright.workspace.project import Project
from fastwright.workspace.state import FOLDER, locked
from fastwright.workspace.swap import Checkpoint, Swap, unobserved


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found interrupted, and how the tree is now.

    Attributes:
        entry: The change (or the undo) that was interrupted.
        completed: True where the tree is now wholly changed, False where it is as before.
        left: Files that somebody edited between the crash and now; their edits were kept.
    """

    entry: Entry
    completed: bool
    left: tuple[PurePosixPath, ...] = ()


def recover(project: Project, *, checkpoint: Checkpoint = unobserved) -> Recovery | None:
    """Complete or take back an interrupted change; ``None`` where nothing was interrupted.

    A change whose swapping had begun is completed, any other taken back. Being interrupted again
    does no harm. A journal that came with a clone or a copy is not looked into.

    Raises:
        Refused: Another fastwright is changing the project now, or the tree cannot be written.
    """
    if not Shelf(project.root / FOLDER / "journal").is_own():
        return None
    state = project.state
    with locked(state):
        shelf = Shelf(state / "journal")
        shelf.sweep()
        for entry in shelf.entries():
            phase = shelf.phase(entry)
            swap = Swap(project.root, shelf, entry, checkpoint)
            if phase is Phase.STAGING:
                swap.take_back()
                return Recovery(entry, completed=False)
            if phase is Phase.SWAPPING:
                return Recovery(entry, completed=True, left=swap.complete())
    return None


def interrupted(project: Project) -> Entry | None:
    """The change that `recover` would see to; writes nothing.

    Raises:
        Refused: The journal is damaged.
    """
    shelf = Shelf(project.root / FOLDER / "journal")
    open_ones = (e for e in shelf.entries() if shelf.phase(e) in (Phase.STAGING, Phase.SWAPPING))
    return next(open_ones, None)
