"""Where a function refuses a request: by ``raise HTTPException(4xx)``, or what it calls does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function, Stop
from fastwright.model.places import Span
from fastwright.review.once import once
from fastwright.review.raising import catching
from fastwright.review.reach import reach

_RAISED = frozenset({"fastapi.HTTPException", "fastapi.exceptions.HTTPException",
                     "starlette.exceptions.HTTPException"})  # fmt: skip
_STATUS = re.compile(r"(?:^|HTTP_)([1-5]\d\d)(?:_|$)")
_CLASS = re.compile(rb"^class (\w+)\(([^)]*)\):((?:\n(?:[ \t][^\n]*)?)+)", re.MULTILINE)
_GIVEN = re.compile(
    rb"(?:status_code\s*(?::\s*int\s*)?=\s*|__init__\(\s*)(?:[\w.]*HTTP_)?([1-5]\d\d)(?!\d)"
)
_REFUSES = range(400, 500)
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """One place where a function refuses: the ``raise``, or the call below which one stands.

    `status` is what it refuses with, `raised` the dotted class.
    """

    at: Span
    status: int
    raised: str


def refusals(
    app: AppMap, function: Function, *, whole: bool = False, depth: int = 0
) -> Iterator[Refusal]:
    """The refusals of a function that leave it; with `whole` those that it catches itself, too."""
    for stop in function.stops:
        call = _made(app, function, stop) if stop.kind == "raise" else None
        status = status_of(app, function, stop) if call is not None else None
        if call is not None and status in _REFUSES and (whole or _leaves(function, stop.start)):
            yield Refusal(Span(function.span.path, stop.start, stop.end), status or 0,
                          call.callee or "")  # fmt: skip
    for call in reach(app).calls_in(function) if depth < _DEEPEST else ():
        inner = reach(app).callee(call)
        runs = inner is not None and not inner.yields and (call.awaited or not inner.is_async)
        if inner is None or not runs or inner == function:
            continue
        if whole or _leaves(function, call.span.start):
            found = next(refusals(app, inner, depth=depth + 1), None)
            if found is not None:
                yield Refusal(call.span, found.status, found.raised)


def status_of(app: AppMap, function: Function, stop: Stop) -> int | None:
    """The status in what a ``raise`` or ``return`` gives, where it is written there."""
    call = _made(app, function, stop)
    if call is None:
        return None
    if call.callee in _own_refusals(app):
        return _own_refusals(app)[call.callee or ""]
    given = dict(call.keywords).get("status_code")
    if given is None and call.callee in _RAISED:
        given = next(iter(call.arguments), None)
    word = given.rpartition(".")[2] if given is not None else ""
    found = _STATUS.search(word)
    if found is None and "HTTPStatus" in (given or ""):
        return next((int(status) for status in HTTPStatus if status.name == word), None)
    return int(found[1]) if found else None


def _made(app: AppMap, function: Function, stop: Stop) -> Call | None:
    """The call that a ``raise HTTPException(…)`` or ``return Response(…)`` makes."""
    for call in reach(app).calls_in(function):
        if stop.start <= call.span.start and call.span.end <= stop.end:
            is_whole = stop.value.startswith(f"{call.text}(")
            is_raised = call.callee in _RAISED or call.callee in _own_refusals(app)
            if is_whole and (stop.kind == "return" or is_raised):
                return call
    return None


@once
def _own_refusals(app: AppMap) -> Mapping[str, int]:
    """The classes of the app that are an ``HTTPException`` of one status, which they name."""
    found: dict[str, int] = {}
    for module in app.modules.values():
        content = app.files[module.path]
        if b"HTTPException" not in content:
            continue
        for hit in _CLASS.finditer(content):
            bases = {word.decode() for word in re.findall(rb"\w+", hit[2])}
            given = {int(status) for status in _GIVEN.findall(hit[3])}
            is_own = any(module.imports.get(base) in _RAISED for base in bases)
            if is_own and len(given) == 1:
                found[f"{module.name}.{hit[1].decode()}"] = given.pop()
    return found


def _leaves(function: Function, offset: int) -> bool:
    return catching(function, offset, "HTTPException") is None
