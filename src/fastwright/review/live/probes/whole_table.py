"""Does a list hand out every row, and a page as many as are asked for?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from fastwright.model.finding import Caller
from fastwright.review.attacks.probes import multiplying
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

ROWS = 130
"""Rows that a table is filled up to: more than a page holds by any custom."""

MOST = 6
"""Tables that are filled."""

_LIMIT = re.compile(r"^(limit|page_?size|per_?page|size|count|take|first)$", re.IGNORECASE)


def whole_table(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Fill the tables that lists are of, call each list, and count what comes."""
    filled: set[str] = set()
    for operation, cells in grid.rows.items():
        cell = cells.get(Caller.OWNER)
        named = cell is not None and cell.canary is not None and cell.exchange.worked
        if not operation.startswith("GET") or "{" in operation or not named or stage.is_over:
            continue
        assert cell is not None
        assert cell.canary is not None
        if not _longest(cell.exchange.json()):
            continue
        if cell.canary.table not in filled and len(filled) < MOST:
            _fill(stage, cell.canary.table)
            filled.add(cell.canary.table)
        yield from _counted(stage, operation, cell.canary.row)


def _fill(stage: Stage, name: str) -> None:
    table, owner = stage.app.table(name), stage.user(Caller.OWNER)
    keys = [c.name for c in table.columns if c.primary_key] if table else []
    canary = stage.canaries.of(table, owner) if table is not None and owner is not None else None
    if canary is not None and len(keys) == 1:
        key = canary.row[keys[0]]
        stage.people.probe(multiplying, table=name, column=keys[0], value=key, count=ROWS)


def _counted(stage: Stage, operation: str, row: Mapping[str, Any]) -> Iterator[Proof]:
    """What the list proves; `row` is one like those that it is of."""
    method, _, path = operation.partition(" ")
    request = stage.ready(operation, stage.user(Caller.OWNER, operation))
    plain = stage.send(Caller.OWNER, operation, request, row=row)
    count = _longest(plain.json())
    if plain.worked and count >= ROWS:
        message = f"`{operation}` answers with every row"
        yield Proof("unbounded-list", operation, message, ((plain, f"{count} rows came"),))
        return
    names = [p["name"] for p in stage.contract.parameters(method, path) if p["in"] == "query"]
    for name in filter(_LIMIT.match, names):
        bare = request.path.partition("?")[0]
        asked = type(request)(f"{bare}?{urlencode({name: 100000})}", request.headers, b"")
        exchange: Exchange = stage.send(Caller.OWNER, operation, asked, row=row)
        got = _longest(exchange.json())
        if exchange.worked and got >= ROWS > count:
            message = f"`{operation}` answers with as many rows as `{name}` asks for"
            shown = ((exchange, f"{got} rows came, without it {count}"),)
            yield Proof("unlimited-page-size", operation, message, shown)


def _longest(value: Any) -> int:
    """The length of the longest list of objects in an answer, two levels deep."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, dict):
        return max((len(v) for v in value.values() if isinstance(v, list)), default=0)
    return 0
