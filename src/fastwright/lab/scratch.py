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


def make(parent: Path | None = None) -> Path:
    """A new scratch folder, owned by this process; abandoned ones beside it are removed.

    Args:
        parent: The folder of all scratch folders; by default one of this user's below the
            system's temporary folder. Kept short, since sockets stand in it.

    Raises:
        Refused: The parent belongs to somebody else.
    """
    place = parent or Path(tempfile.gettempdir()) / f"fastwright-{os.getuid()}"
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


def remove(scratch: Path) -> None:
    """Remove a scratch folder, whatever modes the app has given to what is in it."""
    shutil.rmtree(scratch, onerror=_open_up_and_retry)


def _open_up_and_retry(action: Any, path: str, _failure: object) -> None:
    try:
        for folder in (Path(path).parent, Path(path)):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        action(path) if action in (os.unlink, os.rmdir) else remove(Path(path))
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
