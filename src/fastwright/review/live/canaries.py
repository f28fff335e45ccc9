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
from fastwright.model.finding import Caller
from fastwright.model.storage import Column, Table
from fastwright.review.attack import Target
from fastwright.review.attacks.probes import reading
from fastwright.review.live.credentials import User, as_stored
from fastwright.review.live.exchange import Stand
from fastwright.review.live.people import People
from fastwright.review.nesting import target_of
from fastwright.review.ownership import Ownership

_SONG = re.compile(
    r"^(title|name|text|body|content|description|note|notes|comment|message|summary|subject|label|"
    r"headline|remark|address|caption|bio|display_name|full_name|slug)$"
)
_CHANGED = re.compile(r"^(updated|modified|changed|edited)(_at|_on|_date)?$")
_LONG_AGO = "2026-01-01T00:00:00"
"""When a row was changed last: apps write it with the row, though its column may be empty."""

_DEEPEST = 8
"""Rows above one another that are made for one row; further ones are the seed's own."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One row.

    Attributes:
        table: Its table, or the app's word for such rows where the table is not known.
        row: Its columns, or the fields that the app showed of it.
        songs: Texts in it that stand nowhere else.
        fills: What the parameters of a path hold that names it, where a route made it.
        reader: The operation that shows it, where it can be read by no table.
        above: The rows that it belongs to, by table.
    """

    table: str
    row: Mapping[str, Any]
    songs: tuple[str, ...] = ()
    fills: Mapping[str, Any] = field(default_factory=dict)
    reader: str = ""
    above: Mapping[str, Canary] = field(default_factory=dict)

    def stands(self, caller: Caller = Caller.OWNER) -> tuple[Stand, ...]:
        """The rows that it belongs to as `caller`'s, the outermost first."""
        return tuple(Stand(table, one.row, caller) for table, one in self.above.items())

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

    def of(
        self,
        table: Table,
        owner: User | None,
        above: Mapping[str, Canary] | None = None,
        depth: int = 0,
    ) -> Canary | None:
        """A new row of `table`, below rows of `above` or new ones; None if it is refused.

        It is `owner`'s, or nobody's in particular where there is none.
        """
        if table.name in self.refused:
            return None
        number, rows = next(self._numbers), dict(above or {})
        values: dict[str, object] = {}
        songs: list[str] = []
        for column in table.columns:
            value = self._value(column, owner, rows, depth)
            if value is None and _sings(column):
                value = f"fwcanary{number}{column.name}"[: column.length or 60]
                songs.append(str(value))
            if value is None and _CHANGED.match(column.attribute):
                value = _LONG_AGO
            if value is not None:
                values[column.name] = value
        try:
            row = self.target.seed(table.name, **values)
            self._join(table, row, owner)
        except FastwrightError as error:
            self.refused[table.name] = error.because
            return None
        keys = [str(row.get(c.name)) for c in table.columns if c.primary_key]
        songs += [key for key in keys if len(key) > 20]  # a UUID stands for nothing else
        return Canary(table.name, row, tuple(songs), above=rows)

    def _join(self, table: Table, row: Mapping[str, Any], owner: User | None) -> None:
        """Make `owner` a member of `row`, where a table beside it says who is."""
        people, key = self.people.table, self.people.key
        if people is None or key is None or owner is None or table.name in self._owned:
            return
        for beside in self.app.tables:
            pointing = {target_of(c): c for c in beside.columns if c.foreign_key}
            if {people.name, table.name} == pointing.keys() and only_joins(beside):
                theirs, its = pointing[people.name], pointing[table.name]
                place = (its.foreign_key or "").rpartition(".")[2]
                known = {theirs.name: as_stored(owner.row.get(key)), its.name: row.get(place)}
                self.target.seed(beside.name, **known)

    def _value(
        self, column: Column, owner: User | None, rows: dict[str, Canary], depth: int
    ) -> object:
        """What says whose the row is, and the key of the row above it."""
        people, key = self.people.table, self.people.key
        if people is not None and key is not None and target_of(column) == people.name:
            return as_stored(owner.row.get(key)) if owner is not None else None
        profile = self._profile(column, owner)
        if profile is not None:
            return profile
        parent = self.app.table(target_of(column))
        if parent is None:
            return None
        if parent.name not in rows and not column.nullable and depth < _DEEPEST:
            made = self.of(parent, owner, rows, depth + 1)
            rows |= {**made.above, parent.name: made} if made is not None else {}
        found = rows.get(parent.name)
        return found.row.get((column.foreign_key or "").rpartition(".")[2]) if found else None

    def _profile(self, column: Column, owner: User | None) -> object:
        """The key of the one row that an account has in a table beside it (a profile)."""
        table = self.app.table(target_of(column))
        people, key = self.people.table, self.people.key
        if table is None or people is None or key is None or owner is None:
            return None
        if table.name not in self._beside:
            return None
        pointing = next((c.name for c in table.columns if target_of(c) == people.name), "")
        found = self.people.found(table.name, pointing, as_stored(owner.row.get(key)))
        return as_stored(found.get((column.foreign_key or "").rpartition(".")[2]))

    @cached_property
    def _beside(self) -> frozenset[str]:
        return Ownership(self.app).people

    @cached_property
    def _owned(self) -> frozenset[str]:
        return frozenset(Ownership(self.app).owned)

    def again(self, canary: Canary) -> Mapping[str, str | None] | None:
        """The row as it stands now; None where it is gone or cannot be found."""
        table = self.app.table(canary.table)
        keys = [c.name for c in table.columns if c.primary_key] if table else []
        if not keys:
            return None
        try:
            found = self.people.probe(
                reading, table=canary.table, column=keys[0], value=canary.row[keys[0]]
            )
        except FastwrightError:
            return None
        return found if isinstance(found, dict) else None


def only_joins(table: Table) -> bool:
    """Nothing is in the table but which row belongs to whom, and in what way."""
    own = [c for c in table.columns if not c.foreign_key and not c.primary_key]
    return all(c.default is not None or c.nullable or "rel" in c.name for c in own)


def _sings(column: Column) -> bool:
    """A column of free text whose value an answer would show."""
    is_text = column.type in (None, "str", "String", "Text", "Unicode", "UnicodeText", "VARCHAR")
    kind = (column.type or "").partition("(")[0]
    return (is_text or kind in ("String", "VARCHAR", "AutoString")) and bool(
        _SONG.match(column.attribute)
    )
