"""The headers of an ``HTTPException``, through the app's own handler of it."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse, walk


def ensure_error_headers(app: AppMap, *, why: str) -> tuple[Change, ...]:
    """Have every handler of ``HTTPException`` answer with the exception's headers too.

    Nothing for a handler that speaks of headers, or does not answer with the exception's status.
    """
    return tuple(
        _with_headers(app, call, error, why)
        for function, error in _handlers(app)
        if b"headers" not in app.text(function.span).encode()
        for call in app.calls
        if call.caller == function.name and call.text.endswith("Response")
        if f"status_code={error}.status_code" in app.text(call.span)
    )


def error_fields(app: AppMap) -> tuple[tuple[str, str], ...]:
    """The fields of what the app answers an ``HTTPException`` with, and their types.

    Empty where FastAPI answers it itself, or where the answer of the app's own handler is not a
    plain dictionary that can be read.
    """
    for function, error in _handlers(app):
        for call in app.calls:
            if call.caller == function.name and call.text.endswith("JSONResponse"):
                return tuple(_fields(app.text(call.span), error))
    return ()


def _fields(call: str, error: str) -> Iterator[tuple[str, str]]:
    """The keys of the first dictionary in `call`, where each of them and its type is plain."""
    content = next((n for n in walk(parse(call.encode())) if n.type == "dictionary"), None)
    pairs = content.named_children if content is not None else []
    found = [_field(pair, error) for pair in pairs]
    if all(found):
        yield from (field for field in found if field)


def _field(pair: Node, error: str) -> tuple[str, str] | None:
    key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
    name, written = text_of(key).strip("\"'"), text_of(value)
    known = {f"{error}.status_code": "int", f"{error}.detail": "str"}
    kind = "str" if value is not None and value.type == "string" else known.get(written)
    return (name, kind) if kind and name.isidentifier() else None


def _handlers(app: AppMap) -> Iterator[tuple[Function, str]]:
    """Functions that answer in the place of an ``HTTPException``, and their name for it."""
    added = {
        call.arguments[1]
        for call in app.calls
        if call.text.endswith("add_exception_handler") and _of_http(call.arguments[:1])
        if len(call.arguments) > 1
    }
    for function in app.functions:
        if len(function.parameters) < 2:
            continue
        error = function.parameters[1]
        decorated = any(name.endswith("exception_handler") for name in function.decorators)
        of_http = _of_http((dict(function.annotations).get(error, ""),))
        if (decorated and of_http) or function.name.rpartition(".")[2] in added:
            yield function, error


def _of_http(names: tuple[str, ...]) -> bool:
    return any(name.rpartition(".")[2] == "HTTPException" for name in names)


def _with_headers(app: AppMap, call: Call, error: str, why: str) -> Edit:
    """The headers behind the status: on a line of their own where the status has one."""
    content, text = app.files[call.span.path], app.text(call.span)
    written = f"status_code={error}.status_code"
    at = call.span.start + len(text[: text.index(written)].encode())
    before = content[content.rfind(b"\n", 0, at) + 1 : at].decode()
    between = ", " if before.strip() else f",\n{before}"
    end = at + len(written.encode())
    return Edit(Span(call.span.path, end, end), f"{between}headers={error}.headers", why)
