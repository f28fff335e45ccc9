"""Functions that stop the event loop while they wait, run in a thread instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from fastwright.model.app import AppMap
from fastwright.model.change import Fix
from fastwright.model.code import Function
from fastwright.review.asynchrony import plain_function, sleep_awaited
from fastwright.tune.idea import Gain, Idea, Variant
from fastwright.tune.seen import Frame, Group, Observation, Stall

BLOCKING = "blocking driver in the event loop"
STALLED = "event loop held up"
_SHARED = "requests share its session, which no two threads may use at the same time"
_AWAITS = "it awaits something else as well, or other code awaits it: the driver has to be async"
_OBJECTS = "objects are made of all its rows there: ask for fewer rows, or for less of each"
_OTHERWISE = "`await` it, give it to a thread, or answer with `def` instead of `async def`"
_STATE = "it changes what all requests share, which threads would do at the same time"
_KEEPS = re.compile(rb"^\s*(?:global|nonlocal)\s", re.MULTILINE)

_T = TypeVar("_T")
Seen = list[tuple[str, _T]]
"""What was seen of each route."""


def ideas(app: AppMap, observed: Sequence[Observation]) -> Iterator[Idea]:
    """One idea for each function of FastAPI's that stops the loop, then what nothing can mend.

    Args:
        app: The map of the tree as it is now.
        observed: Every route at each size.
    """
    blocking: dict[str, Seen[Group]] = {}
    stalled: dict[str, Seen[Stall]] = {}
    loading: set[str] = set()
    for route, visit in observed[-1].visits.items():
        if visit.status >= 400:
            continue
        told = {g.place.line for g in visit.groups if g.place is not None and g.blocks}
        for group in (g for g in visit.groups if g.blocks):
            blocking.setdefault(_owner(app, group), []).append((route, group))
        asked = {str(g.place) for g in visit.groups}
        for stall in (s for s in visit.stalls if s.place.line not in told):
            stalled.setdefault(str(stall.place), []).append((route, stall))
            loading |= asked & {str(stall.place)}
    for key, groups in blocking.items():
        yield _of_groups(app, key, groups)
    for place, stalls in stalled.items():
        idea = _of_stall(app, stalls)
        yield replace(idea, because=_OBJECTS) if place in loading and not idea.variants else idea


def _owner(app: AppMap, group: Group) -> str:
    """What one function sends is one idea, however many statements it sends."""
    function = _function(app, group.stack)
    if function is not None:
        return function.name
    return f"{group.stack[-1].path} {group.stack[-1].function}" if group.stack else ""


def _of_groups(app: AppMap, key: str, seen: Seen[Group]) -> Idea:
    routes = tuple(dict.fromkeys(route for route, _ in seen))
    places = ", ".join(f"`{p}`" for p in dict.fromkeys(_place(g) for _, g in seen))
    said = f"{', '.join(routes)}: the loop stands still for each statement at {places}"
    bare = Idea(f"{BLOCKING} {key}", BLOCKING, routes, (said,), because=_AWAITS)
    function = _function(app, seen[0][1].stack)
    if any(group.shared for _, group in seen):
        return replace(bare, because=_SHARED)
    return _mended(app, bare, function, _in_thread(app, function))


def _of_stall(app: AppMap, seen: Seen[Stall]) -> Idea:
    routes = tuple(dict.fromkeys(route for route, _ in seen))
    stall = max((one for _, one in seen), key=lambda one: one.seconds)
    held = f"{stall.seconds * 1000:.0f} ms without a turn for anybody, at `{stall.place}`"
    bare = Idea(f"{STALLED} {stall.place}", STALLED, routes, (f"{', '.join(routes)}: {held}",))
    function = _function(app, stall.stack)
    fixes = _slept(app, stall.place) or _in_thread(app, function)
    return _mended(app, replace(bare, because=_OTHERWISE), function, fixes)


def _mended(app: AppMap, bare: Idea, function: Function | None, fixes: Sequence[Fix]) -> Idea:
    """`bare` with the ways that mend it, where it does not change what all requests share."""
    if fixes and function is not None and _keeps_state(app, function):
        return replace(bare, because=_STATE)
    variants = tuple(Variant(fix.title, fix.changes) for fix in fixes)
    return replace(bare, variants=variants, gain=Gain.TURNS)


def _in_thread(app: AppMap, function: Function | None) -> tuple[Fix, ...]:
    return plain_function(app, function) if function is not None else ()


def _slept(app: AppMap, place: Frame) -> tuple[Fix, ...]:
    """A ``time.sleep`` of an ``async`` function at `place`, awaited instead."""
    name = f"{_modules(app).get(place.path)}.{place.function}"
    function = next((f for f in app.functions if f.name == name and f.is_async), None)
    content = app.files.get(place.path, b"")
    slept = [
        call
        for call in app.calls
        if call.callee == "time.sleep"
        and call.caller == name
        and content.count(b"\n", 0, call.span.start) + 1 == place.line
    ]
    return sleep_awaited(app, slept[0]) if function is not None and slept else ()


def _keeps_state(app: AppMap, function: Function) -> bool:
    span = function.span
    return bool(_KEEPS.search(app.files[span.path], span.start, span.end))


def _function(app: AppMap, stack: Sequence[Frame]) -> Function | None:
    """The function on `stack` that FastAPI calls by itself: a handler or a dependency."""
    called = {route.handler for route in app.routes}
    called |= {d.call for route in app.routes for d in route.every_dependency()}
    modules = _modules(app)
    known = {function.name: function for function in app.functions}
    for frame in reversed(stack):
        name = f"{modules.get(frame.path)}.{frame.function}"
        if name in called and name in known and known[name].is_async:
            return known[name]
    return None


def _modules(app: AppMap) -> Mapping[PurePosixPath, str]:
    return {module.path: module.name for module in app.modules.values()}


def _place(group: Group) -> str:
    return str(group.place) if group.place is not None else "no line of the project"
