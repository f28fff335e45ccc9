"""Scratch folders: one a world, private, and swept by a later run where its owner was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fastwright.model.errors import Refused

_LOCK = "owner"
_ABANDONED_SECONDS = 60.0
_PLENTY = 4 << 30
"""Bytes of free memory from which on scratch files may lie in it."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """One scratch folder, held by this process.

    `lock` is an open file that is locked as long as the owner lives: the kernel lets go of it
    however the process ends, and tells every other process so, in whatever namespace.
    """

    path: Path
    lock: IO[bytes]

    def remove(self) -> None:
        """Remove the folder with all that is in it, and let go of it."""
        remove(self.path)
        self.lock.close()


def make(parent: Path | None = None, *, apart_from: Path | None = None) -> Scratch:
    """A new scratch folder, owned by this process; abandoned ones beside it are removed.

    Args:
        parent: The folder of all scratch folders; by default one of this user's, in memory where
            there is plenty and ``TMPDIR`` is not set, else below the system's temporary folder.
            Kept short, since sockets stand in it.
        apart_from: A tree that is to be copied to it, and so may not hold it.

    Raises:
        Refused: The parent belongs to somebody else, or lies in the tree.
    """
    place = parent or _quickest() / f"fastwright.{os.getuid()}"
    if apart_from is not None and place.resolve().is_relative_to(apart_from):
        raise Refused(
            f"cannot keep scratch files in `{place}`",
            f"it lies in `{apart_from}`, which is to be copied to it",
            "set TMPDIR to a folder outside",
        )
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Refused(
            f"cannot keep scratch files in `{place}`",
            "it is not a folder of this user alone",
            "remove it, or set TMPDIR",
        )
    sweep(place)
    path = Path(tempfile.mkdtemp(prefix="", dir=place))
    lock = (path / "making").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (path / "making").rename(path / _LOCK)
    return Scratch(path, lock)


def _quickest() -> Path:
    """Memory, where to copy a tree of thousands of files takes a tenth of the time on a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - only a folder of this user alone is used in it
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return Path(tempfile.gettempdir())
    found = os.statvfs(memory)
    room = min(found.f_bavail * found.f_frsize, _available_memory())
    if room < _PLENTY or found.f_flag & os.ST_NOEXEC:
        return Path(tempfile.gettempdir())
    return memory


def _available_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return 0
    fields = (line.split() for line in lines)
    return next((int(f[1]) << 10 for f in fields if f[0] == "MemAvailable:"), 0)


def remove(scratch: Path) -> None:
    """Remove a scratch folder, whatever modes the app has given to what is in it."""
    shutil.rmtree(scratch, onerror=_open_up_and_retry)


def _open_up_and_retry(action: Any, path: str, _failure: object) -> None:
    try:
        for folder in (Path(path).parent, Path(path)):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        action(path) if action in (os.unlink, os.rmdir) else shutil.rmtree(path)
    except OSError:
        return  # swept by a later run


def sweep(place: Path) -> tuple[Path, ...]:
    """Remove the scratch folders below `place` whose owner no longer lives; returns them."""
    dead = tuple(folder for folder in place.iterdir() if _abandoned(folder))
    for folder in dead:
        remove(folder)
    return dead


def _abandoned(folder: Path) -> bool:
    """No living process holds it; one without a lock is being made, unless it is old."""
    try:
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except OSError:
        return _age(folder) > _ABANDONED_SECONDS


def _age(folder: Path) -> float:
    """Seconds since it changed; 0 for one that somebody else has just removed."""
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
