"""What of a person's tree goes into the disposable copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NOT_COPIED = frozenset(
    {
        ".fastwright",
        ".hypothesis",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        "__pycache__",
        "node_modules",
    }
)
SMALL_HISTORY = 20 << 20
"""Bytes of ``.git`` up to which the history goes along, for tests and builds that ask git."""


def copy(root: Path, into: Path) -> None:
    """Copy the tree at `root`, without environments, caches and a large history."""
    into.mkdir(parents=True, exist_ok=True)
    with os.scandir(root) as entries:
        for entry in entries:
            if not _left_out(entry):
                _copy_entry(entry, into / entry.name)


def _left_out(entry: os.DirEntry[str]) -> bool:
    if entry.name in NOT_COPIED:
        return True
    if not entry.is_dir(follow_symlinks=False):
        return False
    is_environment = os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
    return is_environment or (entry.name == ".git" and _size(Path(entry.path)) > SMALL_HISTORY)


def _copy_entry(entry: os.DirEntry[str], to: Path) -> None:
    if entry.is_dir(follow_symlinks=False):
        copy(Path(entry.path), to)
    elif entry.is_symlink():
        to.symlink_to(os.readlink(entry.path))
    elif entry.is_file():
        shutil.copy2(entry.path, to)


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*"))


def environments(root: Path) -> tuple[Path, ...]:
    """Virtual environments inside the tree, down to its second level."""
    candidates = (*root.glob("*/pyvenv.cfg"), *root.glob("*/*/pyvenv.cfg"))
    return tuple(sorted(marker.parent for marker in candidates))
