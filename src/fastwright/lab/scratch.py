"""Scratch folders: one a world, private, and swept by a later run where its owner was killed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

from fastwright.model.errors import Refused

_ABANDONED_SECONDS = 60.0
_PLENTY = 4 << 30
"""Bytes of free memory from which on scratch files may lie in it."""


def make(parent: Path | None = None, *, apart_from: Path | None = None) -> Path:
    """A new scratch folder, owned by this process; abandoned ones beside it are removed.

    Args:
        parent: The folder of all scratch folders; by default one of this user's, in memory where
            there is plenty and ``TMPDIR`` is not set, else below the system's temporary folder.
            Kept short, since sockets stand in it.
        apart_from: A tree that is to be copied to it, and so may not hold it.

    Raises:
        Refused: The parent belongs to somebody else, or lies in the tree.
    """
    place = parent or _quickest() / f"fastwright-{os.getuid()}"
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
    scratch = Path(tempfile.mkdtemp(prefix="", dir=place))
    (scratch / "owner").write_text(_owner(os.getpid()), "ascii")
    return scratch


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
    try:
        owner = (folder / "owner").read_text("ascii")
    except OSError:
        try:
            return time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS
        except OSError:
            return False
    return owner != _owner(int(owner.split()[0]))


def _owner(pid: int) -> str:
    """The process and when it started (in ticks since boot), since numbers are used again."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    return f"{pid} {line.rpartition(')')[2].split()[19]}"
