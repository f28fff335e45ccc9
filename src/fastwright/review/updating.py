"""Which bodies of requests are written over rows that were there before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route, Schema
from fastwright.model.code import Block, Call, Function
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.course import around
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.review.rows import bindings_at, rows_of
from fastwright.review.storing import Stored, bodies, typed

_DUMP = re.compile(r"\(*(\w+)\.(?:model_dump|dict)\((.*)\)\)*$", re.DOTALL)
_ENCODED = re.compile(r"jsonable_encoder\(\s*(?:obj\s*=\s*)?(\w+)\s*(?:,(.*))?\)$", re.DOTALL)
_SET = re.compile(
    r"(?m)^[ \t]*(?P<row>\w+)\.(?P<column>\w+)[ \t]*=[ \t]*(?P<body>\w+)\.(?P<field>\w+)[ \t]*$"
)
_FEW = 3
"""Names over which a dump is followed back to its body."""


@dataclass(frozen=True, slots=True)
class Updated:
    """A body `schema` of which `function` writes every field over a row of `table`.

    `words` are the arguments of its dump, as written.
    """

    route: Route
    schema: Schema
    table: Table
    function: Function
    at: Span
    words: str


@once
def updated(app: AppMap) -> tuple[Updated, ...]:
    """Every body that is written over a row, each pair of schema and table once."""
    found: dict[tuple[str, str], Updated] = {}
    for ran in reach(app).ran():
        text = app.files[ran.function.span.path]
        if b"setattr(" not in text and b".sqlmodel_update(" not in text:
            continue
        for one in _in_function(app, ran.function):
            found.setdefault((one.schema.name, one.table.name), one)
    return tuple(found.values())


@once
def assigned(app: AppMap) -> tuple[Stored, ...]:
    """Every field of a body that is set on a row as it came: ``row.state = body.state``."""
    return tuple(one for ran in reach(app).ran() for one in _set(app, ran.function))


def _set(app: AppMap, function: Function) -> Iterator[Stored]:
    text = app.text(function.span)
    given = _schemas(app, function) if _SET.search(text) else {}
    for hit in _SET.finditer(text) if given else ():
        start = function.span.start + len(text[: hit.start("row")].encode())
        schema = given.get(hit["body"])
        held = rows_of(app).held(function, hit["row"], start) if schema is not None else None
        column = held.table.column(hit["column"]) if held is not None else None
        if schema is None or held is None or column is None:
            continue
        at = Span(function.span.path, start, start + len(hit[0].strip().encode()))
        for field in schema.fields:
            if field.name == hit["field"]:
                route = bodies(app)[schema.name]
                yield Stored(route, schema, field, held.table, column, at, whole=False)


def _in_function(app: AppMap, function: Function) -> Iterator[Updated]:
    for call in reach(app).calls_in(function):
        row, source = _written(function, call)
        held = rows_of(app).held(function, row, call.span.start) if row else None
        if held is None or held.is_new:
            continue
        body = _body(app, function, source, call.span.start, 0)
        schema = _schemas(app, function).get(body[0]) if body is not None else None
        if body is not None and schema is not None:
            route = bodies(app)[schema.name]
            yield Updated(route, schema, held.table, function, call.span, body[1])


def _written(function: Function, call: Call) -> tuple[str, str]:
    """The row that a call writes, and the expression of which it takes every value."""
    if last(call.text) == "sqlmodel_update" and call.arguments:
        return call.text.rpartition(".")[0], call.arguments[0]
    if call.text == "setattr" and len(call.arguments) == 3:
        row, key, value = call.arguments
        for block in around(function, call.span.start):
            source = _walked(block, key, value) if block.kind == "for" else ""
            if source and not _is_picked(function, call, block, value):
                return row, source
    return "", ""


def _walked(block: Block, key: str, value: str) -> str:
    """What a loop goes over, if it goes over names and their values."""
    if block.names == (key, value):
        return block.words.removesuffix(".items()") if block.words.endswith(".items()") else ""
    words = block.words.removesuffix(".keys()")
    return words if block.names == (key,) and value.startswith(f"{words}[") else ""


def _is_picked(function: Function, call: Call, loop: Block, value: str) -> bool:
    """True where a turn writes only some of the names, or none whose value is null."""
    inside = (b for b in around(function, call.span.start) if b.start >= loop.start)
    picks = rf"\b{re.escape(value)}\b|\bNone\b|\b{loop.names[0]}\s+(?:not\s+)?in\b"
    return any(b.kind == "arm" and re.search(picks, b.words) for b in inside)


def _body(
    app: AppMap, function: Function, source: str, at: int, depth: int
) -> tuple[str, str] | None:
    """The parameter that an expression is the dump of, and the arguments of the dump."""
    dump = _DUMP.match(source) or _ENCODED.match(source)
    if dump is not None:
        return dump[1], dump[2] or ""
    if not source.isidentifier() or depth > _FEW:
        return None
    if source in function.parameters:
        return source, ""
    found = [_body(app, function, app.text(Span(function.span.path, b.start, b.end)), b.start,
                   depth + 1) for b in bindings_at(function, source, at)]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _schemas(app: AppMap, function: Function) -> dict[str, Schema]:
    """The parameters of a function that are bodies of requests."""
    module = next((m for m in app.modules.values() if m.path == function.span.path), None)
    schemas = {schema.name: schema for schema in app.schemas}
    found = typed(module, function, schemas) if module is not None else ()
    return {name: schema for name, schema in found if schema.name in bodies(app)}
