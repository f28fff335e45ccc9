"""Three-way merge of text, by lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True, order=True)
class Hunk:
    """Lines `start` to `end` of the base are replaced by `lines`; equal numbers insert."""

    start: int
    end: int
    lines: tuple[bytes, ...]


def merge(base: bytes, mine: bytes, theirs: bytes) -> bytes | None:
    """`base` with the changes of both `mine` and `theirs`; ``None`` where they collide.

    Changes collide where they touch the same lines, or lines next to each other, differently:
    what is doubtful is left to a person.
    """
    lines = base.splitlines(keepends=True)
    merged: list[bytes] = []
    done = 0
    last: Hunk | None = None
    hunks = {*_hunks(lines, mine), *_hunks(lines, theirs)}
    for hunk in sorted(hunks):
        if last is not None and hunk.start <= last.end:
            return None
        merged += lines[done : hunk.start]
        merged += hunk.lines
        done, last = hunk.end, hunk
    return b"".join(merged + lines[done:])


def _hunks(base: list[bytes], text: bytes) -> Iterator[Hunk]:
    other = text.splitlines(keepends=True)
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag != "equal":
            yield Hunk(start, end, tuple(other[first:last]))
