"""Requests of one operation that differ from one that works in a single value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from fastwright.review import multipart
from fastwright.review.live.baits import is_text
from fastwright.review.live.carrying import carried, carrying
from fastwright.review.live.uploading import odd_files
from fastwright.review.live.values import (
    BEYOND_32,
    BEYOND_64,
    BEYOND_COLUMN,
    LONG,
    MEGABYTE,
    NEGATIVE,
    NUL,
    NULL,
    UNKNOWN_ROW,
    WORD,
)
from fastwright.review.requests import Ready

if TYPE_CHECKING:
    from fastwright.review.live.stage import Stage

_PAGES = re.compile(r"(?i)^(limit|offset|skip|page|size|per_?page|page_?size|count|take|first)$")
_KEYS = re.compile(r"(?i)(^|_)(id|pk)$")
_ENDLESS = "@fastwright:1e999@"
_LONG, _LONG_IN_ADDRESS = 1_000_000, 8_000
_DEEP = 20_000
NO_UUID = "00000000-0000-4000-8000-00000000dead"
_SONG = re.compile(rb"fw\d+right")

_Schemas = Mapping[str, Mapping[str, Any]]
"""The fields of a form."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One request.

    Attributes:
        place: The name of the parameter or field; empty for the body as a whole.
        what: What it holds, in the words of a finding.
        request: What is sent.
    """

    place: str
    what: str
    request: Ready


def variations(stage: Stage, operation: str, plain: Ready) -> Iterator[Variation]:
    """Every variation of `plain`, those of the path first.

    What the contract itself forbids is sent where validators fail in a way of their own: wrong
    types, `NaN`, half a surrogate pair. All other values are such as the contract permits.
    """
    method, _, path = operation.partition(" ")
    for one in stage.contract.parameters(method, path):
        name, place = str(one.get("name", "")), one.get("in")
        schema = stage.contract.chosen(one.get("schema") or {})
        if place == "path":
            for what, value in _in_path(schema):
                yield Variation(name, what, in_path(plain, path, name, value))
        elif place == "query":
            for what, value in _in_query(name, schema):
                yield Variation(name, what, _in_address(plain, name, value))
        elif place in ("header", "cookie"):
            for what, value in carried(stage, str(place), name, schema):
                yield Variation(name, what, carrying(plain, str(place), name, value))
    yield from _bodies(stage, operation, plain)


def fresh(stage: Stage, request: Ready) -> Ready:
    """The same request, with texts of its own where it holds some that are nobody else's."""
    told: dict[bytes, bytes] = {}

    def new(found: re.Match[bytes]) -> bytes:
        return told.setdefault(found[0], stage.text().encode())

    return replace(request, body=_SONG.sub(new, request.body))


def in_path(plain: Ready, path: str, name: str, value: str) -> Ready:
    """The request with another value for a parameter of its path; as it is where that fails."""
    bare, mark, query = plain.path.partition("?")
    names, kept = path.split("/"), bare.split("/")
    at = next((i for i, part in enumerate(names) if f"{{{name}}}" in part), None)
    if at is None or len(names) != len(kept):
        return plain
    part = names[at].replace(f"{{{name}}}", quote(value, safe=""))
    return replace(plain, path="/".join((*kept[:at], part, *kept[at + 1 :])) + mark + query)


def _in_path(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if schema.get("type") == "integer":
        yield UNKNOWN_ROW, str(2**31 - 1)
        yield BEYOND_32, str(2**31)
        yield BEYOND_64, str(2**63)
    elif schema.get("format") == "uuid":
        yield UNKNOWN_ROW, NO_UUID
    elif is_text(schema):
        yield UNKNOWN_ROW, "fw-unknown"
        yield NUL, "fw\0right"
        yield LONG, "x" * _LONG_IN_ADDRESS


def _in_query(name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if schema.get("type") == "integer":
        if _PAGES.match(name):
            yield NEGATIVE, "-1"
        yield "zero", "0"
        yield BEYOND_32, str(2**31)
        yield BEYOND_64, str(2**63)
    elif schema.get("type") == "number":
        yield "`NaN`", "NaN"
    elif is_text(schema):
        yield NUL, "fw\0right"
        yield LONG, "x" * _LONG_IN_ADDRESS


def _in_address(plain: Ready, name: str, value: str) -> Ready:
    bare, _, query = plain.path.partition("?")
    rest = [p for p in query.split("&") if p and not p.startswith(f"{name}=")]
    return replace(plain, path=f"{bare}?{'&'.join([*rest, urlencode({name: value})])}")


def _bodies(stage: Stage, operation: str, plain: Ready) -> Iterator[Variation]:
    method, _, path = operation.partition(" ")
    kind = dict(plain.headers).get("content-type", "")
    fields = list(stage.contract.fields(method, path)) if plain.body else []
    if "form" in kind:
        yield from _forms(stage, plain, {at[0]: schema for at, schema in fields})
        return
    try:
        whole = json.loads(plain.body) if plain.body else None
    except ValueError:
        return
    if not isinstance(whole, dict):
        return
    for at, schema in fields:
        for what, value in _in_field(stage, at, schema, whole) if _holds(whole, at) else ():
            yield Variation(at[-1], what, replace(plain, body=_written(_put(whole, at, value))))
    yield from _wholes(plain, next((at for at, _ in fields if _holds(whole, at)), ()), whole)


def _wholes(plain: Ready, at: tuple[str, ...], whole: Any) -> Iterator[Variation]:
    """Bodies that fail as a whole: what is in them is repeated, or read to the bottom."""
    for what, value in (("half a surrogate pair", "\ud800"), ("`NaN`", float("nan"))):
        if at:
            body = _written(_put(whole, at, value))
            yield Variation(at[-1], what, replace(plain, body=body))
    for what, body in (("null in place of the body", b"null"), ("a list as its body", b"[]"),
                       (f"{_DEEP:,} nested lists", b"[" * _DEEP + b"]" * _DEEP)):  # fmt: skip
        yield Variation("", what, replace(plain, body=body))


def _in_form(stage: Stage, name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if schema.get("type") in ("integer", "number"):
        yield from _in_query(name, schema)
    yield from _texts(stage, name, schema)


def _forms(stage: Stage, plain: Ready, schemas: _Schemas) -> Iterator[Variation]:
    if dict(plain.headers)["content-type"] == multipart.CONTENT_TYPE:
        yield from _in_parts(stage, plain, schemas)
        return
    for name, _ in parse_qsl(plain.body.decode(), keep_blank_values=True):
        for what, value in _in_form(stage, name, schemas.get(name, {})):
            yield Variation(name, what, _in_form_body(plain, name, value))


def _in_parts(stage: Stage, plain: Ready, schemas: _Schemas) -> Iterator[Variation]:
    """Forms with one part replaced: a file by an odd one, a field by an odd text."""
    parts = multipart.parts_of(plain.body)
    for number, part in enumerate(parts):
        if part.filename is not None:
            others: Iterator[tuple[str, multipart.Part]] = odd_files(stage, part)
        else:
            told = _in_form(stage, part.name, schemas.get(part.name, {}))
            others = ((what, replace(part, content=text.encode())) for what, text in told)
        for what, other in others:
            body = multipart.encoded((*parts[:number], other, *parts[number + 1 :]))
            yield Variation(part.name, what, replace(plain, body=body))


def _in_field(
    stage: Stage, at: tuple[str, ...], schema: Mapping[str, Any], whole: Any
) -> Iterator[tuple[str, Any]]:
    name, kind = at[-1], schema.get("type")
    if kind == "string":
        yield from _texts(stage, name, schema)
        if is_text(schema) and not _SONG.search(str(_held(whole, at)).encode()):
            yield WORD, stage.text()
    elif kind in ("integer", "number"):
        if kind == "integer" and _KEYS.search(name):
            yield UNKNOWN_ROW, 2**31 - 1
        if "maximum" not in schema and "exclusiveMaximum" not in schema:
            yield BEYOND_32, 2**31
            yield BEYOND_64, 2**63
        yield from (("`NaN`", float("nan")), ("`1e999`", _ENDLESS)) if kind == "number" else ()
    if kind in ("string", "integer", "number", "boolean", "array"):
        yield NULL, None
        yield "a wrong type", {"fw": "right"}


def _texts(stage: Stage, name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if schema.get("format") == "uuid" and _KEYS.search(name):
        yield UNKNOWN_ROW, NO_UUID
    if not is_text(schema):
        return
    yield NUL, f"{stage.text()}\0"
    most = schema.get("maxLength")
    columns = [c for t in stage.app.tables for c in t.columns if c.attribute == name]
    for length in sorted({c.length for c in columns if c.length and c.length < _LONG}):
        if most is None or length < most:
            yield BEYOND_COLUMN, _long(stage, length + 1)
    if most is None:
        yield MEGABYTE, _long(stage, _LONG)


def _long(stage: Stage, length: int) -> str:
    """A text of at least that length that nothing else holds."""
    return f"{stage.text()}{'x' * length}"


def _in_form_body(plain: Ready, name: str, value: str) -> Ready:
    sent = parse_qsl(plain.body.decode(), keep_blank_values=True)
    given = [(k, v) for k, v in sent if k != name]
    return replace(plain, body=urlencode([*given, (name, value)]).encode())


def _holds(whole: Any, at: tuple[str, ...]) -> bool:
    for name in at:
        if not isinstance(whole, dict) or name not in whole:
            return False
        whole = whole[name]
    return True


def _held(whole: Any, at: tuple[str, ...]) -> Any:
    for name in at:
        whole = whole[name]
    return whole


def _put(whole: Any, at: tuple[str, ...], value: Any) -> Any:
    """The same JSON with another value at one place."""
    first, *rest = at
    return {**whole, first: _put(whole[first], tuple(rest), value) if rest else value}


def _written(whole: Any) -> bytes:
    return json.dumps(whole).replace(f'"{_ENDLESS}"', "1e999").encode()
