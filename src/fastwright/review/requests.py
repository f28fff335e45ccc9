"""Requests that an operation of an OpenAPI document accepts, made from its schemas alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

Schema = Mapping[str, Any]
Known = Callable[[str, str], Any]
"""The value for a parameter's name on a path, where one is known; else None."""

_DEEPEST = 6
_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "email": "fw@example.com",
        "uuid": "00000000-0000-4000-8000-000000000001",
        "date-time": "2026-01-01T00:00:00Z",
        "date": "2026-01-01",
        "time": "12:00:00",
        "uri": "http://localhost/",
        "ipv4": "127.0.0.1",
    }
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A request that can be sent: path with its query, headers and body."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Contract:
    """An OpenAPI document.

    `full` has requests carry what is optional in a body, too.
    """

    document: Mapping[str, Any]
    full: bool = False

    def operations(self) -> Iterator[tuple[str, str]]:
        """Each operation as method, in capitals, and path."""
        for path, item in (self.document.get("paths") or {}).items():
            for method in item:
                if method in ("get", "head", "post", "put", "patch", "delete", "options"):
                    yield method.upper(), path

    def names(self, method: str, path: str) -> Iterator[str]:
        """The name of each parameter and of each field, however deep, that one operation takes."""
        item = (self.document.get("paths") or {}).get(path, {})
        operation = item.get(method.lower(), {})
        for one in (*item.get("parameters", ()), *operation.get("parameters", ())):
            yield self._resolved(one).get("name", "")
        contents = self._resolved(operation.get("requestBody") or {}).get("content") or {}
        for told in contents.values():
            yield from self._fields(told.get("schema", {}), 0)

    def _fields(self, schema: Schema, depth: int) -> Iterator[str]:
        for name, inner in self._chosen(schema).get("properties", {}).items():
            yield name
            if depth < _DEEPEST:
                yield from self._fields(inner, depth + 1)

    def parameters(self, method: str, path: str) -> tuple[Mapping[str, Any], ...]:
        """The parameters of one operation, as the document declares them."""
        item = (self.document.get("paths") or {}).get(path, {})
        operation = item.get(method.lower(), {})
        declared = (*item.get("parameters", ()), *operation.get("parameters", ()))
        return tuple(self._resolved(one) for one in declared)

    def request(self, method: str, path: str, known: Known) -> Ready:
        """A request for one operation, with what it requires and nothing else."""
        item = (self.document.get("paths") or {}).get(path, {})
        operation = item.get(method.lower(), {})
        needed = [p for p in self.parameters(method, path) if p.get("required")]
        filled, query, headers = path, [], []
        for one in needed:
            value = self._value(one.get("schema", {}), one["name"], path, known)
            if one["in"] == "path":
                filled = filled.replace(f"{{{one['name']}}}", quote(str(value), safe=""))
            elif one["in"] == "query":
                query.append((one["name"], str(value)))
            elif one["in"] == "header":
                headers.append((one["name"].lower(), str(value)))
        body, content = self._body(operation, path, known)
        headers += [("content-type", content)] if content else []
        return Ready(filled + (f"?{urlencode(query)}" if query else ""), tuple(headers), body)

    def _body(self, operation: Schema, path: str, known: Known) -> tuple[bytes, str]:
        contents = self._resolved(operation.get("requestBody") or {}).get("content") or {}
        for kind, told in contents.items():
            value = self._value(told.get("schema", {}), "", path, known)
            if "json" in kind:
                return json.dumps(value).encode(), kind
            if kind == "application/x-www-form-urlencoded" and isinstance(value, dict):
                return urlencode(value).encode(), kind
        return b"", ""

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref", "")
        if not reference.startswith("#/"):
            return schema
        found: Any = self.document
        for part in reference[2:].split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
        return found if isinstance(found, Mapping) else {}

    def _value(self, schema: Schema, name: str, path: str, known: Known, depth: int = 0) -> Any:
        schema = self._chosen(schema)
        own = known(name, path) if name else None
        if own is not None:
            return own
        for key in ("const", "default", "example"):
            if schema.get(key) is not None:
                return schema[key]
        for key in ("enum", "examples"):
            if schema.get(key):
                return next(iter(schema[key]))
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(schema, path, known, depth)
        if kind == "array":
            count = schema.get("minItems", 0) if depth < _DEEPEST else 0
            item = schema.get("items", {})
            return [self._value(item, "", path, known, depth + 1) for _ in range(count)]
        return _scalar(schema, kind)

    def _chosen(self, schema: Schema) -> Schema:
        """The schema behind references, and the first that may hold of several."""
        for _ in range(_DEEPEST):
            schema = self._resolved(schema)
            choices = schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf")
            if not choices:
                break
            schema = next((c for c in choices if c.get("type") != "null"), {})
        return schema

    def _object(self, schema: Schema, path: str, known: Known, depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            return {}
        properties = schema.get("properties", {})
        return {
            name: self._value(properties.get(name, {}), name, path, known, depth + 1)
            for name in (properties if self.full else schema.get("required", ()))
        }


def _scalar(schema: Schema, kind: str | None) -> Any:
    if kind in ("integer", "number"):
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return max(1, lowest) if "maximum" not in schema else min(max(1, lowest), schema["maximum"])
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = _FORMATS.get(schema.get("format", ""), "fastwright")
    if "@" in schema.get("pattern", ""):
        text = _FORMATS["email"]
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
