"""Columns and fields that hold members of an enumeration which is no text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap
from fastwright.model.code import Module
from fastwright.model.places import Span
from fastwright.review.once import once

_DECLARED = re.compile(
    r"(?m)^class (?P<name>\w+)\(\s*(?P<base>(?:enum\.)?Enum)\s*\):(?P<body>(?:\n(?:[ \t].*)?)*)"
)
_CALLED = re.compile(r"\w*Enum\(\s*([A-Z]\w*)\b(?!\.)")
_NAMED = re.compile(r"(?:Optional\[|Mapped\[)*\s*([A-Z]\w*)\]*(?:\s*\|\s*None)?\]*")


@once
def plain_enums(app: AppMap) -> frozenset[str]:
    """The dotted enumerations whose members equal no text."""
    return frozenset(name for module in app.modules.values() for name in _plain(app, module))


def _plain(app: AppMap, module: Module) -> Iterator[str]:
    content = app.files[module.path]
    if b"Enum" not in content:
        return
    is_plain = module.imports.get("Enum", "enum.Enum") == "enum.Enum"
    for found in _DECLARED.finditer(content.decode("utf-8", "replace")):
        known = is_plain or "." in found["base"]
        if known and "__eq__" not in found["body"]:
            yield f"{module.name}.{found['name']}" if module.name else found["name"]


@once
def members_held(app: AppMap) -> Mapping[tuple[str, str], str]:
    """By class and attribute, the enumeration whose members a row or an object holds there."""
    found: dict[tuple[str, str], str] = {}
    for table in app.tables:
        for column in table.columns:
            kind = (column.type or "").rpartition(".")[2]
            written = app.text(column.span) if column.span is not None else ""
            called = _CALLED.search(written)
            name = called[1] if called and kind == "Enum" else kind
            enum = _enum(app, column.span, name)
            if enum and table.model:
                found[table.model, column.attribute] = enum
    for schema in app.schemas:
        if "use_enum_values" in dict(schema.config):
            continue
        for field in schema.fields:
            named = _NAMED.fullmatch((field.annotation or "").strip())
            enum = _enum(app, field.span, named[1]) if named else None
            if enum:
                found.setdefault((schema.name, field.name), enum)
    return found


def _enum(app: AppMap, span: Span | None, name: str) -> str | None:
    module = app.module_at(span.path) if span is not None else None
    if module is None or not name:
        return None
    dotted = module.imports.get(name, f"{module.name}.{name}" if module.name else name)
    return dotted if dotted in plain_enums(app) else None
