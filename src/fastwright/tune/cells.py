"""Rows for a test, as Python text: one expression a column, in which ``i`` is the row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a row: its expression in ``i``, and its value where ``i`` is 1."""

    name: str
    text: str
    first: Any

    def at(self, row: str) -> str:
        """The expression with another one for the number of the row."""
        if self.text.startswith('f"'):
            plain = self.text[1:].replace("{i}", row)
            return plain if row.isdecimal() else self.text.replace("{i}", f"{{{row}}}")
        return re.sub(r"\bi\b", row, self.text)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table.

    `both_ways` are the two keys of a table that joins two others: in a second lot they change
    places.
    """

    table: str
    cells: tuple[Cell, ...]
    both_ways: tuple[str, ...] = ()


class CannotWrite(Exception):
    """No rows can be written; the text says for which column."""


def rows_of(
    tables: Sequence[Told], wanted: frozenset[str], *, full: bool = False
) -> tuple[Rows, ...]:
    """Rows for the `wanted` tables and for all that they must point to, parents first.

    Args:
        tables: As the running app describes them, parents first.
        wanted: Names of tables.
        full: Fill what may be empty as well, for an answer that cannot be made without.

    Raises:
        CannotWrite: A column must have a value, and none can be made up.
    """
    by_name = {table["name"]: table for table in tables}
    needed = set(wanted) & by_name.keys()
    while True:
        more = {p for name in needed for p in _parents(by_name[name])} & by_name.keys() - needed
        if not more:
            break
        needed |= more
    made: dict[str, Rows] = {}
    for table in tables:
        if table["name"] in needed:
            made[table["name"]] = _rows(table, made, full=full)
    return tuple(made.values())


def _parents(table: Told) -> Iterator[str]:
    for column in table["columns"]:
        if column["foreign_key"]:
            yield column["foreign_key"].rpartition(".")[0]


def _rows(table: Told, made: Mapping[str, Rows], *, full: bool) -> Rows:
    if table.get("schema"):
        raise CannotWrite(f"`{table['name']}` lies in a schema, which SQLite does not have")
    keys = [c for c in table["columns"] if c["primary_key"]]
    joins = len(keys) == 2 and all(c["foreign_key"] for c in keys)
    cells = tuple(filter(None, (_cell(table, c, made, full=full) for c in table["columns"])))
    return Rows(table["name"], cells, tuple(c["name"] for c in keys) if joins else ())


def _cell(table: Told, column: Told, made: Mapping[str, Rows], *, full: bool) -> Cell | None:
    """The cell of a column; None where the database or the model gives it its value."""
    name = column["name"]
    kind = (column["type"] or "").partition("(")[0].lower()
    if column["foreign_key"]:
        return _pointing(table, column, made)
    left = column["default"] is not None or (column["nullable"] and not full)
    if left and not column["primary_key"]:
        return _text(name, column) if _is_spoken(name, kind) else None
    for known, text, first in _KINDS:
        if re.search(known, kind):
            return Cell(name, text, first)
    if re.search(r"str|text|char|varchar", kind):
        return _text(name, column)
    raise CannotWrite(f"`{table['name']}.{name}` is a {column['type']}, for which none is known")


_KINDS = (
    (r"int|serial", "i", 1),
    (r"bool", "True", True),
    (r"float|numeric|decimal|double", "1", 1),
    (r"datetime|timestamp", 'datetime.fromisoformat("2026-01-01T00:00:00+00:00")', None),
    (r"^date$", "date(2026, 1, 1)", None),
    (r"uuid|guid", "UUID(int=i)", "00000000-0000-0000-0000-000000000001"),
    (r"json", "{}", None),
)


def _is_spoken(name: str, kind: str) -> bool:
    return bool(re.search(r"str|text|char", kind)) and bool(re.search(r"slug|username", name))


def _text(name: str, column: Told) -> Cell:
    template = "user{i}@example.com" if "mail" in name else f"{name}-{{i}}"
    length = column.get("length") or 1000
    if len(template.format(i=99)) > length:
        template = "{i}"
    return Cell(name, f'f"{template}"', template.format(i=1))


def _pointing(table: Told, column: Told, made: Mapping[str, Rows]) -> Cell | None:
    """Every other row belongs to row 1, the others to one each; an own kind to nobody."""
    parent, _, key = column["foreign_key"].rpartition(".")
    own = parent == table["name"]
    if own and column["nullable"]:
        return None
    cells = made[parent].cells if parent in made else ()
    pointed = next((cell for cell in cells if cell.name == key), None)
    if pointed is None and not own:
        raise CannotWrite(f"`{table['name']}.{column['name']}` points to `{parent}.{key}`")
    found = replace(pointed or Cell(key, "i", 1), name=column["name"])
    if column["primary_key"] or column["unique"]:
        return found
    return replace(found, text=found.at("1 if i % 2 else i"))
