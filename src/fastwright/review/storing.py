"""Which field of a request's body becomes which column of a row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Field, Route, Schema
from fastwright.model.code import Call, Function, Module
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.at_home import is_at_home
from fastwright.review.once import once

_BY_FIELD = re.compile(r"\b(?:field_)?validator\(")
_ATTRIBUTE = re.compile(r"(\w+)\.(\w+)$")


@dataclass(frozen=True, slots=True)
class Stored:
    """One field of a body that a new row of `table` takes as it came, at the call `at`.

    `whole`: the body is taken as a whole, so that what it leaves out is taken too.
    """

    route: Route
    schema: Schema
    field: Field
    table: Table
    column: Column
    at: Span
    whole: bool


@once
def stored(app: AppMap) -> tuple[Stored, ...]:
    """Every field that is written into a new row, each pair of field and column once."""
    found: dict[tuple[str, str, str, str], Stored] = {}
    for one in (*_by_flow(app), *_by_call(app)):
        key = (one.schema.name, one.field.name, one.table.name, one.column.name)
        found.setdefault(key, one)
    return tuple(found.values())


def bodies(app: AppMap) -> dict[str, Route]:
    """The schemas that requests are read into, each with a route that does so."""
    return {r.body_model: r for r in reversed(_served(app)) if r.body_model and r.reachable}


@once
def read_into(app: AppMap) -> frozenset[str]:
    """The schemas that anything of a request is read into, those inside, and their bases."""
    by_word: dict[str, list[Schema]] = defaultdict(list)
    for schema in app.schemas:
        by_word[schema.name.rpartition(".")[2]].append(schema)
    waiting = [text for route in _served(app) if route.reachable for text in _taken(route)]
    found: dict[str, Schema] = {}
    while waiting:
        for word in re.findall(r"\w+", waiting.pop()):
            for schema in by_word.pop(word, ()):
                found[schema.name] = schema
                waiting += [field.annotation or "" for field in schema.fields]
    return frozenset({*found, *(base for schema in found.values() for base in schema.bases)})


def _taken(route: Route) -> Iterator[str]:
    """What says into which types a request is read."""
    yield route.body_model or ""
    yield from (parameter.annotation or "" for parameter in route.parameters)
    yield from (node.call for node in route.every_dependency())


def _served(app: AppMap) -> list[Route]:
    """The routes that strangers reach: not those that development alone has."""
    return [route for route in app.routes if not is_at_home(route.condition)]


def _by_flow(app: AppMap) -> Iterator[Stored]:
    """Bodies that a constructor takes as keywords: ``Item(**data.model_dump())``."""
    schemas = {schema.name: schema for schema in app.schemas}
    routes = {str(route): route for route in reversed(_served(app)) if route.reachable}
    for flow in app.flows:
        table = app.table(flow.into) if flow.kind == "fields" else None
        schema = schemas.get(flow.model or "")
        if table is not None and schema is not None and flow.path and flow.route in routes:
            yield from _alike(routes[flow.route], schema, table, flow.path[-1])


def _alike(route: Route, schema: Schema, table: Table, at: Span) -> Iterator[Stored]:
    for field in schema.fields:
        column = table.column(field.name)
        if column is not None:
            yield Stored(route, schema, field, table, column, at, whole=True)


def _by_call(app: AppMap) -> Iterator[Stored]:
    """Rows made of a body: ``Item(title=data.title)``, ``Item.model_validate(data)``."""
    schemas = {schema.name: schema for schema in app.schemas}
    functions = {function.name: function for function in app.functions}
    wanted = bodies(app)
    modules = {module.path: module for module in app.modules.values()}
    tables = {table.model: table for table in app.tables if table.model}
    for call in app.calls:
        table = tables.get(call.callee or "")
        if table is None and not (call.callee or "").endswith(".model_validate"):
            continue
        function = functions.get(call.caller)
        module = modules.get(call.span.path)
        if function is None or module is None:
            continue
        given = {p: s for p, s in typed(module, function, schemas) if s.name in wanted}
        if table is not None:
            yield from _keywords(call, table, given, wanted)
        else:
            yield from _validated(app, call, given, wanted)


def typed(
    module: Module, function: Function, schemas: dict[str, Schema]
) -> Iterator[tuple[str, Schema]]:  # fmt: skip
    """The parameters of a function that are schemas."""
    for name, annotation in function.annotations:
        word = annotation.strip("\"'")
        if re.fullmatch(r"[\w.]+", word):
            head, _, rest = word.partition(".")
            dotted = module.imports.get(head, f"{module.name}.{head}" if module.name else head)
            schema = schemas.get(f"{dotted}.{rest}" if rest else dotted)
            if schema is not None:
                yield name, schema


def _keywords(
    call: Call, table: Table, given: dict[str, Schema], wanted: dict[str, Route]
) -> Iterator[Stored]:  # fmt: skip
    for key, value in call.keywords:
        match = _ATTRIBUTE.match(value)
        schema = given.get(match[1]) if match else None
        column = table.column(key)
        if match is None or schema is None or column is None:
            continue
        field = next((f for f in schema.fields if f.name == match[2]), None)
        if field is not None:
            yield Stored(wanted[schema.name], schema, field, table, column, call.span, whole=False)


def _validated(
    app: AppMap, call: Call, given: dict[str, Schema], wanted: dict[str, Route]
) -> Iterator[Stored]:  # fmt: skip
    """SQLModel reads a row from a body: ``Item.model_validate(data)``."""
    name = call.text.rpartition(".")[0]
    schema = given.get(call.arguments[0]) if call.arguments else None
    tables = [t for t in app.tables if (t.model or "").rpartition(".")[2] == name]
    if schema is not None and len(tables) == 1:
        yield from _alike(wanted[schema.name], schema, tables[0], call.span)


def plain(field: Field) -> str:
    """The type of a field, of ``Annotated[str, Field(…)]`` the inner one.

    An annotation with marks beside ``Field`` stays as it is: they may limit the value.
    """
    written = (field.annotation or "").strip()
    inside = re.fullmatch(r"(?:\w+\.)?Annotated\[\s*([\w.| ]+?|Optional\[\w+\])\s*,(.*)\]", written,
                          re.DOTALL)  # fmt: skip
    if inside is None or not re.match(r"\s*(?:\w+\.)?Field\(", inside[2]):
        return written
    return written if re.search(r"\)\s*,\s*\w+", inside[2]) else inside[1].strip()


def is_validated(app: AppMap, schema: Schema) -> bool:
    """True where validators of the schema, or of a base, may limit a field by code."""
    names = {schema.name, *schema.bases}
    owned = (f.decorators for f in app.functions if f.class_name in names)
    return any("validat" in decorator for decorators in owned for decorator in decorators)


def unvalidated(app: AppMap, schema: Schema) -> tuple[Field, ...]:
    """The fields that no validator of the schema, or of a base, is named for."""
    names = {schema.name, *schema.bases}
    limited: set[str] = set()
    for function in app.functions:
        if function.class_name in names and any("validat" in one for one in function.decorators):
            head = app.text(function.span).partition("def ")[0]
            named = re.findall(r"[\"']([\w*]+)[\"']", head) if _BY_FIELD.search(head) else ["*"]
            if "*" in named:
                return ()
            limited.update(named)
    return tuple(field for field in schema.fields if field.name not in limited)
