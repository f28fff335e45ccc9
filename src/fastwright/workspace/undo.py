"""Taking a change back: to the byte where nothing happened since, by three-way merge otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fastwright.model.errors import ChangedUnderneath, Refused, UnknownName
from fastwright.workspace.apply import Clock, carry_out, keep, missing_folders, open_shelf, utc_now
from fastwright.workspace.entry import Entry, Move, Phase, Shelf
from fastwright.workspace.merge import merge
from fastwright.workspace.project import Project
from fastwright.workspace.state import FOLDER, locked
from fastwright.workspace.swap import Checkpoint, content_at, unobserved

Found = tuple[bytes, int] | None
"""The bytes and permission bits of a file, or ``None`` where there is none."""

UNDO, REDO = "undo: ", "redo: "
"""How the titles of entries begin that take back a change, and that take such a one back."""


def undo(
    project: Project,
    entry_id: str | None = None,
    *,
    force: bool = False,
    clock: Clock = utc_now,
    checkpoint: Checkpoint = unobserved,
) -> Entry:
    """Take back one entry, and return the entry that did so, which can be undone in turn.

    A file that is as the entry left it goes back to the byte. One that was edited since keeps
    those edits where they merge cleanly with taking the change back.

    Args:
        project: The tree.
        entry_id: Which entry; the newest that stands, when none is named.
        force: Where edits collide, take the file back to what it was before the entry, and drop
            them. They stay in the journal: undoing this undo brings them back.
        clock: The time of the new entry.
        checkpoint: Called before each step.

    Raises:
        ChangedUnderneath: Edits since collide with taking it back; nothing was touched.
        Refused: There is nothing to undo, or the tree cannot be written.
        UnknownName: No entry has that id.
    """
    if not (project.root / FOLDER).is_dir():
        _chosen(Shelf(project.root / FOLDER / "journal"), entry_id)  # raises: nothing was applied
    state = project.state
    with locked(state):
        _refuse_foreign(Shelf(state / "journal"))
        shelf = open_shelf(state)
        entry = _chosen(shelf, entry_id)
        contents: dict[str, bytes] = {}
        moves, collided = [], []
        for move in reversed(entry.moves):
            found = content_at(project.root, move.path)
            goal, is_clean = _goal(shelf, entry, move, found)
            if not is_clean:
                collided.append(move.path)
            moves.append(Move(move.path, keep(contents, found), keep(contents, goal)))
        if collided and not force:
            raise _collision(entry, collided)
        taken = _reversal(project.root, shelf, entry, moves, clock)
        carry_out(project.root, shelf, taken, contents, checkpoint)
    return taken


def _refuse_foreign(shelf: Shelf) -> None:
    if shelf.folder.is_dir() and not shelf.is_own():
        raise Refused(
            "cannot undo",
            f"`{shelf.folder}` was not made here: it came with a clone, a copy or a move to "
            "another disk, and is not believed",
            "undo in the folder where the change was made, or take it back with git",
        )


def standing(shelf: Shelf) -> tuple[Entry, ...]:
    """The applied entries that have not been undone, oldest first."""
    done = _done(shelf)
    up = _upright(done)
    return tuple(entry for entry in done if entry.id in up and entry.undoes is None)


def _done(shelf: Shelf) -> tuple[Entry, ...]:
    return tuple(entry for entry in shelf.entries() if shelf.phase(entry) is Phase.DONE)


def _upright(done: Sequence[Entry]) -> frozenset[str]:
    """The ids in force: an undo in force fells what it undoes, and an undone one fells nothing."""
    fallen: set[str | None] = set()
    for entry in reversed(done):
        if entry.id not in fallen:
            fallen.add(entry.undoes)
    return frozenset(entry.id for entry in done if entry.id not in fallen)


def _chosen(shelf: Shelf, entry_id: str | None) -> Entry:
    done, up = _done(shelf), standing(shelf)
    if entry_id is None and up:
        return up[-1]
    if entry_id is None:
        raise Refused(
            "cannot undo",
            "no change of fastwright's stands in this project",
            "name another project with `--app`; other edits are for git to take back",
        )
    entry = next((e for e in done if e.id == entry_id), None)
    if entry is None:
        raise UnknownName("entry", entry_id, [e.id for e in reversed(up)])
    upright = _upright(done)
    if entry.id not in upright:
        felled_by = next(e.id for e in done if e.undoes == entry.id and e.id in upright)
        raise Refused(
            f"cannot undo `{entry.id}`",
            f"`{felled_by}` took it back already",
            f"to have it again, undo `{felled_by}`",
        )
    return entry


def _goal(shelf: Shelf, entry: Entry, move: Move, found: Found) -> tuple[Found, bool]:
    """What the file shall be once `move` is taken back, and whether no edit is lost by it."""
    before: Found = None
    if move.before is not None:
        before = shelf.content(entry, move.before), move.before.mode
    after = shelf.content(entry, move.after) if move.after is not None else None
    current = found[0] if found else None
    if current == after:
        return before, True
    if current == (before[0] if before else None):
        return found, True
    if before is not None and after is not None and found is not None:
        merged = merge(after, found[0], before[0])
        if merged is not None:
            return (merged, found[1]), True
    return before, False


def _reversal(root: Path, shelf: Shelf, entry: Entry, moves: list[Move], clock: Clock) -> Entry:
    makes = missing_folders(root, [m.path for m in moves if m.after is not None])
    taken_back = entry.undoes is not None and entry.title.startswith(UNDO)
    plain = entry.title.removeprefix(UNDO).removeprefix(REDO) if entry.undoes else entry.title
    return Entry(
        shelf.next_id(),
        f"{REDO if taken_back else UNDO}{plain}",
        clock().isoformat(),
        tuple(move for move in moves if move.before != move.after),
        makes,
        tuple(reversed(entry.makes)),
        entry.id,
        entry.installs,
    )


def _collision(entry: Entry, paths: Sequence[PurePosixPath]) -> ChangedUnderneath:
    named = ", ".join(f"`{path}`" for path in paths)
    return ChangedUnderneath(
        f"cannot undo `{entry.title}`",
        f"{named} changed since, in the same lines",
        "undo those edits first, or repeat with `--force` to drop them (they stay in the journal)",
    )
