"""Handlers and dependencies that never begin: another dependency of their routes raises before."""

from __future__ import annotations

from collections.abc import Sequence

from fastwright.model.app import AppMap, Dependency
from fastwright.review.failing import failure_below
from fastwright.review.once import once
from fastwright.review.reach import reach

_OVERRIDES = b"dependency_overrides"


@once
def stopped(app: AppMap) -> frozenset[str]:
    """The names of such functions, without those that another call or route runs."""
    if any(_OVERRIDES in app.files[path] for path in app.files if _is_served(str(path))):
        return frozenset()
    dead, live = set[str](), set[str]()
    for route in app.routes:
        if route.reachable:
            every = route.every_dependency()
            ending = {node.call for node in every if _is_kept(app, node.children)}
            ending |= {route.handler} if _is_kept(app, route.dependencies) else set()
            dead |= ending
            live |= {route.handler, *(node.call for node in every)} - ending
    return frozenset(dead - live - {call.callee or "" for call in app.calls})


def _is_served(path: str) -> bool:
    return path.endswith(".py") and "test" not in path


def _is_kept(app: AppMap, needed: Sequence[Dependency]) -> bool:
    """True where one of what has to be called before, or what that needs, raises."""
    return any(_raises(app, below) for node in needed for below in node.walk())


def _raises(app: AppMap, node: Dependency) -> bool:
    """True for a function each run of which raises before it gives anything."""
    function = reach(app).functions.get(node.call)
    found = failure_below(app, function) if function is not None else None
    if function is None or found is None:
        return False
    failure, step = found
    at = failure.at if step is None else step.place.span
    given = [stop.start for stop in function.stops if stop.kind == "yield"]
    return not given or at.start < min(given)
