"""Answers of a route that failed before, held against the rows that a direct query gives. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.storage import Table
from fastwright.tune.seen import Visit

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]


def doubts(
    app: AppMap, visit: Visit, entity: str, relationships: Sequence[str], rows: Rows
) -> Iterator[str]:
    """What of an answer is not what the tables hold, or cannot be checked; nothing where it is.

    Args:
        app: The map of the tree.
        visit: The answer.
        entity: The dotted class of the objects that it tells of.
        relationships: Dotted, those of `entity` that it shows.
        rows: All rows by table name, by column.
    """
    table = app.table(entity)
    items = _items(visit)
    key = _key(table)
    if table is None or not items or not key:
        yield f"{visit.route}: there are no rows in the answer to check"
        return
    if not relationships:
        yield f"{visit.route}: none of its relationships is known"
    by_key = {str(row[key]): row for row in rows.get(table.name, ())}
    for item in items:
        row = by_key.get(str(item.get(key)))
        if row is None:
            yield f"{visit.route}: an item has no key by which its row could be found"
            return
        for dotted in relationships:
            yield from _compared(app, visit, table, dotted, (item, row, rows))


def _compared(
    app: AppMap, visit: Visit, table: Table, dotted: str, known: tuple[Row, Row, Rows]
) -> Iterator[str]:
    item, row, rows = known
    name = dotted.rpartition(".")[2]
    known_one = next((r for r in table.relationships if r.name == name), None)
    child = app.table(known_one.target) if known_one and known_one.target else None
    if child is None or name not in item:
        yield f"{visit.route}: `{name}` is not in the answer under its own name"
        return
    wanted = list(_related(table, child, row, rows))
    told = item[name] if isinstance(item[name], list) else [item[name]] if item[name] else []
    shared = sorted({c.name for c in child.columns} & {k for one in told for k in one})
    if _plain(told, shared) != _plain(wanted, shared) or len(told) != len(wanted):
        yield f"{visit.route}: `{name}` is not what a direct query gives"


def _related(table: Table, child: Table, row: Row, rows: Rows) -> Iterator[Row]:
    """The rows of `child` that belong to `row`, by the foreign key on either side."""
    for column in child.columns:
        if (column.foreign_key or "").rpartition(".")[0] == table.name:
            own = row.get((column.foreign_key or "").rpartition(".")[2])
            yield from (one for one in rows.get(child.name, ()) if one[column.name] == own)
            return
    for column in table.columns:
        if (column.foreign_key or "").rpartition(".")[0] == child.name:
            theirs = (column.foreign_key or "").rpartition(".")[2]
            found = rows.get(child.name, ())
            yield from (one for one in found if one[theirs] == row.get(column.name))
            return


def _plain(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    return sorted(json.dumps([str(row.get(name)) for name in names]) for row in rows)


def _items(visit: Visit) -> list[dict[str, Any]]:
    try:
        told = json.loads(visit.body)
    except ValueError:
        return []
    if isinstance(told, dict):
        lists = [value for value in told.values() if isinstance(value, list)]
        listed = "id" not in told and len(lists) == 1
        told = lists[0] if listed else [told]
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _key(table: Table | None) -> str:
    keys = [c.name for c in table.columns if c.primary_key] if table else []
    return keys[0] if len(keys) == 1 else ""
