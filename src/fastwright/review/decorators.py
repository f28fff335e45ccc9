"""Edits of the call that registers a handler: what stands in its decorator."""

from __future__ import annotations

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.code import Call
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.reach import reach
from fastwright.source.imports import ensure_import


def registration(app: AppMap, route: Route) -> Call | None:
    """The call in the decorator that registers the handler of `route`; None for no decorator."""
    if route.span is None:
        return None
    verbs = (route.method.lower(), "api_route", "route", "websocket")
    inside = (
        call
        for call in reach(app).calls_of(route.span.path)
        if route.span.start < call.span.start <= call.span.end < route.span.end
        and call.text.rpartition(".")[2] in verbs
        and app.files[call.span.path][call.span.start - 1 : call.span.start] == b"@"
    )
    return next(inside, None)


def with_keyword(app: AppMap, call: Call, written: str, why: str) -> Edit:
    """One further keyword argument at the end of a call."""
    content = app.files[call.span.path]
    end = call.span.end - 1
    before = content[call.span.start : end].rstrip()
    at = call.span.start + len(before)
    comma = "" if before.endswith((b",", b"(")) else ", "
    return Edit(Span(call.span.path, at, at), comma + written, why)


def with_dependency(app: AppMap, route: Route, guard: str) -> tuple[Edit, ...]:
    """`guard`, a dotted function of ours, among the dependencies of the decorator of `route`.

    Nothing where there is no decorator, or the place of the guard in it is not known.
    """
    call = registration(app, route)
    module, _, name = guard.rpartition(".")
    functions = {f.name for f in app.functions if f.class_name is None}
    if call is None or not module or guard not in functions or "<" in guard:
        return ()
    path = call.span.path
    depends = ensure_import(app, path, "fastapi", "Depends")
    bound = ensure_import(app, path, module, name)
    one = f"{depends.local}({bound.local})"
    why = f"`{route}` is guarded as its siblings are"
    given = dict(call.keywords).get("dependencies")
    if given is None:
        edit = with_keyword(app, call, f"dependencies=[{one}]", why)
    else:
        found = _listed(app, call)
        if found is None:
            return ()
        edit = Edit(found, f"{one}, ", why)
    return (*depends.edits, *bound.edits, edit)


def _listed(app: AppMap, call: Call) -> Span | None:
    """The place behind the opening bracket of the list of dependencies."""
    content = app.files[call.span.path]
    start = content.find(b"dependencies=[", call.span.start, call.span.end)
    at = start + len(b"dependencies=[")
    return Span(call.span.path, at, at) if start >= 0 else None
