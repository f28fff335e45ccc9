"""What is slow and cannot be mended without a change of the contract: said, and not done. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.app import AppMap
from fastwright.tune.idea import Idea
from fastwright.tune.seen import Group, Observation, Visit
from fastwright.tune.symptoms import Cause, Symptom

UNBOUNDED = "list without a limit"
DEEP = "OFFSET, which reads what it skips"
COUNTED = "count of all rows"
UNTYPED = "no response model"
SLOW = "statement that reads far more than it gives"
NESTED = "two connections at once"
_COUNTS = re.compile(r"SELECT count\((\*|(DISTINCT )?[\w.\"]+)\)", re.IGNORECASE)
_SKIPS = re.compile(r"skip|offset|page|cursor|start|from|after|limit|size")
SLOWLY, _SLOWER, _LONGER = 0.02, 6.0, 4.0
"""Seconds that one statement may take with the most rows, and how much more than with few."""
_NARROW = (
    "filter and limit before joining and grouping, or keep what is counted in a column; its plan "
    "tells which part reads the most"
)
MANY = 200
"""Items of an answer from which on it counts as a list that grows with the table."""


def proposals(
    app: AppMap, symptoms: Sequence[Symptom], observed: Sequence[Observation]
) -> Iterator[Idea]:
    """Everything that is worth saying of the routes, one idea for each cause and route.

    Args:
        app: The map of the tree as it is now.
        symptoms: What grows, or is repeated.
        observed: Every route at each size.
    """
    for symptom in symptoms:
        if symptom.cause is Cause.REPEATED and symptom.group is not None:
            yield _repeated(symptom.route, symptom.group)
    for route, visit in observed[-1].visits.items():
        if visit.status == 200:
            yield from _of_route(app, route, visit, observed)


def _of_route(
    app: AppMap, route: str, visit: Visit, observed: Sequence[Observation]
) -> Iterator[Idea]:
    counts = [_items(one.visits[route]) for one in observed]
    if counts[-1] >= MANY and counts[-1] > 5 * counts[-2]:
        grown = " → ".join(map(str, counts))
        yield _idea(UNBOUNDED, route, f"{grown} items", "a limit changes what callers are given")
    for group in visit.groups:
        yield from _of_group(app, route, group)
    yield from _of_growth(route, observed)
    if visit.held > 1:
        seen = f"{visit.held} connections of the pool are its at the same time"
        why = "requests that wait for their second starve each other; take one session for both"
        yield _idea(NESTED, route, seen, why)
    if _is_untyped(app, route) and len(visit.body) > 20_000:
        seen = f"{len(visit.body)} bytes are encoded without a model"
        yield _idea(UNTYPED, route, seen, "which fields are public is for you to say")


def _of_growth(route: str, observed: Sequence[Observation]) -> Iterator[Idea]:
    """A statement that takes longer the more rows there are, and gives no more of them."""
    visits = [one.visits[route] for one in observed]
    if len(visits[-1].body) > _LONGER * len(visits[-2].body):
        return
    known = {g.key: g for g in visits[-2].groups if g.count == 1}
    for group in visits[-1].groups:
        before = known.get(group.key)
        if before is None or group.count != 1 or group.seconds < SLOWLY:
            continue
        if group.seconds > _SLOWER * before.seconds:
            took = " → ".join(f"{one.seconds * 1000:.1f}" for one in (before, group))
            sizes = " and ".join(str(one.size) for one in observed[-2:])
            seen = f"{took} ms with {sizes} rows in each table, {_at(group)}"
            yield _idea(SLOW, route, seen, _NARROW)


def _of_group(app: AppMap, route: str, group: Group) -> Iterator[Idea]:
    if re.search(r"\bOFFSET\b", group.sql) and _is_paged(app, route):
        yield _idea(DEEP, route, _at(group), "a cursor changes what callers have to send")
    elif _COUNTS.match(group.sql) and not re.search(r" (WHERE|JOIN) ", group.sql):
        yield _idea(COUNTED, route, _at(group), "an estimate changes what callers are told")


def _repeated(route: str, group: Group) -> Idea:
    seen = f"{group.count} times, {group.distinct} with different parameters, {_at(group)}"
    return _idea(Cause.REPEATED.value, route, seen, "keep the first result and pass it on")


def _idea(cause: str, route: str, seen: str, because: str) -> Idea:
    return Idea(f"{cause} {route}", cause, (route,), (f"{route}: {seen}",), (), because)


def _at(group: Group) -> str:
    return f"at `{group.place}`" if group.place else "outside of the project's code"


def _is_untyped(app: AppMap, route: str) -> bool:
    method, _, path = route.partition(" ")
    found = app.route(method, path)
    return found is not None and found.response_model is None


def _is_paged(app: AppMap, route: str) -> bool:
    """Callers say how much to skip; ``.first()`` of a legacy query sends an OFFSET as well."""
    found = app.route(*route.split(" ", 1))
    if found is None or any(p.source == "query" for p in found.parameters):
        return True
    signatures = (app.signatures.get(d.call, ()) for d in found.every_dependency())
    return any(_SKIPS.search(p.name) for signature in signatures for p in signature)


def _items(visit: Visit) -> int:
    """The length of the longest list at the top of an answer."""
    try:
        told = json.loads(visit.body)
    except ValueError:
        return 0
    values = list(told.values()) if isinstance(told, Mapping) else [told]
    return max((len(value) for value in values if isinstance(value, list)), default=0)
