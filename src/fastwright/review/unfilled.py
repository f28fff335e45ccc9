"""Rows that are made without a value for a column that must have one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap, Route, Schema
from fastwright.model.code import Call, Flow
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.reach import holds, last, reach
from fastwright.source.layout import line_start

_TYPES = r"(?:\w+\.)*(?:str|int|float|bool|bytes|datetime|date|time|Decimal|UUID)"
_PLAIN = re.compile(
    rf":\s*Mapped\[\s*[\"']?{_TYPES}[\"']?\s*\]|\bColumn\(|:\s*{_TYPES}\s*(?:=\s*Field\(|$)"
)
_GIVEN = re.compile(r"default|Identity|Computed|FetchedValue|onupdate|autoincrement|\binit\b")
_ROOTS = frozenset({"BaseModel", "SQLModel", "GenericModel", "Generic"})
_HOOKS = re.compile(
    rb"(?i)before_insert|before_flush|\bCREATE\s+(?:OR\s+REPLACE\s+)?TRIGGER|listens_for\("
)
"""What may give a row its values beside the code that makes it."""


@dataclass(frozen=True, slots=True)
class Unfilled:
    """A new row of `table`, made at `at` for `route`, that nothing gives `columns`.

    `schema` is the body whose dump it is made of; ``None`` where `None` is written out.
    """

    route: Route
    schema: Schema | None
    table: Table
    columns: tuple[Column, ...]
    at: Span


def unfilled(app: AppMap) -> Iterator[Unfilled]:
    """Every row that is made without a column that must not be null, each call once."""
    yield from _of_dumps(app)
    yield from _of_nothing(app)


def _of_nothing(app: AppMap) -> Iterator[Unfilled]:
    """Rows that are given `None` as it stands: ``Order(paid_at=None)``."""
    tables = {table.model: table for table in app.tables if table.model}
    for ran in reach(app).ran():
        for call in reach(app).calls_in(ran.function):
            table = tables.get(call.callee or "")
            if table is None or not _is_added(app, call) or not _is_plain(app, table):
                continue
            text = app.text(ran.function.span)
            named = (table.column(key) for key, value in call.keywords if value == "None")
            empty = tuple(c for c in named if c is not None and _must_be_given(app, c, table)
                          and not re.search(rf"\.{c.attribute}\s*=(?!=)", text)
                          and not _is_filled_there(app, c.name))  # fmt: skip
            if empty:
                yield Unfilled(ran.route, None, table, empty, call.span)


def _of_dumps(app: AppMap) -> Iterator[Unfilled]:
    """Rows that are made of the dump of a body which lacks a column: ``Order(**body.dict())``."""
    schemas = {schema.name: schema for schema in app.schemas}
    routes = {str(route): route for route in app.routes if route.reachable}
    told: set[Span] = set()
    for flow in app.flows:
        table = app.table(flow.into) if flow.kind == "fields" and flow.path else None
        schema, route = schemas.get(flow.model or ""), routes.get(flow.route)
        if table is None or schema is None or route is None or flow.path[-1] in told:
            continue
        call = _maker(app, flow, table)
        if call is None or not _is_whole(app, schema) or not _is_plain(app, table):
            continue
        missing = tuple(c for c in table.columns if _lacks(app, c, call, schema, table))
        missing = tuple(c for c in missing if not _is_written(app, route, c))
        if missing:
            told.add(flow.path[-1])
            yield Unfilled(route, schema, table, missing, flow.path[-1])


def _maker(app: AppMap, flow: Flow, table: Table) -> Call | None:
    """The call that makes a row of one unpacked dump, and that a session is to add."""
    at = flow.path[-1]
    call = next((c for c in reach(app).calls_of(at.path) if c.span == at), None)
    if call is None or call.callee != table.model or call.arguments:
        return None
    if [key for key, _ in call.keywords].count("**") != 1:
        return None
    return call if _is_added(app, call) else None


def _is_added(app: AppMap, call: Call) -> bool:
    """Whether a session is to add the row that a call makes."""
    function = reach(app).functions.get(call.caller)
    given = [c for c in reach(app).calls_in(function) if last(c.text) == "add"] if function else []
    is_named = any(call.target and call.target in c.arguments for c in given)
    return is_named or any(holds(c.span, call.span) for c in given)


def _is_whole(app: AppMap, schema: Schema) -> bool:
    """Whether the fields of a schema are all known, and it takes no others."""
    own = {one.name for one in app.schemas}
    known = all(base in own or last(base).partition("[")[0] in _ROOTS for base in schema.bases)
    return known and not any(key == "extra" and "allow" in value for key, value in schema.config)


def _is_plain(app: AppMap, table: Table) -> bool:
    """Whether a mapped class fills no attribute by code."""
    owned = (f for f in app.functions if f.class_name == table.model)
    return not any(
        last(f.name) in ("__init__", "__post_init__", "__setattr__")
        or any("validates" in decorator for decorator in f.decorators)
        for f in owned
    )


def _lacks(app: AppMap, column: Column, call: Call, schema: Schema, table: Table) -> bool:
    """Whether a column that must be filled gets no value of the dump or beside it."""
    given = {field.name for field in schema.fields} | {key for key, _ in call.keywords}
    return _must_be_given(app, column, table) and not given & {column.name, column.attribute}


def _must_be_given(app: AppMap, column: Column, table: Table) -> bool:
    """Whether neither the class nor the database fills a column that must not be null."""
    if column.nullable is not False or column.primary_key or column.foreign_key:
        return False
    if column.default is not None or column.span is None or table.span is None:
        return False
    content = app.files[column.span.path]
    text = app.text(replace(column.span, start=line_start(content, column.span.start)))
    is_own = holds(table.span, column.span)
    return is_own and bool(_PLAIN.search(text)) and not _GIVEN.search(text)


def _is_written(app: AppMap, route: Route, column: Column) -> bool:
    """Whether any code below a handler, a hook or a revision may give the column a value."""
    root = reach(app).answering(route)
    below = (root, *(step.function for step in reach(app).below(root))) if root is not None else ()
    texts = {f.name: app.text(f.span) for f in below}.values()
    words = {column.name, column.attribute}
    hooks = [text for path, text in app.files.items()
             if path.suffix in (".py", ".sql") and _HOOKS.search(text)]  # fmt: skip
    return any(
        any(_writes(text, word) for text in texts)
        or any(word.encode() in text for text in hooks)
        or _is_filled_there(app, word)
        for word in words
    )


def _writes(text: str, word: str) -> bool:
    """Whether code gives something a value by that name."""
    name = re.escape(word)
    return bool(re.search(
        rf"[\"']{name}[\"']\s*(?:\]\s*=(?!=)|:)|(?<![.\w]){name}\s*=(?!=)|\.{name}\s*=(?!=)|"
        rf"\bset(?:attr|default)\([^()\n]*[\"']{name}[\"']", text,
    ))  # fmt: skip


def _is_filled_there(app: AppMap, word: str) -> bool:
    """Whether a revision lets the column be null, or has the database fill it."""
    made = re.compile(
        rb"[\"']%b[\"'][^\"'\n]{0,120}?(?:server_default|nullable\s*=\s*True)" % word.encode()
    )
    folders = [m.versions for m in app.migrations]
    return any(made.search(text) for p, text in app.files.items() if p.parent in folders)
