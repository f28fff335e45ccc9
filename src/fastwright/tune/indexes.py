"""Indexes that the traced predicates miss: candidates, and the change that adds one. Pure.

Whether one is worth it is measured on a large table; an estimate is off by far in either direction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.recipes.ensure.migration import ensure_index
from fastwright.tune import index_text
from fastwright.tune.seen import Visit

ROWS = 100_000
FASTER, WORTH = 3.0, 0.0005
"""How many times faster a statement must become, and how many seconds that must be."""
_OFTEN = 4
"""A statement that is sent more often has another fault, which is to be mended first."""
FEWER_PAGES, DEARER = 5.0, 1.5

_EQUALS = re.compile(r"\"?(\w+)\"?\.\"?(\w+)\"? (?:= (?:\?|%s|%\(|\$\d|:\w)|IN \()")
_SORTED = re.compile(r" ORDER BY ([^()]+?) LIMIT ")
_ITEM = re.compile(r"\"?(\w+)\"?\.\"?(\w+)\"?(?: (ASC|DESC))?")
_MOST_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column that statements compare or sort by, and that no index begins with.

    `sql` is one of those statements; `routes` send it. `then` are the columns that follow it in the
    index: compared ones come first, then those that a page is sorted by, where it `sorts`.
    """

    table: str
    column: str
    sql: str
    routes: tuple[str, ...]
    is_key: bool
    then: tuple[str, ...] = ()
    sorts: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All that the index orders by."""
        return (self.column, *self.then)

    @property
    def name(self) -> str:
        """As SQLAlchemy names the index of a column."""
        return f"ix_{self.table}_{'_'.join(self.columns)}"

    def __str__(self) -> str:
        return (
            f"`{self.table}.{self.column}`"
            if not self.then
            else (f"`{self.table}` ({', '.join(f'`{c}`' for c in self.columns)})")
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """One statement on a large table, without the index and with it.

    Attributes:
        rows: How many rows the table has.
        seconds: Before and after.
        pages: Read before and after; ``None`` where the database does not say.
        log: Bytes of log for each row that is inserted, before and after; ``None`` likewise.
        plans: The plan before and after, as text.
    """

    rows: int
    seconds: tuple[float, float]
    pages: tuple[int, int] | None
    log: tuple[float, float] | None
    plans: tuple[str, str]


def candidates(
    tables: Sequence[Mapping[str, Any]], visits: Mapping[str, Visit]
) -> tuple[Candidate, ...]:
    """What traced SELECTs compare with a value, or sort a page by, and no index begins with."""
    known = {table["name"]: table for table in tables if not table.get("schema")}
    found: dict[tuple[str, ...], Candidate] = {}
    for route, visit in visits.items():
        for group in (g for g in visit.groups if g.count <= _OFTEN):
            compared = tuple(_compared(group.sql))
            for table, column in compared:
                beside = {name for other, name in compared if other == table}
                if table in known and _is_bare(known[table], column, beside):
                    _add(found, _of(known[table], (column,), group.sql, route))
            table, columns = _paged(group.sql, compared)
            if table in known and _is_unsorted(known[table], columns):
                one = _of(known[table], _cut(known[table], columns), group.sql, route)
                _add(found, replace(one, sorts=True))
    return tuple(found.values())


def _of(table: Mapping[str, Any], columns: Sequence[str], sql: str, route: str) -> Candidate:
    is_key = _column(table, columns[0])["foreign_key"] is not None
    return Candidate(table["name"], columns[0], sql, (route,), is_key, tuple(columns[1:]))


def _add(found: dict[tuple[str, ...], Candidate], one: Candidate) -> None:
    """With the routes of those of the same columns that were found before."""
    old = found.get((one.table, *one.columns), one)
    routes = tuple(dict.fromkeys((*old.routes, *one.routes)))
    found[one.table, *one.columns] = replace(old, routes=routes, sorts=old.sorts or one.sorts)


def _paged(sql: str, compared: Sequence[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """The table whose rows come by the page, with what it compares and then sorts them by."""
    ordered = _SORTED.search(sql)
    items = [_ITEM.fullmatch(one.strip()) for one in ordered[1].split(",")] if ordered else []
    told = [item.groups("ASC") for item in items if item is not None]
    if len(told) < max(len(items), 1) or len({(t, way) for t, _, way in told}) != 1:
        return "", ()
    table = told[0][0]
    columns = (*(c for t, c in compared if t == table), *(c for _, c, _ in told))
    return table, tuple(dict.fromkeys(columns))[:_MOST_COLUMNS]


def _cut(table: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """Without what stands behind a column that no two rows share."""
    for at, name in enumerate(columns):
        if _is_alone(table, name):
            return tuple(columns[: at + 1])
    return tuple(columns)


def _is_unsorted(table: Mapping[str, Any], columns: Sequence[str]) -> bool:
    """All columns are the table's, and no index or key gives its rows in their order."""
    known = all(_column(table, name) for name in columns)
    wanted = list(_cut(table, columns))
    ordered = [list(index["columns"]) for index in table["indexes"]]
    ordered += [[c["name"]] for c in table["columns"] if c.get("index") or c.get("unique")]
    covered = any(names[: len(wanted)] == wanted for names in ordered)
    return bool(known and wanted and not covered and not _is_alone(table, wanted[0]))


def _is_alone(table: Mapping[str, Any], name: str) -> bool:
    keys = [c["name"] for c in table["columns"] if c["primary_key"]]
    return bool(_column(table, name).get("unique")) or keys == [name]


def _compared(sql: str) -> Iterator[tuple[str, str]]:
    if not sql.startswith("SELECT") or " WHERE " not in sql:
        return
    yield from _EQUALS.findall(sql.rpartition(" WHERE ")[2])


def _column(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((c for c in table["columns"] if c["name"] == name), {})
    return found


def _is_bare(table: Mapping[str, Any], name: str, beside: Collection[str]) -> bool:
    """No index begins with the column, nor with others that are compared `beside` it."""
    column = _column(table, name)
    keys = [c["name"] for c in table["columns"] if c["primary_key"]]
    ordered = [keys, *(index["columns"] for index in table["indexes"])]
    covered = column.get("index") or column.get("unique")
    covered = covered or any(
        name in names and set(names[: names.index(name)]) <= set(beside) for names in ordered
    )
    return bool(column) and not covered


def objections(candidate: Candidate, measured: Measured) -> Iterator[str]:
    """Why the index is not worth what it costs; nothing where it is."""
    before, after = measured.seconds
    if before < FASTER * after or before - after < WORTH:
        yield (
            f"{before * 1000:.2f} → {after * 1000:.2f} ms with {measured.rows} rows, which is less "
            f"than {FASTER:.0f} times faster or less than {WORTH * 1000:.1f} ms"
        )
    if measured.pages and measured.pages[0] < FEWER_PAGES * measured.pages[1]:
        yield f"{measured.pages[0]} → {measured.pages[1]} pages read"
    if measured.log and not candidate.is_key and measured.log[1] > DEARER * measured.log[0]:
        yield f"{measured.log[0]:.0f} → {measured.log[1]:.0f} bytes of log for each inserted row"


def gains(candidate: Candidate, measured: Measured) -> str:
    """What it brings and costs, in one sentence."""
    before, after = (seconds * 1000 for seconds in measured.seconds)
    text = f"{', '.join(candidate.routes)}: {before:.2f} → {after:.2f} ms for one statement"
    text += f" by {candidate} with {measured.rows} rows"
    if measured.pages:
        text += f", {measured.pages[0]} → {measured.pages[1]} pages read"
    if measured.log:
        text += f", {measured.log[0]:.0f} → {measured.log[1]:.0f} bytes of log an inserted row"
    return text


def changes(app: AppMap, candidate: Candidate, *, concurrently: bool) -> tuple[Change, ...]:
    """The index in the model and, where the app has Alembic, the revision that builds it.

    Nothing where the column's definition is not found: the next autogenerated revision would drop
    an index that the model does not have.

    Raises:
        Refused: There are several Alembic environments or several heads.
    """
    table = app.table(candidate.table)
    column = table.column(candidate.column) if table else None
    if table is None or column is None or table.model is None:
        return ()
    named = (candidate.name, candidate.columns)
    in_class = index_text.in_model(app, table.model, *named, column.attribute)
    if not in_class:
        return ()
    at = (candidate.table, candidate.columns)
    return (*in_class, *ensure_index(app, *at, concurrently=concurrently))
