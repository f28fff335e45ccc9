"""The headers of an ``HTTPException``, through the app's own handler of it."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.code import Call, Function
from fastwright.model.places import Span


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
