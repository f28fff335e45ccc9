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
    does no harm.

    Raises:
        Refused: Another fastwright is changing the project now, or the tree cannot be written.
    """
    if not (project.root / FOLDER / "journal").is_dir():
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
