"""A disposable copy of a project: what runs, runs there."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from fastwright.workspace.fence import Fence
from fastwright.workspace.project import Project
from fastwright.workspace.reading import is_real_env
from fastwright.workspace.walk import NEVER_ENTERED, Unread, is_environment

LARGEST = 64 << 20
"""Bytes above which a file is left out of a copy: dumps, models, archives."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: how many files and bytes, and what was left out, each with the reason."""

    files: int
    bytes: int
    left_out: tuple[Unread, ...] = ()


def copy(
    project: Project,
    into: Path,
    *,
    env_files: Mapping[PurePosixPath, bytes] = MappingProxyType({}),
) -> Copied:
    """Copy the repository root into the folder `into`, which is made where it is missing.

    Files that git ignores are copied too, since apps import generated modules; environments,
    caches, ``.git``, real env files and files above `LARGEST` are not. Nothing is linked:
    writing to the copy never reaches the original. Modes are kept, and so are symbolic links that
    stay within the tree, as relative ones. A link out of it is not: an empty folder stands for a
    folder, so that an app may write there, and nothing for a file. Its content is no part of the
    project, and an app in the sandbox never saw it anyway.

    Args:
        project: What is copied.
        into: Where to; it may not lie inside the project, except below ``.fastwright``.
        env_files: Real env files that the copy shall have, with the bytes to put there.
    """
    into.mkdir(parents=True, exist_ok=True)
    left_out: list[Unread] = []
    count = size = 0
    root = project.root.resolve()
    for path, entry in _everything(root, PurePosixPath()):
        target = into / path
        leads_out = entry.is_symlink() and _inner(root, entry) is None
        if entry.is_dir(follow_symlinks=leads_out):
            target.mkdir(exist_ok=True)
            continue
        reason = "a symbolic link out of the tree" if leads_out else _reason_to_leave(entry)
        if reason is not None:
            left_out.append(Unread(path, reason))
            continue
        count, size = count + 1, size + _copy_one(root, entry, target)
    for path, content in env_files.items():
        Fence(into).write(path, content)
    return Copied(count, size, tuple(left_out))


def _everything(
    folder: Path, relative: PurePosixPath
) -> Iterator[tuple[PurePosixPath, os.DirEntry[str]]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in NEVER_ENTERED:
            continue
        if not entry.is_dir(follow_symlinks=False):
            yield relative / entry.name, entry
        elif not is_environment(Path(entry.path)) and os.access(entry.path, os.R_OK | os.X_OK):
            yield relative / entry.name, entry
            yield from _everything(folder / entry.name, relative / entry.name)


def _reason_to_leave(entry: os.DirEntry[str]) -> str | None:
    if is_real_env(entry.name):
        return "it holds a person's own values"
    if entry.is_symlink():
        return None
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return "not an ordinary file"
    if status.st_size > LARGEST:
        return f"{status.st_size:,} bytes, more than {LARGEST:,}"
    return None if os.access(entry.path, os.R_OK) else "may not be read"


def _inner(root: Path, entry: os.DirEntry[str]) -> str | None:
    """The text of the link `entry` in the copy; ``None`` where it leads out of `root`."""
    place = Path(entry.path)
    try:
        real, text = place.resolve(), place.readlink()
    except (OSError, RuntimeError):
        return None
    if not real.is_relative_to(root):
        return None
    as_written = Path(os.path.normpath(place.parent / text))
    if not text.is_absolute() and as_written.is_relative_to(root):
        return str(text)
    return os.path.relpath(real, place.parent)


def _copy_one(root: Path, entry: os.DirEntry[str], target: Path) -> int:
    """Copy one file or inner link; `shutil.copyfile` lets the kernel move the bytes."""
    if entry.is_symlink():
        target.symlink_to(_inner(root, entry) or "")
        return 0
    shutil.copyfile(entry.path, target)
    status = entry.stat(follow_symlinks=False)
    target.chmod(stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return status.st_size
