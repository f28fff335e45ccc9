"""What of a person's tree stands in the scratch world, beside what `checkout` copies."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fastwright.workspace import checkout
from fastwright.workspace.project import Project

SMALL_HISTORY = 20 << 20
"""Bytes of ``.git`` up to which the history goes along, for tests and builds that ask git."""


def copy(root: Path, into: Path) -> None:
    """Copy the tree at `root`, with its history where that is small."""
    checkout.copy(Project(root), into)
    history = root / ".git"
    if history.is_dir() and not history.is_symlink() and _is_small(history):
        shutil.copytree(history, into / ".git", ignore=_links, dirs_exist_ok=True)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if os.path.islink(os.path.join(folder, name))]


def _is_small(folder: Path) -> bool:
    return all(total <= SMALL_HISTORY for total in itertools.accumulate(_sizes(folder)))


def _sizes(folder: Path) -> Iterator[int]:
    for where, _, names in os.walk(folder):
        yield from (os.lstat(os.path.join(where, name)).st_size for name in names)


def environments(root: Path) -> tuple[Path, ...]:
    """Virtual environments inside the tree, down to its second level."""
    candidates = (*root.glob("*/pyvenv.cfg"), *root.glob("*/*/pyvenv.cfg"))
    return tuple(sorted(marker.parent for marker in candidates))
