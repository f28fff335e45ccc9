"""Items that are read of a pydantic model, which has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap, Route, Schema
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.review.course import always
from fastwright.review.raising import Failure, failure_at
from fastwright.review.reach import holds, last, reach

_MODELS = frozenset({"BaseModel", "SQLModel"})
_HALF = re.compile(rb"\b(?:if|or|and|for|lambda)\b")
"""Words that may keep the rest of their line from being run."""
_LONG_TEXT = re.compile(rb'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'')


def misread_models(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """``user["id"]`` of a pydantic model, which has attributes and no items."""
    schemas = _without_items(app)
    for route in app.routes:
        function = reach(app).answering(route) if route.reachable else None
        if function is not None:
            for name, schema in _models(route, function, schemas):
                yield from _of_items(app, function, name, schema)


def _of_items(
    app: AppMap, function: Function, name: str, schema: Schema
) -> Iterator[tuple[str, Failure]]:
    why = f"`{name}` is `{last(schema.name)}` of pydantic: it has attributes and no items"
    wanted = re.compile(rb"(?<![\w.\"'])%b\[\s*[\"']\w+[\"']\s*\]" % re.escape(name.encode()))
    for at in _passed(app, function, name, wanted):
        key = re.split("[\"']", app.text(at))[1]
        known = any(field.name == key for field in schema.fields)
        instead = f"{name}.{key}" if known else ""
        yield function.name, failure_at(function, at, "TypeError", why, instead)
        return


def _without_items(app: AppMap) -> dict[str, Schema]:
    """The pydantic models without ``__getitem__``, their bases of ours included, by name."""
    ours = {schema.name for schema in app.schemas}
    having = {
        f.name.removesuffix(".__getitem__")
        for f in app.functions
        if f.name.endswith(".__getitem__")
    }
    found = {}
    for schema in app.schemas:
        lineage = {schema.name, *schema.bases}
        is_model = any(last(name) in _MODELS for name in lineage - ours)
        if is_model and lineage.isdisjoint(having):
            found[schema.name] = schema
    return found


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


def _passed(
    app: AppMap, function: Function, name: str, wanted: re.Pattern[bytes]
) -> Iterator[Span]:
    """Where each run of `function` comes to a use of the parameter `name`, in order."""
    content, span = app.files[function.span.path], function.span
    if any(binding.name == name for binding in function.bindings):
        return
    for hit in wanted.finditer(content, span.start, span.end):
        at = Span(span.path, hit.start(), hit.end())
        if _is_own_code(app, function, at) and is_reached(app, function, at.start):
            yield at


def _is_own_code(app: AppMap, function: Function, at: Span) -> bool:
    """True for a place in no function within `function`, and in no long text of it."""
    content, span = app.files[at.path], function.span
    said = (hit.span() for hit in _LONG_TEXT.finditer(content, span.start, span.end))
    holding = (f for f in reach(app).functions_of(at.path) if holds(f.span, at))
    inner = any(f.span != span and holds(span, f.span) for f in holding)
    return not inner and not any(start <= at.start < end for start, end in said)


def is_reached(app: AppMap, function: Function, offset: int) -> bool:
    """True where each run comes to a place; not so for half a line, or behind a comment's sign."""
    content = app.files[function.span.path]
    start = content.rfind(b"\n", 0, offset) + 1
    line = content[start:].partition(b"\n")[0]
    is_code = b"#" not in content[start:offset]
    return is_code and not _HALF.search(line.partition(b"  #")[0]) and always(function, offset)
