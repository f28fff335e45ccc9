"""The field of a body by the name that requests give it."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap, Field, Schema


def field_of(app: AppMap, model: str | None, name: str) -> tuple[Schema, Field] | None:
    """The field `name` of a model, with the schema, it or a base, that declares it."""
    known = {schema.name: schema for schema in app.schemas}
    for schema in _lineage(known, model or ""):
        for field in schema.fields:
            if field.name == name:
                return schema, field
    return None


def _lineage(known: dict[str, Schema], name: str) -> Iterator[Schema]:
    waiting, seen = [name], set[str]()
    while waiting:
        schema = known.get(waiting.pop(0))
        if schema is not None and schema.name not in seen:
            seen.add(schema.name)
            yield schema
            waiting += schema.bases
