"""Rows that the app's own routes make, for tables that nothing can be put into from outside."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fastwright.model.finding import Caller
from fastwright.review.live.canaries import Canary
from fastwright.review.live.credentials import as_stored
from fastwright.review.requests import Ready

if TYPE_CHECKING:
    from fastwright.review.live.stage import Stage

_KEYS = ("id", "uid", "uuid", "slug", "pk", "key", "name")
_DEEPEST = 3
WAYS = tuple(itertools.product((False, True), (False, True)))
"""Below rows that the app has made or we have put in, with what is optional or without."""


def created(stage: Stage, operation: str, making: tuple[str, ...] = ()) -> Canary | None:
    """A row of the owner's, made by the ``POST`` beside `operation`; None where that fails.

    The row is what the route answered; it is known by the last parameter of the path.
    `making` are the operations whose requests wait for this row. Rows above it are such as we put
    in; where the app does not take them, for it makes more than one row at a time, its own.
    """
    maker = _maker(stage, operation)
    if maker is None or maker in making or len(making) > _DEEPEST:
        return None
    for by_routes, full in stage.ways.get(maker, WAYS):
        request, fills = stage.filled(maker, (*making, maker), full=full, by_routes=by_routes)
        exchange = stage.send(Caller.OWNER, maker, request)
        if exchange.worked:
            stage.ways[maker] = ((by_routes, full),)
            break
    else:
        stage.ways[maker] = ()
        return None
    name = _parameter(operation)
    row = dict(reversed(list(flat(exchange.json()))))
    key = _key(row, name)
    if name and key is None:
        row = _stored(stage, operation, request)
        key = _key(row, name)
    if name and key is None:
        return None
    text = request.body.decode("utf-8", "replace")
    told = (v for v in row.values() if isinstance(v, str) and v in text)
    songs = tuple(v for v in told if stage.is_own_text(v))
    own = {name: key} if name else {}
    return Canary(_table(stage, operation), row, songs, {**fills, **own}, _reader(stage, operation))


def _key(row: Mapping[str, Any], parameter: str) -> int | str | None:
    found = (row[n] for n in _names(parameter) if isinstance(row.get(n), int | str))
    return next(found, None)


def _stored(stage: Stage, operation: str, request: Ready) -> dict[str, Any]:
    """The row that a request made, by a text of its own, where the answer does not tell of it."""
    table = stage.app.table(_table(stage, operation))
    try:
        sent = dict(flat(json.loads(request.body))) if request.body else {}
    except ValueError:
        sent = {}
    own = {k: v for k, v in sent.items() if isinstance(v, str) and stage.is_own_text(v)}
    for name, value in own.items():
        if table is not None and table.column(name) is not None:
            row = stage.people.found(table.name, name, value)
            return {k: as_stored(v) for k, v in row.items()}
    return {}


def flat(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The names and plain values of an answer, the outer ones before those inside."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return
    yield from ((k, v) for k, v in value.items() if not isinstance(v, dict | list))
    for inner in value.values():
        yield from flat(inner, depth + 1)


def _maker(stage: Stage, operation: str) -> str | None:
    """The operation that makes what the last parameter of `operation`, or its list, speaks of."""
    collection = _collection(operation)
    known = (f"{m} {p}" for m, p in stage.contract.operations() if m == "POST")
    return next((o for o in known if o.partition(" ")[2].rstrip("/") == collection), None)


def _reader(stage: Stage, operation: str) -> str:
    """The operation that shows one such row; empty for none."""
    collection = re.escape(_collection(operation))
    known = (f"{m} {p}" for m, p in stage.contract.operations() if m == "GET")
    return next((o for o in known if re.fullmatch(rf"GET {collection}/\{{[\w:]+\}}/?", o)), "")


def _collection(operation: str) -> str:
    """The path of all rows of the kind that an operation names one of."""
    path = operation.partition(" ")[2].rstrip("/")
    before, brace, _ = path.rpartition("/{")
    return before if brace else path


def _parameter(operation: str) -> str:
    found = re.findall(r"\{(\w+)(?::\w+)?\}", operation)
    return str(found[-1]) if found else ""


def _names(parameter: str) -> tuple[str, ...]:
    """Under which names an answer may hold what a parameter of a path wants."""
    ending = parameter.rpartition("_")[2]
    return tuple(dict.fromkeys((parameter, ending, *_KEYS)))


def _table(stage: Stage, operation: str) -> str:
    """The table of such rows, as far as its name tells; else the word that the path has for it."""
    path = operation.partition(" ")[2]
    name = _parameter(operation)
    table = stage.table_of(name, path) if name else None
    return table.name if table is not None else _collection(operation).rpartition("/")[2]


def texts(row: Mapping[str, Any]) -> dict[str, str | None]:
    """A row with each value as text, as rows of tables are told."""
    return {k: None if v is None else str(v) for k, v in row.items()}
