"""The files of a tree, as a person means it: without caches, environments and ignored files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastwright.workspace.gitindex import Tracked, git_folder, read_index
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


Found = tuple[PurePosixPath, os.DirEntry[str]]
"""A file by its path relative to the root, with its entry."""


def walk(root: Path, wanted: Callable[[str], bool]) -> Iterator[Found]:
    """Every `wanted` file (by name) of `root` that git tracks or would not ignore, in order.

    Symbolic links to folders are not followed; links to files are yielded only where they lead to
    a file inside `root`. A folder that cannot be listed is passed over. Where `root` lies inside a
    repository, the ignore files above it count too, unless they ignore all of `root`.
    """
    search, rules, here = _outside(root, wanted)
    yield from _walk(root, here, search, rules)


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for; `above` is the root relative to the top of its repository."""

    root: Path
    wanted: Callable[[str], bool]
    above: PurePosixPath = PurePosixPath()
    tracked: Tracked = field(default_factory=Tracked)

    def enters(self, entry: os.DirEntry[str], *, is_folder: bool) -> bool:
        if is_folder:
            return entry.name not in NEVER_ENTERED and not is_environment(Path(entry.path))
        return self.wanted(entry.name) and _is_inside(entry, self.root)


def _outside(root: Path, wanted: Callable[[str], bool]) -> tuple[_Search, Rules, PurePosixPath]:
    """The rules of the enclosing repository that hold at `root`, and where in it `root` is."""
    real = root.resolve()
    top = next((f for f in (real, *real.parents) if (f / ".git").exists()), None)
    folder = git_folder(top) if top else None
    if top is None or folder is None:
        return _Search(real, wanted), Rules(), PurePosixPath()
    above = PurePosixPath(real.relative_to(top).as_posix())
    rules = Rules().within(PurePosixPath(), _text(folder / "info" / "exclude"))
    for part in reversed(above.parents):
        rules = rules.within(part, _text(top / part / ".gitignore"))
    ways = (*reversed(above.parents), above)[1:]
    if any(rules.ignores(str(way), is_folder=True) for way in ways):
        return _Search(real, wanted), Rules(), PurePosixPath()
    return _Search(real, wanted, above, read_index(folder)), rules, above


def _walk(
    folder: Path, here: PurePosixPath, search: _Search, rules: Rules | None
) -> Iterator[Found]:
    """`rules` is ``None`` below an ignored folder: nothing but what is tracked is there."""
    entries = _entries(folder)
    if rules is not None and any(entry.name == ".gitignore" for entry in entries):
        rules = rules.within(here, _text(folder / ".gitignore"))
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        path = here / entry.name
        if not search.enters(entry, is_folder=is_folder):
            continue
        is_ignored = rules is None or rules.ignores(str(path), is_folder=is_folder)
        if is_ignored and not search.tracked.has(str(path), is_folder=is_folder):
            continue
        if is_folder:
            yield from _walk(folder / entry.name, path, search, None if is_ignored else rules)
        else:
            yield path.relative_to(search.above), entry


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


def _is_inside(entry: os.DirEntry[str], root: Path) -> bool:
    if not entry.is_symlink():
        return entry.is_file()
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_relative_to(root) and target.is_file()
