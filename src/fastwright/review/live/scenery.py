"""The rows and users that a call takes for granted, as lines of a test and as its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from fastwright.model.finding import Caller
from fastwright.model.storage import Column, Table
from fastwright.review.live.exchange import Exchange, Stand
from fastwright.review.live.stage import Stage
from fastwright.review.nesting import target_of

WHO = MappingProxyType({
    Caller.OWNER: "owner", Caller.OTHER_USER: "other", Caller.LOWER_ROLE: "lower",
})  # fmt: skip
_STAFF = MappingProxyType({"staff1": "owner", "staff2": "other"})
"""Whom those with a role play, where one is demanded."""


class Scenery:
    """What has to be there for one exchange to be sent again in a test.

    Attributes:
        path: The path, with expressions in braces for what the test makes.
        users: The names of those who are in it.
        rows: A line for each row, those above others first.
        key: What a query or body names, as an expression; empty where only the path names a row.
    """

    def __init__(self, stage: Stage, exchange: Exchange) -> None:
        self._stage = stage
        self._made: dict[str, Stand] = {}
        self.users: set[str] = set()
        self.rows = [self._row(name, stand) for name, stand in _named(stage, exchange)]
        self.path = self._of_people(self._of_rows(exchange), exchange)
        self.key = self._named_key(exchange) if exchange.place else ""
        if exchange.place[:1] == ("query",):
            asked = rf"([?&]{re.escape(exchange.place[1])}=)[^&]*"
            self.path = re.sub(asked, lambda found: f"{found[1]}{{{self.key}}}", self.path)

    def _row(self, name: str, stand: Stand) -> str:
        """The line that makes a row, below those that were made before."""
        table = self._stage.app.table(stand.table)
        keys = (
            {c.name for c in table.columns if c.primary_key and not c.foreign_key} if table else ()
        )
        told = {k: v for k, v in stand.row.items() if k not in keys and v is not None}
        columns = {c.name: c for c in table.columns} if table else {}
        values = ", ".join(f"{k!r}: {self._value(columns.get(k), v)}" for k, v in told.items())
        self._made[name] = stand
        if self._stage.user(Caller.OWNER) is None:  # nobody is known to the app
            return f'{name} = scene.row("{stand.table}", {{{values}}})'
        self.users.add(WHO[stand.caller])
        return f'{name} = scene.row("{stand.table}", {{{values}}}, {WHO[stand.caller]})'

    def _value(self, column: Column | None, value: Any) -> str:
        """A value as it is written, or the key of the row that it points at."""
        target = target_of(column) if column is not None else ""
        place = (column.foreign_key or "").rpartition(".")[2] if column is not None else ""
        for name, stand in reversed(self._made.items()):
            if target == stand.table and str(stand.row.get(place)) == str(value):
                return f"{name}['{place}']"
        return repr(value)

    def _named_key(self, exchange: Exchange) -> str:
        """The key of the row, or of the person, that a query or body names."""
        people = self._stage.people.table
        if people is not None and exchange.named == people.name:
            self.users.add(WHO[Caller.OWNER])
            return f"owner['row']['{self._stage.people.key}']"
        name = next(n for n, stand in reversed(self._made.items()) if stand.table == exchange.named)
        table = self._stage.app.table(exchange.named)
        return (
            f"{name}['{next(c.name for c in table.columns if c.primary_key) if table else 'id'}']"
        )

    def content(self, exchange: Exchange) -> str:
        """The body as an argument, with the key as that of the test's own row; empty for none."""
        if exchange.place[:1] != ("body",):
            return ""
        return f", json={_literal(exchange.json_sent(), exchange.place[1:], self.key)}"

    def kept(self, exchange: Exchange, forbidden: str) -> tuple[str, ...]:
        """That a row which a query or body names was neither shown nor touched."""
        if forbidden:
            return (f"assert {forbidden!r} not in answer.text",)
        if exchange.below:
            table = self._stage.app.table(exchange.below)
            columns = table.columns if table is not None else ()
            above = next(c for c in columns if target_of(c) == exchange.named)
            where = f'{{"{above.name}": {self.key}}}'
            return (f'assert scene.found("{exchange.below}", {where}) == {{}}',)
        name, key = self.key.split("[")
        return (f'assert scene.found("{exchange.named}", {{{key[:-1]}: {self.key}}}) == {name}',)

    def _of_rows(self, exchange: Exchange) -> str:
        """The path with the keys of rows as those of the test's own rows."""
        path, template = exchange.request.path, exchange.route.partition(" ")[2]
        for parameter, value in _filled(template, path):
            table = self._stage.table_of(parameter, template)
            for name, stand in reversed(self._made.items()):
                keys = [k for k in _keys(table) if str(stand.row.get(k)) == value]
                if table is not None and stand.table == table.name and keys:
                    path = _put(path, value, f"{{{name}['{keys[0]}']}}", once=True)
                    break
        return path

    def _of_people(self, path: str, exchange: Exchange) -> str:
        """The path with those whom it names as those of the test."""
        template = exchange.route.partition(" ")[2]
        people, key = self._stage.people.table, self._stage.people.key
        tables = [self._stage.table_of(n, template) for n in re.findall(r"{(\w+)", template)]
        is_row = people is not None and any(s.table == people.name for s in self._made.values())
        by_key = [key] if key and people in tables and not is_row else []
        for user in self._stage.company.everybody():
            name = _STAFF.get(user.name, user.name)
            for column in (*by_key, *self._stage.people.login_columns):
                value = user.row.get(column)
                told = _put(path, value, f"{{{name}['row']['{column}']}}") if value else path
                self.users |= {name} if told != path else set()
                path = told
        return path


def _literal(value: Any, way: tuple[str, ...], key: str) -> str:
    """JSON as Python writes it, with the expression `key` at the end of a way."""
    if not way:
        return f"[{key}]" if isinstance(value, list) else key
    rows = (f"{k!r}: {_literal(v, way[1:], key) if k == way[0] else repr(v)}"
            for k, v in value.items())  # fmt: skip
    return f"{{{', '.join(rows)}}}"


def _named(stage: Stage, exchange: Exchange) -> Iterator[tuple[str, Stand]]:
    """The rows of an exchange with names of their own, the row that it is about last."""
    known = [stand for stand in exchange.stands if stage.app.table(stand.table)]
    for number, stand in enumerate(known, 1):
        yield f"above_{number}", stand
    table = table_of_row(stage, exchange.row) if exchange.row else None
    if table is not None:
        yield "row", Stand(table, exchange.row)


def table_of_row(stage: Stage, row: Mapping[str, Any]) -> str | None:
    """The table that a row is of: the one with exactly its columns."""
    names = set(row)
    return next((t.name for t in stage.app.tables if {c.name for c in t.columns} == names), None)


def _keys(table: Table | None) -> list[str]:
    """The columns by which a path may name a row: its key, and what is unique beside it."""
    columns = table.columns if table is not None else ()
    return [c.name for c in sorted(columns, key=lambda c: not c.primary_key)
            if c.primary_key or c.unique]  # fmt: skip


def _filled(template: str, path: str) -> Iterator[tuple[str, str]]:
    """The parameters of a path with what they hold."""
    names = re.findall(r"\{(\w+)(?::\w+)?\}", template)
    parts = map(re.escape, re.split(r"\{\w+(?::\w+)?\}", template))
    found = re.match("(.+?)".join(parts) + r"(?:\?|$)", path)
    yield from zip(names, found.groups(), strict=True) if found else ()


def _put(path: str, value: str, place: str, *, once: bool = False) -> str:
    """The path with `place` where `value` is a whole segment of it."""
    segment = rf"(?<=/){re.escape(value)}(?=/|$|\?)"
    return re.sub(segment, lambda _: place, path, count=int(once))
