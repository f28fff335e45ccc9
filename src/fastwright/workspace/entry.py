"""What the journal keeps of one change: which files, from which bytes, to which.

On disk an entry is a folder ``.fastwright/journal/<id>/`` with ``entry.json``, ``phase`` and one
file a content under ``contents/``, named by its hash. It is written elsewhere and renamed into
place, so that an entry is either absent or complete.
"""

from __future__ import annotations

import enum
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.model.wire import from_json, to_json
from fastwright.workspace.state import stage, sync_folder, write_durably


class Phase(enum.StrEnum):
    """How far an entry has come. Before `SWAPPING` no file of the person's was touched."""

    STAGING = "staging"
    SWAPPING = "swapping"
    DONE = "done"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Version:
    """One content of a file: its SHA-256 in hexadecimal, and the permission bits."""

    sha256: str
    mode: int


@dataclass(frozen=True, slots=True)
class Move:
    """One file, from `before` to `after`; ``None`` where it does not exist."""

    path: PurePosixPath
    before: Version | None
    after: Version | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of the tree, as a whole.

    Attributes:
        id: Ascending within the project: ``0001``.
        at: When, in ISO 8601.
        moves: The files, in the order in which they are swapped.
        makes: Folders that did not exist before, outermost first.
        drops: Folders that go where they are empty afterwards, innermost first.
        undoes: The entry that this one takes back, if it is an undo.
    """

    id: str
    title: str
    at: str
    moves: tuple[Move, ...]
    makes: tuple[PurePosixPath, ...] = ()
    drops: tuple[PurePosixPath, ...] = ()
    undoes: str | None = None


def version_of(content: bytes, mode: int) -> Version:
    """The version that `content` with permission bits `mode` is."""
    return Version(hashlib.sha256(content).hexdigest(), mode)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The journal of one project, on disk."""

    folder: Path

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first."""
        if not self.folder.is_dir():
            return ()
        names = (p.name for p in self.folder.iterdir() if not p.name.startswith("."))
        return tuple(self.entry(name) for name in sorted(names, key=int))

    def entry(self, name: str) -> Entry:
        """The entry of that id."""
        return from_json(Entry, json.loads((self.folder / name / "entry.json").read_text("utf-8")))

    def next_id(self) -> str:
        """An id above every one in use."""
        used = [int(entry.id) for entry in self.entries()]
        return f"{max(used, default=0) + 1:04}"

    def phase(self, entry: Entry) -> Phase:
        """How far `entry` has come."""
        return Phase((self.folder / entry.id / "phase").read_text("utf-8"))

    def enter(self, entry: Entry, phase: Phase) -> None:
        """Record that `entry` has reached `phase`, durably."""
        write_durably(self.folder / entry.id / "phase", phase.encode())

    def content(self, entry: Entry, version: Version) -> bytes:
        """The bytes of a version that `entry` keeps."""
        return (self.folder / entry.id / "contents" / version.sha256).read_bytes()

    def add(self, entry: Entry, contents: Mapping[str, bytes]) -> None:
        """Keep `entry` with the `contents` of its versions, by hash; phase `STAGING`."""
        draft = self.folder / f".draft-{entry.id}"
        shutil.rmtree(draft, ignore_errors=True)
        (draft / "contents").mkdir(parents=True, mode=0o700)
        for sha256, content in contents.items():
            stage(draft / "contents" / sha256, content, 0o600)
        described = json.dumps(to_json(entry), indent=1).encode()
        stage(draft / "entry.json", described, 0o600)
        stage(draft / "phase", Phase.STAGING.encode(), 0o600)
        sync_folder(draft / "contents")
        sync_folder(draft)
        draft.rename(self.folder / entry.id)
        sync_folder(self.folder)

    def sweep(self) -> None:
        """Remove drafts that a crash has left; they never became entries."""
        for draft in self.folder.glob(".draft-*"):
            shutil.rmtree(draft)
