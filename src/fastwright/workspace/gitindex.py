"""Which files git tracks, read from its index without starting git.

A tracked file belongs to the project even where an ignore file names it: ``lib/`` in a template's
``.gitignore`` does not make a committed ``app/lib/`` vanish.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_FIXED = 62
"""Bytes of an entry before its name: times, inode, mode, owner, size, SHA-1 and flags."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """The tracked files of a repository, and every folder that holds one, relative to its top."""

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()

    def has(self, path: str, *, is_folder: bool) -> bool:
        """True where `path` is tracked, or is a folder with something tracked in it."""
        return path in (self.folders if is_folder else self.files)


def git_folder(top: Path) -> Path | None:
    """The git folder of the repository whose top is `top`; of a worktree, its own."""
    entry = top / ".git"
    if entry.is_dir():
        return entry
    try:
        text = entry.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return top / text.removeprefix("gitdir:").strip() if text.startswith("gitdir:") else None


def read_index(folder: Path) -> Tracked:
    """The index of a git folder; nothing is tracked where it is missing or of an unknown form."""
    try:
        names = frozenset(_names((folder / "index").read_bytes()))
    except (OSError, ValueError, struct.error):
        return Tracked()
    holding = map(PurePosixPath, {name.rpartition("/")[0] for name in names})
    folders = {str(folder) for place in holding for folder in (place, *place.parents)}
    return Tracked(names, frozenset(folders))


def _names(content: bytes) -> Iterator[str]:
    signature, version, count = struct.unpack_from(">4sII", content)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError("not an index that is known here")
    offset, name = 12, b""
    for _ in range(count):
        start = offset
        (flags,) = struct.unpack_from(">H", content, offset + _FIXED - 2)
        offset += _FIXED + (2 if flags & 0x4000 else 0)
        kept = b""
        if version == 4:
            strip, offset = _number(content, offset)
            kept = name[: len(name) - strip]
        end = content.index(b"\0", offset)
        name = kept + content[offset:end]
        offset = end + 1 if version == 4 else start + (end - start + 8) // 8 * 8
        yield name.decode("utf-8", "surrogateescape")


def _number(content: bytes, offset: int) -> tuple[int, int]:
    """A number of git's variable width at `offset`, and the offset behind it."""
    value = content[offset] & 0x7F
    while content[offset] & 0x80:
        offset += 1
        value = (value + 1) << 7 | content[offset] & 0x7F
    return value, offset + 1
