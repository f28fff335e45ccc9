"""Uses of an ``AsyncSession`` that it cannot have: ``query``, and results that nobody awaits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.misreading import is_reached
from fastwright.review.raising import Failure, failure_at, is_passed
from fastwright.review.reach import reach
from fastwright.review.sent_values import given_by
from fastwright.review.unawaited import read_of

_IMPORTED = re.compile(r"(?:sqlalchemy|sqlmodel)\.")
_ASYNC_SESSION = re.compile(r"(?:^|[^\w])AsyncSession(?:$|[^\w])")
_AWAITED = frozenset({"execute", "exec", "scalars", "scalar", "get", "get_one", "merge"})
"""Methods whose result is a coroutine, and is used."""
_GOES_ON = re.compile(rb"\s*[.\[]")

Given = tuple[str, str]
"""A function, and its parameter that holds an async session."""


def misused_sessions(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """What each run of a function asks of an async session, and does not get."""
    given = _given(app)
    for function in app.functions:
        for name in function.parameters:
            if (function.name, name) not in given or any(
                binding.name == name for binding in function.bindings
            ):
                continue
            found = next(_misused(app, function, name), None)
            if found is not None:
                yield function.name, found


def _given(app: AppMap) -> frozenset[Given]:
    """The parameters that hold an async session.

    What a route is given counts; annotations, and what it is handed on to, do where the app has
    no other kind.
    """
    known = [p for p in app.sessions if p.kind == "dependency" and p.span is not None]
    giving = {p.symbol for p in known if p.is_async}
    found = {
        (route.handler, node.name)
        for route in app.routes for node in route.dependencies if node.call in giving
    }  # fmt: skip
    if {p.is_async for p in known if p.used_by} == {True}:
        found |= _said(app)
    if all(provider.is_async for provider in app.sessions):
        found |= _handed_on(app, found)
    return frozenset(found)


def _said(app: AppMap) -> set[Given]:
    theirs = {
        m.path for m in app.modules.values() if _IMPORTED.match(m.imports.get("AsyncSession", ""))
    }
    return {
        (function.name, name)
        for function in app.functions if function.span.path in theirs
        for name, text in function.annotations if _ASYNC_SESSION.search(text)
    }  # fmt: skip


def _handed_on(app: AppMap, given: set[Given]) -> set[Given]:
    """The parameters of other functions that are given such a one by its name."""
    found, waiting = set(given), {function for function, _ in given}
    while waiting:
        function = reach(app).functions.get(waiting.pop())
        for call in reach(app).calls_in(function) if function is not None else ():
            inner = reach(app).callee(call)
            rows = given_by(inner, call).items() if inner is not None else ()
            held = {
                (inner.name, name) for name, text in rows if inner and (call.caller, text) in found
            }
            waiting |= {name for name, _ in held - found}
            found |= held
    return found


def _misused(app: AppMap, function: Function, name: str) -> Iterator[Failure]:
    """Where each run of `function` comes to such a use of `name`, in order."""
    for call in reach(app).calls_in(function):
        head, _, verb = call.text.rpartition(".")
        start = call.span.start
        if head != name:
            continue
        if verb == "query" and is_reached(app, function, start):
            at = Span(call.span.path, start, start + len(call.text))
            why = f"`{name}` is an `AsyncSession`, which has no `query`"
            yield failure_at(function, at, "AttributeError", why)
        read = _read(app, function, call) if verb in _AWAITED and not call.awaited else None
        if read is not None and is_passed(app, function, read):
            why = f"`{name}` is an `AsyncSession`: `{call.text}` gives a coroutine"
            yield failure_at(function, read, "AttributeError", why)


def _read(app: AppMap, function: Function, call: Call) -> Span | None:
    """Where something is read of what a call gives, at once or by the name that it is bound to."""
    if _GOES_ON.match(app.files[call.span.path], call.span.end):
        return call.span
    return read_of(app, function, call) if call.target else None
