"""The indexes and unique constraints that SQL written as text makes.

No parser of a dialect: statements that make tables and indexes are found by their first words, and
read as far as their parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.storage import Index

_NAME = r"(?:\w+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\])"
_TABLE = rf"(?:only\s+)?(?:{_NAME}\s*\.\s*)?(?P<table>{_NAME})"
_MAKES_INDEX = re.compile(
    r"\bcreate\s+(?P<unique>unique\s+)?(?:(?:non)?clustered\s+)?index\s+(?:concurrently\s+)?"
    rf"(?:if\s+not\s+exists\s+)?(?:{_NAME}\s+)??on\s+{_TABLE}\s*(?:using\s+\w+\s*)?(?=\()",
    re.IGNORECASE,
)
_ADDS_KEY = re.compile(
    rf"\balter\s+table\s+(?:if\s+exists\s+)?{_TABLE}\s+add\s+(?:constraint\s+{_NAME}\s+)?"
    rf"(?:unique|primary)\s*(?:key|index)?\s*(?:{_NAME}\s*)??(?=\()",
    re.IGNORECASE,
)
_MAKES_TABLE = re.compile(
    rf"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?{_TABLE}\s*(?=\()", re.IGNORECASE
)
_KEY = re.compile(
    rf"\s*(?:constraint\s+{_NAME}\s+)?(?:(?P<unique>unique|primary)\s*(?:key|index)?|key|index)\s*"
    rf"(?:{_NAME}\s*)??(?=\()",
    re.IGNORECASE,
)
_UNIQUE_COLUMN = re.compile(
    rf"\s*(?P<column>{_NAME})\s.*\b(?:unique|primary\s+key)\b", re.IGNORECASE | re.DOTALL
)
_COLUMN = re.compile(rf"(?:\w+\s*\(\s*){{0,3}}(?P<column>{_NAME})")
_SIGN = re.compile(r"[(),]")
_LONGEST = 20_000
"""Bytes of the longest definition of a table that is read: quotes may leave one without an end."""


def indexes(text: str) -> Iterator[tuple[str, Index]]:
    """Each table that is given an index or a unique constraint, and that.

    A column within a call (``lower(email)``) counts as the column; what an index is partial to is
    not read.
    """
    lowered = text.lower()
    makes = "create" in lowered  # the patterns, for any case, are tried at every letter
    for made in _MAKES_INDEX.finditer(text) if makes else ():
        yield _bare(made["table"]), _index(text, made.end(), unique=bool(made["unique"]))
    for made in _ADDS_KEY.finditer(text) if "alter" in lowered else ():
        yield _bare(made["table"]), _index(text, made.end(), unique=True)
    for made in _MAKES_TABLE.finditer(text) if makes else ():
        for part in _parts(text, made.end()):
            found = _of_part(part)
            if found is not None:
                yield _bare(made["table"]), found


def column_of(written: str) -> str:
    """The column that an element of an index is about."""
    found = _COLUMN.match(written.strip())
    return _bare(found["column"]) if found is not None else ""


def _of_part(part: str) -> Index | None:
    """What one line of a table's definition makes: a key, or a column that is one."""
    key = _KEY.match(part)
    if key is not None:
        return _index(part, key.end(), unique=bool(key["unique"]))
    column = _UNIQUE_COLUMN.match(part)
    return Index(None, (_bare(column["column"]),), unique=True) if column is not None else None


def _index(text: str, at: int, *, unique: bool) -> Index:
    return Index(None, tuple(map(column_of, _parts(text, at))), unique=unique)


def _parts(text: str, at: int) -> Iterator[str]:
    """What the parentheses that open at `at` hold, parted at their own commas."""
    depth, begun = 0, at + 1
    for sign in _SIGN.finditer(text, at, at + _LONGEST):
        depth += (sign[0] == "(") - (sign[0] == ")")
        if (sign[0] == "," and depth == 1) or depth == 0:
            yield text[begun : sign.start()]
            begun = sign.end()
        if depth == 0:
            return


def _bare(name: str) -> str:
    return name.strip('"`[]')
