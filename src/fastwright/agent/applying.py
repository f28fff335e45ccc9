"""A proven change into the person's tree."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.agent.building import Building
from fastwright.agent.ground import Ground
from fastwright.model.change import NewFile
from fastwright.workspace import journal


def apply(ground: Ground, building: Building) -> tuple[str, ...]:
    """Write the files of `building` over the tree, all or none; returns what was done.

    Raises:
        ChangedUnderneath: Files differ from those that the proof judged; nothing was written.
        Refused: The tree cannot be written.
    """
    before = ground.files
    paths = sorted({*before, *building.files})
    after: dict[PurePosixPath, bytes | None] = {
        path: building.files.get(path)
        for path in paths
        if building.files.get(path) != before.get(path)
    }
    private = [c.path for c in building.changes.changes if isinstance(c, NewFile) and c.secret]
    entry = journal.apply(
        ground.project,
        before,
        after,
        building.changes.title,
        private=private,
    )
    return (f"applied as `{entry.id}`; `fastwright undo` takes it back",)
