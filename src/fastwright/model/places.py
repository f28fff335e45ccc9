"""Where things are: files by path relative to the repository, text by byte offset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A run of bytes in one file.

    Attributes:
        path: The file, relative to the repository root.
        start: Offset of the first byte, counted from 0.
        end: Offset after the last byte; equal to ``start`` for a place between two bytes.
    """

    path: PurePosixPath
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.path}@{self.start}"

    def text(self, content: bytes) -> str:
        """The bytes of the span in `content`, decoded as UTF-8."""
        return content[self.start : self.end].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A line and a column as people and editors count them, both from 1.

    Columns count characters, not bytes. Only for display: nothing is computed from a position.
    """

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


def position(content: bytes, offset: int) -> Position:
    """The position of byte `offset` in `content`."""
    before = content[:offset]
    line_start = before.rfind(b"\n") + 1
    column = len(before[line_start:].decode("utf-8", "replace")) + 1
    return Position(before.count(b"\n") + 1, column)
