"""Requests that an operation of an OpenAPI document accepts, made from its schemas alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from fastwright.review import multipart
from fastwright.review.multipart import TEXT, Part, Upload

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
        "uri": "https://example.com/",
        "ipv4": "127.0.0.1",
    }
)


_WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        r"(^|_)(date|day|birthday|dob)$": "2026-01-01",
        r"(_at|_on|timestamp|datetime)$": "2026-01-01T00:00:00",
        r"(^|_)time$": "12:00:00",
        r"(^|_)(phone|mobile|tel)(_number)?$": "+14155550100",
        r"(^|_)(timezone|tz)$": "UTC",
        r"(^|_)colou?r$": "#336699",
    }
)
"""What a plain text holds by custom, by the name of its field."""

_SHAPES = (
    "fw@example.com",
    "https://example.com/fw",
    "Fw-right-7!",
    "12345",
    "#336699",
    "fw",
    "FW",
)
"""Texts to try where a pattern is asked for."""


def usual_text() -> str:
    """The text of a field whose text is free."""
    return "fastwright"


@dataclass(frozen=True, slots=True)
class Ready:
    """A request that can be sent: path with its query, headers and body."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Contract:
    """An OpenAPI document.

    `full` has requests carry what is optional in a body, too. `text` is what free texts hold, and
    `upload` what files do.
    """

    document: Mapping[str, Any]
    full: bool = False
    text: Callable[[], str] = usual_text
    upload: Upload = TEXT

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
        for place, _ in self._places(schema, (), depth):
            yield place[-1]

    def fields(self, method: str, path: str) -> Iterator[tuple[tuple[str, ...], Schema]]:
        """Each field of the body that requests carry, by the names that lead to it."""
        item = (self.document.get("paths") or {}).get(path, {})
        body = self._resolved(item.get(method.lower(), {}).get("requestBody") or {})
        for told in list((body.get("content") or {}).values())[:1]:
            yield from self._places(told.get("schema", {}), (), 0)

    def _places(
        self, schema: Schema, above: tuple[str, ...], depth: int
    ) -> Iterator[tuple[tuple[str, ...], Schema]]:
        for name, inner in self.chosen(schema).get("properties", {}).items():
            yield (*above, name), self.chosen(inner)
            if depth < _DEEPEST:
                yield from self._places(inner, (*above, name), depth + 1)

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
        filled, query, headers, cookies = path, [], [], []
        for one in needed:
            value = self._value(one.get("schema", {}), one["name"], path, known)
            if one["in"] == "path":
                filled = filled.replace(f"{{{one['name']}}}", quote(str(value), safe=""))
            elif one["in"] == "query":
                query.append((one["name"], str(value)))
            elif one["in"] == "header":
                headers.append((one["name"].lower(), str(value)))
            elif one["in"] == "cookie":
                cookies.append(f"{one['name']}={quote(str(value))}")
        headers += [("cookie", "; ".join(cookies))] if cookies else []
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
            if kind == multipart.KIND and isinstance(value, dict):
                fields = self.chosen(told.get("schema", {})).get("properties", {})
                files = {name for name in value if multipart.is_file(self.chosen(fields[name]))}
                return multipart.encoded(self._parts(value, files)), multipart.CONTENT_TYPE
        return b"", ""

    def _parts(self, values: Mapping[str, Any], files: set[str]) -> Iterator[Part]:
        for name, value in values.items():
            if name in files:
                yield self.upload.part(name)
                continue
            for one in value if isinstance(value, list) else (value,):
                text = one if isinstance(one, str) else json.dumps(one)
                yield Part(name, text.encode())

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref", "")
        if not reference.startswith("#/"):
            return schema
        found: Any = self.document
        for part in reference[2:].split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
        return found if isinstance(found, Mapping) else {}

    def _value(self, schema: Schema, name: str, path: str, known: Known, depth: int = 0) -> Any:
        schema = self.chosen(schema)
        own = known(name, path) if name else None
        if own is not None:
            return own
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(schema, path, known, depth)
        given = _given(schema)
        if given is not None and not (kind == "string" and _fills_a_place(schema, given)):
            return given
        if kind == "array":
            count = schema.get("minItems", 0) if depth < _DEEPEST else 0
            item = schema.get("items", {})
            return [self._value(item, "", path, known, depth + 1) for _ in range(count)]
        return _scalar(schema, kind, name, self.text)

    def chosen(self, schema: Schema) -> Schema:
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
        properties, shown = schema.get("properties", {}), _given(schema)
        if not properties and isinstance(shown, dict):
            return shown
        shown = shown if isinstance(shown, dict) else {}
        return {
            name: self._value(
                _with_example(properties.get(name, {}), shown.get(name)), name, path, known,
                depth + 1,
            )
            for name in (properties if self.full else schema.get("required", ()))
        }  # fmt: skip


def _given(schema: Schema) -> Any:
    """A value that the schema itself tells; None where it tells none."""
    for key in ("const", "default", "example"):
        if schema.get(key) is not None:
            return schema[key]
    told = (schema[key] for key in ("enum", "examples") if schema.get(key))
    return next((next(iter(values)) for values in told), None)


def _with_example(schema: Schema, value: Any) -> Schema:
    """`schema` with a value that the example of the object around it has for it."""
    return schema if value is None else {**schema, "example": value}


def _fills_a_place(schema: Schema, value: Any) -> bool:
    """Whether an example is words alone: it only fills the place, and may have to be unique."""
    if value == schema.get("const", schema.get("default")) or schema.get("enum"):
        return False
    return isinstance(value, str) and bool(re.fullmatch(r"[^\W\d_]+([ '][^\W\d_]+)*", value))


def _scalar(schema: Schema, kind: str | None, name: str, text: Callable[[], str]) -> Any:
    if kind in ("integer", "number"):
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return max(1, lowest) if "maximum" not in schema else min(max(1, lowest), schema["maximum"])
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    return _text(schema, name, text).ljust(schema.get("minLength", 0), "x")[
        : schema.get("maxLength")
    ]


def _text(schema: Schema, name: str, text: Callable[[], str]) -> str:
    by_custom = (word for pattern, word in _WRITTEN.items() if re.search(pattern, name.lower()))
    told = _FORMATS.get(schema.get("format", "")) or next(by_custom, None) or text()
    pattern = schema.get("pattern")
    if pattern is None or _matches(pattern, told):
        return told
    return next((word for word in (text(), *_SHAPES) if _matches(pattern, word)), told)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # of another dialect
        return False
