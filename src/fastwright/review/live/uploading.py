"""Files that a client may send in place of one that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from fastwright.review.multipart import Part

if TYPE_CHECKING:
    from fastwright.review.live.stage import Stage

_LONGEST_NAME = 4_000
"""More than any file system takes."""

_NO_TEXT = b"\xff\xfe\x00\x80fw"


def odd_files(stage: Stage, part: Part) -> Iterator[tuple[str, Part]]:
    """What is odd about each, in the words of a finding, and the file.

    Every one is what a form permits: whatever is told of a file is the client's word.
    """
    text, (_, dot, ending) = stage.text(), (part.filename or "").rpartition(".")
    yield "an empty file", replace(part, content=b"")
    yield "bytes that are no text", replace(part, content=_NO_TEXT)
    yield "a file without a name", replace(part, filename="")
    yield "a file name without an ending", replace(part, filename=text)
    yield "a very long file name", replace(part, filename=f"{'x' * _LONGEST_NAME}{dot}{ending}")
    yield "a file name that climbs", replace(part, filename=f"../{text}{dot}{ending}")
    yield "a NUL character in a file name", replace(part, filename=f"fw\0right{dot}{ending}")
    yield "a file of another type", replace(part, kind="application/x-fastwright")
    yield "a file without a type", replace(part, kind="")
