"""The files of a tree, as a person means it: without caches, environments and ignored files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.workspace.ignore import Rules

NEVER_ENTERED = frozenset(
    {
        ".fastwright", ".git", ".hg", ".svn", ".venv", "__pycache__", "__pypackages__",
        "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".nox", ".tox",
        ".hypothesis", ".eggs", ".idea", ".direnv", "site-packages",
    }
)  # fmt: skip
"""Folders that hold nothing a person wrote; no copy and no map has them."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was left out, and why."""

    path: PurePosixPath
    because: str


def is_environment(folder: Path) -> bool:
    """True for the folder of a virtual or conda environment, whatever its name."""
    return (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir()


def walk(root: Path) -> Iterator[tuple[PurePosixPath, os.DirEntry[str]]]:
    """Every file of `root` that git would not ignore, by relative path, in a stable order.

    Symbolic links to folders are not followed; links to files are yielded only where they lead to
    a file inside `root`. A folder that cannot be listed is passed over.
    """
    rules = Rules()
    excludes = root / ".git" / "info" / "exclude"
    if excludes.is_file():
        rules = rules.within(PurePosixPath(), excludes.read_text("utf-8", "replace"))
    yield from _walk(root, PurePosixPath(), root.resolve(), rules)


def _walk(
    folder: Path, relative: PurePosixPath, root: Path, rules: Rules
) -> Iterator[tuple[PurePosixPath, os.DirEntry[str]]]:
    entries = _entries(folder)
    if any(entry.name == ".gitignore" for entry in entries):
        rules = rules.within(relative, _text(folder / ".gitignore"))
    for entry in entries:
        path = relative / entry.name
        if entry.is_dir(follow_symlinks=False):
            if _enters(entry) and not rules.ignores(str(path), is_folder=True):
                yield from _walk(folder / entry.name, path, root, rules)
        elif _is_inside(entry, root) and not rules.ignores(str(path), is_folder=False):
            yield path, entry


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _enters(entry: os.DirEntry[str]) -> bool:
    return entry.name not in NEVER_ENTERED and not is_environment(Path(entry.path))


def _is_inside(entry: os.DirEntry[str], root: Path) -> bool:
    if not entry.is_symlink():
        return entry.is_file()
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_relative_to(root) and target.is_file()
