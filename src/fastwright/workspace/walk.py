"""The files of a tree, as a person means it: without caches, environments and ignored files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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


def walk(
    root: Path, wanted: Callable[[str], bool]
) -> Iterator[tuple[PurePosixPath, os.DirEntry[str]]]:
    """Every `wanted` file (by name) of `root` that git would not ignore, in a stable order.

    Symbolic links to folders are not followed; links to files are yielded only where they lead to
    a file inside `root`. A folder that cannot be listed is passed over.
    """
    rules = Rules()
    excludes = root / ".git" / "info" / "exclude"
    if excludes.is_file():
        rules = rules.within(PurePosixPath(), excludes.read_text("utf-8", "replace"))
    yield from _walk(root, PurePosixPath(), _Search(root.resolve(), wanted), rules)


@dataclass(frozen=True, slots=True)
class _Search:
    root: Path
    wanted: Callable[[str], bool]

    def finds(self, entry: os.DirEntry[str]) -> bool:
        return self.wanted(entry.name) and _is_inside(entry, self.root)


def _walk(
    folder: Path, relative: PurePosixPath, search: _Search, rules: Rules
) -> Iterator[tuple[PurePosixPath, os.DirEntry[str]]]:
    entries = _entries(folder)
    if any(entry.name == ".gitignore" for entry in entries):
        rules = rules.within(relative, _text(folder / ".gitignore"))
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if not (_enters(entry) if is_folder else search.finds(entry)):
            continue
        path = relative / entry.name
        if rules.ignores(str(path), is_folder=is_folder):
            continue
        if is_folder:
            yield from _walk(folder / entry.name, path, search, rules)
        else:
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
