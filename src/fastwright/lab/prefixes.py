"""What must be seen of the machine for an interpreter to run with all of its packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fastwright.lab.sandbox import Mount
from fastwright.workspace.home import home

_MOST_LINKS = 40
_LARGEST_PTH = 1 << 16


def interpreter_mounts(python: Path) -> tuple[Mount, ...]:
    """Every folder that `python` needs, read-only, each at its own path.

    These are the prefixes along its chain of symbolic links, the one that a virtual environment
    names as its home, and the folders that editable installs point to.
    """
    prefixes = dict.fromkeys(_prefixes(python))
    for prefix in tuple(prefixes):
        prefixes |= dict.fromkeys(_home(prefix))
    editable = (folder for prefix in prefixes for folder in _pointed_to(prefix))
    needed = [place for place in dict.fromkeys((*prefixes, *editable)) if not _is_system(place)]
    outermost = [p for p in needed if not any(p != other and _below(p, other) for other in needed)]
    return tuple(Mount(str(place), str(place)) for place in outermost)


def _prefixes(python: Path) -> Iterator[Path]:
    link = Path.cwd() / python
    for _ in range(_MOST_LINKS):
        yield _prefix_of(link)
        if not link.is_symlink():
            break
        link = Path(os.path.normpath(link.parent / link.readlink()))
    yield Path(os.path.realpath(python)).parent.parent


def _prefix_of(link: Path) -> Path:
    """The prefix that `link` is an interpreter of; only its folder for a link in ``~/.local/bin``.

    A folder of links stands in a place that holds much besides, as a rule the person's own.
    """
    prefix = link.parent.parent
    is_prefix = (prefix / "pyvenv.cfg").exists() or any(prefix.glob("lib/python*"))
    return prefix if is_prefix else link.parent


def _home(prefix: Path) -> Iterator[Path]:
    """The installation that a virtual environment was made from, for one that copied its binary."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "home" and value.strip():
            yield _prefix_of(Path(value.strip()) / "python")
            yield Path(os.path.realpath(value.strip())).parent


def _pointed_to(prefix: Path) -> Iterator[Path]:
    for file in prefix.glob("lib/python3*/site-packages/*.pth"):
        if file.stat().st_size > _LARGEST_PTH:
            continue
        for line in file.read_text("utf-8", "replace").splitlines():
            place = Path(line.strip())
            if place.is_absolute() and place.is_dir():
                yield place


def _is_system(place: Path) -> bool:
    """There already, or never to be shown: what holds the home folder holds everything."""
    return _below(place, Path("/usr")) or _below(home(), place)


def _below(place: Path, other: Path) -> bool:
    return place.is_relative_to(other)
