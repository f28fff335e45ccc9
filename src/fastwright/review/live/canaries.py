"""Rows that belong to one user and can be told from all others, wherever they turn up."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.model.storage import Column, Table
from fastwright.review.attack import Target
from fastwright.review.attacks.probes import reading
from fastwright.review.live.people import People, User, as_stored
from fastwright.review.ownership import Ownership

_SONG = re.compile(
    r"^(title|name|text|body|content|description|note|notes|comment|message|summary|subject|label|"
    r"headline|remark|address|caption|bio|display_name|full_name|slug)$"
)
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Canary:
    """One row of `table`; `songs` are texts in it that stand nowhere else."""

    table: str
    row: Mapping[str, Any]
    songs: tuple[str, ...] = ()

    def is_heard(self, text: str) -> bool:
        """Whether something of the row is in `text`."""
        return any(song in text for song in self.songs)


@dataclass
class Canaries:
    """Puts canary rows into the database of one live app and finds them again."""

    target: Target
    app: AppMap
    people: People
    refused: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def of(self, table: Table, owner: User, depth: int = 0) -> Canary | None:
        """A new row of `table` that is `owner`'s, with owned rows above it; None if refused."""
        if table.name in self.refused:
            return None
        number = next(self._numbers)
        values: dict[str, object] = {}
        songs: list[str] = []
        for column in table.columns:
            value = self._value(column, owner, depth)
            if value is None and _sings(column):
                value = f"fwcanary{number}{column.name}"[: column.length or 60]
                songs.append(str(value))
            if value is not None:
                values[column.name] = value
        try:
            row = self.target.seed(table.name, **values)
        except FastwrightError as error:
            self.refused[table.name] = error.because
            return None
        keys = [str(row.get(c.name)) for c in table.columns if c.primary_key]
        songs += [key for key in keys if len(key) > 20]  # a UUID stands for nothing else
        return Canary(table.name, row, tuple(songs))

    def _value(self, column: Column, owner: User, depth: int) -> object:
        """What says whose the row is, and the key of an owned row above it."""
        people, key = self.people.table, self.people.key
        if people is not None and key is not None and _target(column) == people.name:
            return as_stored(owner.row.get(key))
        profile = self._profile(column, owner)
        if profile is not None:
            return profile
        parent = self._parent(column)
        if parent is None or column.nullable or depth >= _DEEPEST:
            return None
        canary = self.of(parent, owner, depth + 1)
        return canary.row.get((column.foreign_key or "").rpartition(".")[2]) if canary else None

    def _profile(self, column: Column, owner: User) -> object:
        """The key of the one row that an account has in a table beside it (a profile)."""
        table = self.app.table(_target(column))
        people, key = self.people.table, self.people.key
        if table is None or people is None or key is None or table.name not in self._beside:
            return None
        pointing = next((c.name for c in table.columns if _target(c) == people.name), "")
        found = self.people.found(table.name, pointing, as_stored(owner.row.get(key)))
        return as_stored(found.get((column.foreign_key or "").rpartition(".")[2]))

    @cached_property
    def _beside(self) -> frozenset[str]:
        return Ownership(self.app).people

    def _parent(self, column: Column) -> Table | None:
        target = _target(column)
        return self.app.table(target) if target in self._owned else None

    @cached_property
    def _owned(self) -> frozenset[str]:
        return frozenset(Ownership(self.app).owned)

    def again(self, canary: Canary) -> Mapping[str, str | None] | None:
        """The row as it stands now; None where it is gone or cannot be found."""
        table = self.app.table(canary.table)
        keys = [c.name for c in table.columns if c.primary_key] if table else []
        if len(keys) != 1:
            return None
        try:
            found = self.people.probe(
                reading, table=canary.table, column=keys[0], value=canary.row[keys[0]]
            )
        except FastwrightError:
            return None
        return found if isinstance(found, dict) else None


def _target(column: Column) -> str:
    """The table that a column points at; empty for none."""
    return (column.foreign_key or "").rpartition(".")[0].rpartition(".")[2]


def _sings(column: Column) -> bool:
    """A column of free text whose value an answer would show."""
    is_text = column.type in (None, "str", "String", "Text", "Unicode", "UnicodeText", "VARCHAR")
    kind = (column.type or "").partition("(")[0]
    return (is_text or kind in ("String", "VARCHAR", "AutoString")) and bool(
        _SONG.match(column.attribute)
    )
