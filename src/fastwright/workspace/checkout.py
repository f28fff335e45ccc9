"""A disposable copy of a project: what runs, runs there."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

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
    writing to the copy never reaches the original. Modes and symbolic links are kept as they are.

    Args:
        project: What is copied.
        into: Where to; it may not lie inside the project, except below ``.fastwright``.
        env_files: Real env files that the copy shall have, with the bytes to put there.
    """
    into.mkdir(parents=True, exist_ok=True)
    left_out: list[Unread] = []
    count = size = 0
    for path, entry in _everything(project.root, PurePosixPath()):
        target = into / path
        if entry.is_dir(follow_symlinks=False):
            target.mkdir(exist_ok=True)
            continue
        reason = _reason_to_leave(entry)
        if reason is not None:
            left_out.append(Unread(path, reason))
            continue
        count, size = count + 1, size + _copy_one(entry, target)
    for path, content in env_files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(content)
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


def _copy_one(entry: os.DirEntry[str], target: Path) -> int:
    """Copy one file or link; `shutil.copyfile` lets the kernel move the bytes."""
    if entry.is_symlink():
        target.symlink_to(Path(entry.path).readlink())
        return 0
    shutil.copyfile(entry.path, target)
    status = entry.stat(follow_symlinks=False)
    target.chmod(stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return status.st_size
