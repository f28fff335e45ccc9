"""Which text files of a tree matter to an app, and their bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.workspace.walk import Unread, walk

LARGEST = 1 << 20
"""Bytes above which a file is not read: larger text is generated, or no text that anyone wrote."""

LARGEST_LOCK = 16 << 20
"""The same for lock files, which are generated and read for their versions."""

_SUFFIXES = (
    ".py", ".pyi", ".toml", ".ini", ".cfg", ".conf", ".txt", ".in", ".md", ".rst", ".yml",
    ".yaml", ".sql", ".sh", ".mako", ".lock",
)  # fmt: skip
_NAMES = frozenset(
    {"Dockerfile", "Makefile", "Procfile", "Pipfile", "justfile", ".gitignore", ".flake8",
     ".coveragerc", ".python-version", ".dockerignore"}
)  # fmt: skip
_EXAMPLES = frozenset(
    {"example", "examples", "sample", "template", "tmpl", "dist", "default", "defaults", "test",
     "tests", "testing", "ci"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a tree: `files` as bytes, and what was left out, each with the reason."""

    files: Mapping[PurePosixPath, bytes]
    unread: tuple[Unread, ...] = ()


def is_env_file(name: str) -> bool:
    """True for a file of environment variables, real or an example."""
    return name.endswith(".env") or ".env." in name or name.startswith(".env-")


def is_real_env(name: str) -> bool:
    """True for an env file that holds a person's own values: neither an example nor for tests."""
    return is_env_file(name) and not _EXAMPLES.intersection(re.split(r"[._-]", name.lower()))


def matters(name: str) -> bool:
    """True where the text of a file of that name may say something about the app.

    A real env file is never read: nothing that maps or reports may see its values.
    """
    if is_env_file(name):
        return not is_real_env(name)
    return name.endswith(_SUFFIXES) or name in _NAMES


def read_tree(root: Path) -> Reading:
    """Every text file below `root` that matters; one that cannot be read is named, not fatal."""
    files: dict[PurePosixPath, bytes] = {}
    unread: list[Unread] = []
    for path, entry in walk(root, matters):
        content = _content(path, Path(entry.path))
        if isinstance(content, Unread):
            unread.append(content)
        else:
            files[path] = content
    return Reading(files, tuple(unread))


def _content(path: PurePosixPath, file: Path) -> bytes | Unread:
    largest = LARGEST_LOCK if path.suffix == ".lock" else LARGEST
    try:
        size = file.stat().st_size
        if size > largest:
            return Unread(path, f"{size:,} bytes, more than {largest:,}")
        content = file.read_bytes()
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Unread(path, f"not UTF-8 at byte {error.start}")
    except OSError as error:
        return Unread(path, error.strerror or str(error))
    return content
