"""The folder ``.fastwright``: ours, private, unseen by git. And files that survive a crash."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from fastwright.model.errors import Refused

FOLDER = ".fastwright"


def open_state(root: Path) -> Path:
    """The state folder of the project at `root`, made where it is missing: mode 0700.

    Raises:
        Refused: The tree cannot be written to, something else has that name, or a link is in it.
    """
    state = root / FOLDER
    try:
        if state.is_symlink() or (state.exists() and not state.is_dir()):
            raise Refused(
                f"cannot use `{state}`", "it is not an ordinary folder", "remove it and try again"
            )
        state.mkdir(mode=0o700, exist_ok=True)
        _refuse_links(state)
        if state.stat().st_mode & 0o077:
            state.chmod(0o700)
        ignore = state / ".gitignore"
        if not ignore.exists():
            write_durably(ignore, b"*\n")
    except OSError as error:
        raise unwritable(state, error) from error
    return state


def _refuse_links(state: Path) -> None:
    """We make no links here: one that a repository brings would have us write where it leads."""
    for place in state.iterdir():
        if place.is_symlink():
            raise Refused(
                f"cannot use `{place}`",
                "it is a symbolic link, which fastwright did not make",
                "remove it and try again",
            )


def unwritable(path: Path, error: OSError) -> Refused:
    """The refusal for a file or folder that the system does not let us write."""
    return Refused(
        f"cannot write `{path}`",
        error.strerror or str(error),
        "give yourself the right to write there, or work on a copy of the project",
    )


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path` such that a crash leaves the old file or the new one, whole."""
    beside = path.with_name(f".{path.name}.writing")
    stage(beside, content, mode)
    beside.replace(path)
    sync_folder(path.parent)


def stage(path: Path, content: bytes, mode: int) -> None:
    """Write a new file and wait until the disk has it; a file of that name is replaced."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in `folder`, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the project's lock: no second fastwright writes meanwhile.

    The kernel drops the lock when its holder dies, so that it is never stale.

    Raises:
        Refused: Another process holds it.
    """
    with (state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Refused(
                "cannot change the project now",
                f"another fastwright (process {holder}) is changing it",
                "wait until it has ended and try again",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
