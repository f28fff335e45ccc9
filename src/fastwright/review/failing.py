"""Statements that raise whatever a request brings: nothing behind them ever runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route, Schema
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.review.course import always, around
from fastwright.review.once import once
from fastwright.review.reach import last, reach

_MODELS = frozenset({"BaseModel", "SQLModel"})
_WHILE = re.compile(rb"\b(?:if|or|and|for|lambda)\b")


@dataclass(frozen=True, slots=True)
class Subscript:
    """``user["id"]`` of a pydantic model, which has attributes and no items."""

    at: Span
    name: str
    key: str
    model: Schema


@once
def subscripts(app: AppMap) -> Mapping[str, Subscript]:
    """The first subscript of a model that each run of a handler comes to, by handler."""
    schemas = {schema.name: schema for schema in app.schemas if _has_no_items(app, schema)}
    found: dict[str, Subscript] = {}
    for route in app.routes:
        function = reach(app).answering(route) if route.reachable else None
        if function is None or function.name in found:
            continue
        known = dict(_models(route, function, schemas))
        first = min(_read(app, function, known), key=lambda s: s.at.start, default=None)
        if first is not None:
            found[function.name] = first
    return found


def _has_no_items(app: AppMap, schema: Schema) -> bool:
    """True for a pydantic model without ``__getitem__``, its bases of ours included."""
    lineage = {schema.name, *schema.bases}
    own = {f"{name}.__getitem__" for name in lineage}
    foreign = {last(name) for name in lineage - {s.name for s in app.schemas}}
    return bool(foreign & _MODELS) and own.isdisjoint(f.name for f in app.functions)


def _models(
    route: Route, function: Function, schemas: Mapping[str, Schema]
) -> Iterator[tuple[str, Schema]]:
    """Parameters that hold a model: both they and what they depend on say so."""
    said = dict(function.annotations)
    body = schemas.get(route.body_model or "")
    if body is not None:
        yield from ((name, body) for name, text in said.items() if text == last(body.name))
    for node in route.dependencies:
        schema = schemas.get(node.returns or "")
        if schema is not None and last(schema.name) in re.findall(r"\w+", said.get(node.name, "")):
            yield node.name, schema


def _read(
    app: AppMap, function: Function, models: Mapping[str, Schema]
) -> Iterator[Subscript]:  # fmt: skip
    content = app.files[function.span.path]
    set_again = {binding.name for binding in function.bindings}
    for name, schema in models.items():
        if name in set_again:
            continue
        wanted = re.compile(rb"(?<![\w.\"'])%b\[\s*[\"'](\w+)[\"']\s*\]" % re.escape(name.encode()))
        for hit in wanted.finditer(content, function.span.start, function.span.end):
            if _is_passed(content, function, hit.start()):
                at = Span(function.span.path, hit.start(), hit.end())
                yield Subscript(at, name, hit[1].decode(), schema)


def _is_passed(content: bytes, function: Function, offset: int) -> bool:
    """True where each run comes to a place, and what it raises there is caught by nobody."""
    start = content.rfind(b"\n", 0, offset) + 1
    line = content[start:].partition(b"\n")[0]
    caught = any(block.kind == "try" for block in around(function, offset))
    if caught or b"#" in content[start:offset] or _WHILE.search(line.partition(b"  #")[0]):
        return False
    return always(function, offset)
