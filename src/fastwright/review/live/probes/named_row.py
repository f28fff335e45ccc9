"""Is it asked whose a row is that a query or a body names, or whose rows are below it?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastwright.model.finding import Caller
from fastwright.model.storage import Table
from fastwright.review.live.canaries import Canary, only_joins
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.judging import SEEN, closed_tables
from fastwright.review.live.matrix import Cell, Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.nesting import PEOPLE, is_row_of, table_named, target_of
from fastwright.review.requests import Ready

_KEY = re.compile(r"(?:^|_)(id|uuid|uid|pk)s?$")
_OF_ONES_OWN = re.compile(r"^(parent|from|source|src|current|db)_")
_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class _Place:
    """A parameter of the query or a field of the body that names a row: its way, and the table."""

    way: tuple[str, ...]
    table: Table
    many: bool


def named_row(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Name rows of the owner's in queries and bodies, as the other user.

    Only such are named that the other user is turned away from at their own address, or that are
    below one of those: that is what shows that they are not theirs.
    """
    closed = closed_tables(stage, grid)
    known = {stage.people.login, *stage.people.entrances.sign_ups}
    for operation in stage.routes:
        cell = grid.rows.get(operation, {}).get(Caller.OTHER_USER)
        if cell is None or cell.exchange.status in _REFUSED or operation in known:
            continue
        for place in _places(stage, operation, closed):
            found = None if stage.is_over else _tried(stage, operation, place, closed)
            if found is not None:
                yield found
                break


def _places(stage: Stage, operation: str, closed: frozenset[str]) -> Iterator[_Place]:
    method, _, path = operation.partition(" ")
    told = stage.contract.parameters(method, path)
    asked = (p for p in told if p["in"] in ("query", "path"))
    query = (((str(p["in"]), str(p["name"])), p.get("schema", {})) for p in asked)
    body = ((("body", *way), schema) for way, schema in stage.contract.fields(method, path))
    for way, schema in (*query, *body):
        table = _table(stage, way[-1], path)
        kind = stage.contract.chosen(schema).get("type")
        if table is None or kind not in ("integer", "string", "array"):
            continue
        is_below = any(target_of(column) in closed for column in table.columns)
        is_person = table == stage.people.table and method == "GET"
        if table.name in closed or is_below or is_person:
            yield _Place(way, table, kind == "array")


def _table(stage: Stage, name: str, path: str) -> Table | None:
    """The table whose row ``project_id`` names, or ``ids`` after ``/projects``."""
    found = _KEY.search(name)
    if found is None:
        return None
    if found.start():
        stem = _OF_ONES_OWN.sub("", name[: found.start()])
        table = stage.table_of(f"{stem}_{found[1]}", path)
        # `to_account_id` may well name somebody else's.
        is_it = table is not None and (is_row_of(table, stem) or stem in PEOPLE)
        return table if is_it else None
    segments = (part.replace("-", "_") for part in reversed(path.split("/")) if "{" not in part)
    return next((t for s in segments if s and (t := table_named(stage.app, s))), None)


def _tried(stage: Stage, operation: str, place: _Place, closed: frozenset[str]) -> Proof | None:
    """What the other user's call proves that names a row of the owner's at `place`."""
    reads = operation.startswith("GET")
    key, rows = _of_owner(stage, place.table, closed, reads)
    if key is None or not rows or stage.again(rows[0]) is None:
        return None
    before = {*_tables_below(stage, place.table, rows[0])}
    exchange = _sent(stage, operation, place, rows[0], key)
    if exchange is None:
        return None
    after = before if reads else {*_tables_below(stage, place.table, rows[0])}
    return _proven(stage, place, rows, exchange, min(after - before, default=""))


def _of_owner(
    stage: Stage, table: Table, closed: frozenset[str], reads: bool
) -> tuple[object, list[Canary]]:
    """A key of the owner's, and new rows that it names: the first is its own, if not a person's."""
    owner, people = stage.user(Caller.OWNER), stage.people
    if table == people.table:
        made = (stage.canaries.of(t, owner) for t in stage.app.tables if t.name in closed)
        return (owner.row.get(people.key or "") if owner else None), [r for r in made if r]
    row = stage.canaries.of(table, owner)
    if row is None:
        return None, []
    below = _below(stage, row, table) if reads else ()
    return row.row.get(_key_of(table)), [row, *(r for r in below if r)]


def _proven(
    stage: Stage, place: _Place, rows: list[Canary], exchange: Exchange, added: str
) -> Proof | None:
    """What a call that worked has shown of the owner's rows, or done to the first of them."""
    if exchange.method == "GET":
        heard = next((row for row in rows if row.is_heard(exchange.text)), None)
        return _proof(place, heard, exchange, "reads") if heard else None
    cell = Cell(exchange, rows[0], stage.again(rows[0]))
    if cell.after is None or cell.altered:
        return _proof(place, rows[0], exchange, "deletes" if cell.after is None else "changes")
    return _proof(place, rows[0], exchange, "", added) if added else None


def _tables_below(stage: Stage, table: Table, row: Canary) -> Iterator[str]:
    """The tables with rows below `row`, those aside that only say who belongs to it."""
    for other in stage.app.tables:
        for column in other.columns if not only_joins(other) else ():
            if target_of(column) == table.name:
                key = row.row.get((column.foreign_key or "").rpartition(".")[2])
                if stage.people.found(other.name, column.name, key):
                    yield other.name


def _below(stage: Stage, row: Canary, table: Table) -> Iterator[Canary | None]:
    """A row of each table below a row."""
    for other in stage.app.tables:
        if any(target_of(column) == table.name for column in other.columns):
            above = {**row.above, table.name: row}
            yield stage.canaries.of(other, stage.user(Caller.OWNER), above)


def _sent(
    stage: Stage, operation: str, place: _Place, row: Canary, key: object
) -> Exchange | None:  # fmt: skip
    """The call that works and names a row, with what is optional or without; None for neither."""
    named = row if place.way[0] == "path" else None
    for full in (True, False):
        plain = stage.ready(operation, stage.user(Caller.OTHER_USER), named, full=full)
        request = _with(plain, place, key)
        if request is None:
            continue
        exchange = stage.send(Caller.OTHER_USER, operation, request)
        if exchange.worked:
            return exchange
    return None


def _with(request: Ready, place: _Place, key: object) -> Ready | None:
    """The request with `key` at a place; None where its body has no such place."""
    if place.way[0] == "path":
        return request
    value = [key] if place.many else key
    if place.way[0] == "query":
        path, _, query = request.path.partition("?")
        kept = [(n, v) for n, v in parse_qsl(query) if n != place.way[1]]
        told = urlencode([*kept, (place.way[1], str(key))])
        return replace(request, path=f"{path}?{told}")
    try:
        whole: Any = json.loads(request.body)
    except ValueError:
        return None
    return replace(request, body=json.dumps(_put(whole, place.way[1:], value)).encode())


def _put(whole: Any, way: tuple[str, ...], value: object) -> Any:
    if not way:
        return value
    inner: Mapping[str, Any] = whole if isinstance(whole, dict) else {}
    return {**inner, way[0]: _put(inner.get(way[0]), way[1:], value)}


def _key_of(table: Table) -> str:
    return next((c.name for c in table.columns if c.primary_key), "")


def _proof(
    place: _Place, row: Canary, exchange: Exchange, verb: str, added: str = ""
) -> Proof:  # fmt: skip
    name, operation = ".".join(place.way[1:]), exchange.route
    below = f"puts a row of `{added}` below" if added else verb
    message = f"`{operation}` {below} a row of `{row.table}` that is another user's, by `{name}`"
    seen = SEEN.get(verb, f"a row of `{added}` is below the owner's")
    shown = replace(exchange, row=row.row, stands=row.stands(), place=place.way,
                    named=place.table.name, below=added)  # fmt: skip
    song = row.songs[0] if verb == "reads" else ""
    return Proof("missing-owner-filter", operation, message, ((shown, seen),), forbidden=song)
