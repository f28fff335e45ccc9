"""What the journal keeps of one change: which files, from which bytes, to which.

On disk an entry is a folder ``.fastwright/journal/<id>/`` with ``entry.json``, ``phase`` and one
file a content under ``contents/``, named by its hash. It is written elsewhere and renamed into
place, so that an entry is either absent or complete.

Nothing of it is believed as it stands: a repository may bring a folder of that name. A journal
counts only in the very folder on the very disk that it was made in, as consent does; the paths of
an entry are checked like those of a change, and a content must have the hash that names it.
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fastwright.model.errors import Refused
from fastwright.model.wire import from_json, to_json
from fastwright.workspace.state import stage, sync_folder, write_durably

FORBIDDEN = frozenset({".git", ".fastwright", ".."})
_PLACE = ".place"
_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]+")


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
        installs: Requirements that were installed with the change, or with the one it takes back.
    """

    id: str
    title: str
    at: str
    moves: tuple[Move, ...]
    makes: tuple[PurePosixPath, ...] = ()
    drops: tuple[PurePosixPath, ...] = ()
    undoes: str | None = None
    installs: tuple[str, ...] = ()


def is_of_the_project(path: PurePosixPath) -> bool:
    """True for a path that a change may have: below the root, and neither git's nor ours."""
    parts = {part.casefold() for part in path.parts}
    return bool(parts) and not path.is_absolute() and not FORBIDDEN.intersection(parts)


def version_of(content: bytes, mode: int) -> Version:
    """The version that `content` with permission bits `mode` is."""
    return Version(hashlib.sha256(content).hexdigest(), mode)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The journal of one project, on disk."""

    folder: Path

    def is_own(self) -> bool:
        """True where it was made here, by us: it did not come with a clone or a copy."""
        try:
            return bool(json.loads((self.folder / _PLACE).read_text("utf-8")) == self._place())
        except (OSError, ValueError):
            return False

    def claim(self) -> None:
        """Make the journal where it is missing; one that is not our own is set aside."""
        if self.folder.is_symlink() or (self.folder.exists() and not self.is_own()):
            self.folder.rename(_unused(self.folder.with_name(f"{self.folder.name}-of-elsewhere")))
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700)
            write_durably(self.folder / _PLACE, json.dumps(self._place()).encode())

    def _place(self) -> list[int]:
        status = self.folder.lstat()
        return [status.st_dev, status.st_ino]

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first; none where the journal is not our own.

        Raises:
            Refused: One is damaged.
        """
        return tuple(self.entry(name) for name in self._names()) if self.is_own() else ()

    def _names(self) -> list[str]:
        names = (place.name for place in self.folder.iterdir())
        return sorted(filter(_NUMBER.fullmatch, names), key=int)

    def entry(self, name: str) -> Entry:
        """The entry of that id.

        Raises:
            Refused: It is damaged, or names a file that is none of the project's own.
        """
        file = self.folder / name / "entry.json"
        try:
            entry = from_json(Entry, json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise _damaged(file, _reason(error)) from error
        fault = _fault(entry, name)
        if fault:
            raise _damaged(file, fault)
        return entry

    def next_id(self) -> str:
        """An id above every one in use."""
        return f"{max(map(int, self._names()), default=0) + 1:04}"

    def phase(self, entry: Entry) -> Phase:
        """How far `entry` has come.

        Raises:
            Refused: What is kept of it is damaged.
        """
        file = self.folder / entry.id / "phase"
        try:
            return Phase(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(file, _reason(error)) from error

    def enter(self, entry: Entry, phase: Phase) -> None:
        """Record that `entry` has reached `phase`, durably."""
        write_durably(self.folder / entry.id / "phase", phase.encode())

    def note_installed(self, entry: Entry, requirements: Sequence[str]) -> None:
        """Keep that `requirements` were installed with `entry`, which taking it back leaves."""
        noted = replace(entry, installs=tuple(requirements))
        write_durably(self.folder / entry.id / "entry.json", _described(noted))

    def content(self, entry: Entry, version: Version) -> bytes:
        """The bytes of a version that `entry` keeps.

        Raises:
            Refused: They are not there, or not those that were kept.
        """
        file = self.folder / entry.id / "contents" / version.sha256
        try:
            content = file.read_bytes()
        except OSError as error:
            raise _damaged(file, _reason(error)) from error
        if hashlib.sha256(content).hexdigest() != version.sha256:
            raise _damaged(file, "its bytes are not those that were kept")
        return content

    def add(self, entry: Entry, contents: Mapping[str, bytes]) -> None:
        """Keep `entry` with the `contents` of its versions, by hash; phase `STAGING`."""
        draft = self.folder / f".draft-{entry.id}"
        shutil.rmtree(draft, ignore_errors=True)
        (draft / "contents").mkdir(parents=True, mode=0o700)
        for sha256, content in contents.items():
            stage(draft / "contents" / sha256, content, 0o600)
        stage(draft / "entry.json", _described(entry), 0o600)
        stage(draft / "phase", Phase.STAGING.encode(), 0o600)
        sync_folder(draft / "contents")
        sync_folder(draft)
        draft.rename(self.folder / entry.id)
        sync_folder(self.folder)

    def sweep(self) -> None:
        """Remove drafts that a crash has left; they never became entries."""
        for draft in self.folder.glob(".draft-*"):
            shutil.rmtree(draft)


def _described(entry: Entry) -> bytes:
    return json.dumps(to_json(entry), indent=1).encode()


def _unused(place: Path) -> Path:
    names = (place, *(place.with_name(f"{place.name}-{number}") for number in range(2, 1000)))
    return next(name for name in names if not name.exists() and not name.is_symlink())


def _fault(entry: Entry, name: str) -> str:
    """What cannot be so in an entry that was read, in words; empty where it is sound."""
    if entry.id != name:
        return f"it calls itself `{entry.id}`"
    paths = (*(move.path for move in entry.moves), *entry.makes, *entry.drops)
    strays = [path for path in paths if not is_of_the_project(path)]
    if strays:
        return f"`{strays[0]}` is no file of the project's own"
    unsound = [v.sha256 for v in _versions(entry) if not _HASH.fullmatch(v.sha256) or v.mode >> 12]
    return f"`{unsound[0]}` is no version of a file" if unsound else ""


def _versions(entry: Entry) -> Iterator[Version]:
    for move in entry.moves:
        yield from (version for version in (move.before, move.after) if version is not None)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"it is damaged ({type(error).__name__}: {error})"


def _damaged(file: Path, because: str) -> Refused:
    folder = file.parent if file.parent.name != "contents" else file.parent.parent
    return Refused(
        f"cannot read `{file}`",
        because,
        f"restore it from a backup, or remove `{folder}`: then that change can no longer be undone",
    )
