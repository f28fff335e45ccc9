"""Routes that no request can reach, because one above them answers first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastwright.model.app import AppMap, Route
from fastwright.review.once import once

_CONVERTED = re.compile(r"\{\w+:(?P<converter>\w+)\}")
_WHOLE = re.compile(r"\{\w+\}")


@once
def shadowed(app: AppMap) -> Sequence[tuple[Route, Route]]:
    """The pairs of a route and one further down of which it answers every path.

    Those alone that one file declares on one router; a pair of handlers once, though their router
    is included twice.
    """
    seen: dict[tuple[object, ...], list[Route]] = {}
    found: dict[tuple[str, str], tuple[Route, Route]] = {}
    for route in app.routes:
        if route.span is None or not route.reachable or "{?}" in route.path:
            continue
        above = seen.setdefault((route.app, route.router, route.method, route.span.path), [])
        first = next((r for r in above if answers(r, route)), None)
        if first is not None and not _is_versioned(app, first, route):
            found.setdefault((first.handler, route.handler), (first, route))
        above.append(route)
    return tuple(found.values())


def answers(first: Route, later: Route) -> bool:
    """True where every path of `later` is one of `first`, which stands above it."""
    if first.condition or first.span is None or first.span == later.span:
        return False
    ours, theirs = first.path.split("/"), later.path.split("/")
    if re.search(r"\{\w+:path\}$", first.path) and "{" not in first.path[: first.path.rfind("{")]:
        return later.path.startswith(first.path[: first.path.rfind("{")])
    return len(ours) == len(theirs) and all(map(_covers, ours, theirs))


def scope(route: Route) -> str:
    """The function that declares a route; of two, it is not known that both run on one router."""
    return route.handler.rpartition(".<locals>.")[0]


def _covers(part: str, other: str) -> bool:
    if _WHOLE.fullmatch(part):
        return bool(other) and not other.endswith(":path}")
    ours, theirs = _CONVERTED.fullmatch(part), _CONVERTED.fullmatch(other)
    if ours and theirs:
        return ours["converter"] == theirs["converter"]
    return part == other and "{" not in part


def _is_versioned(app: AppMap, *routes: Route) -> bool:
    """True where a further decorator may give one path to several handlers on purpose."""
    handlers = {route.handler for route in routes}
    decorators = (f.decorators for f in app.functions if f.name in handlers)
    return any("version" in name for names in decorators for name in names)
