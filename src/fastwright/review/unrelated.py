"""Plain values that a row is made with where a relationship wants a row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Parameter, Schema
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.model.storage import Relationship, Table
from fastwright.review.declared import is_declared
from fastwright.review.raising import Failure, failure_at, is_passed
from fastwright.review.reach import last, reach
from fastwright.review.storing import is_validated

_PLAIN = frozenset({"str", "int", "float", "bool", "EmailStr", "datetime", "date", "UUID"})
_WRITTEN = re.compile(r"\w+\.(?:dict|model_dump)\(\)")
_FIELD = re.compile(r"(\w+)\.(\w+)")
_HEADER = re.compile(r"class\s+\w+\s*\(([^)]*)\)")
_LITERAL = re.compile(r"[rbu]?[\"'].*[\"']|-?\d+(?:\.\d+)?", re.DOTALL)


def unrelated(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """The first such row that each run of a function makes."""
    tables = {t.model: t for t in app.tables if t.relationships and t.mapper == "sqlalchemy"}
    told = set[Span]()
    for call in app.calls:
        table = tables.get(call.callee)
        function = reach(app).functions.get(call.caller) if table is not None else None
        if table is None or function is None or function.span in told:
            continue
        found = next(_given(app, function, call, table), None)
        if found is not None and is_passed(app, function, call.span) and _is_plain(app, table):
            told.add(function.span)
            yield function.name, found


def _given(app: AppMap, function: Function, call: Call, table: Table) -> Iterator[Failure]:
    for one in table.relationships:
        value = _value(app, function, call, one.name)
        if value and _is_last(table, one):
            at = Span(call.span.path, call.span.start, call.span.start + len(call.text.encode()))
            why = f"`{last(table.model or '')}.{one.name}` is a relationship, and {value} is no row"
            yield failure_at(function, at, "TypeError" if one.many else "AttributeError", why)


def _value(app: AppMap, function: Function, call: Call, name: str) -> str:
    """What is given for a relationship, in words, where it is a plain value."""
    for key, value in call.keywords:
        if key == name and _LITERAL.fullmatch(value):
            return f"`{value}`"
        field = _FIELD.fullmatch(value) if key == name else None
        holder = field[1] if field is not None else ""
        if key == "**" and _WRITTEN.fullmatch(value):
            holder = value.partition(".")[0]
        what = field[2] if field is not None else name
        if holder in function.parameters and _is_sent(app, function, holder, what):
            return f"`{holder}.{what}`"
    return ""


def _is_sent(app: AppMap, function: Function, name: str, field: str) -> bool:
    """True where the body of a request, which `name` holds, has a plain value in that field."""

    def fits(parameter: Parameter) -> bool:
        written = parameter.annotation or ""
        found = [s for s in app.schemas if last(s.name) == last(written)]
        is_body = parameter.source == "body" and bool(found)
        return is_body and all(_has_plain(app, schema, field) for schema in found)

    return is_declared(app, function, name, fits)


def _has_plain(app: AppMap, schema: Schema, name: str) -> bool:
    """True for a field that always holds a plain value, when written as a dictionary too."""
    own = {f"{owner}.{verb}" for owner in (schema.name, *schema.bases)
           for verb in ("dict", "model_dump")}  # fmt: skip
    field = next((f for f in schema.fields if f.name == name), None)
    is_plain = field is not None and field.required and field.annotation in _PLAIN
    is_out = field is not None and "exclude" in dict(field.constraints)
    is_open = is_out or is_validated(app, schema) or _is_serialized(app, schema)
    return is_plain and not is_open and own.isdisjoint(reach(app).functions)


def _is_serialized(app: AppMap, schema: Schema) -> bool:
    names = {schema.name, *schema.bases}
    owned = (f.decorators for f in app.functions if f.class_name in names)
    return any("serializer" in one for decorators in owned for one in decorators)


def _is_last(table: Table, one: Relationship) -> bool:
    """True where no column of that name takes the place of the relationship."""
    if one.span is None or one.views:
        return False
    twins = [c.span for c in table.columns if c.attribute == one.name]
    return all(span is not None and span.start < one.span.start for span in twins)


def _is_plain(app: AppMap, table: Table) -> bool:
    """True for a class that SQLAlchemy makes the objects of, as they are given."""
    text = app.text(table.span) if table.span is not None else ""
    header = _HEADER.search(text)
    above = {last(name.strip()) for name in header[1].split(",")} if header is not None else set()
    owners = {*above, last(table.model or ""), last(table.base or "")}
    making = (f.class_name or "" for f in app.functions if last(f.name) in ("__init__", "__new__"))
    own = any(last(name) in owners for name in making)
    return header is not None and not own and "validates" not in text and "**" not in text
