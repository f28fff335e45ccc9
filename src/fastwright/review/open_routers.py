"""Routers that are wholly open and write, in an app that asks elsewhere who is calling."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.routing import Route
from fastwright.review.guarding import WRITES, Guarding, guarding_of
from fastwright.review.nesting import named_tables

_DOER = re.compile(
    r"^(creat|add|updat|edit|modifi|chang|approv|reject|delet|remov|cancel|process|perform|verifi|"
    r"assign|receiv|issu|record|clos|publish|generat|acknowledg|resolv|complet|submit|upload)"
    r"\w*_by(_(user_)?(id|uuid|name))?$"
)
"""A field that says who does what is done."""
_ROOMS = re.compile(r"(?i)/(admin|administration|backoffice|superuser)s?(?=/)")
_CHANGES = frozenset({"PUT", "PATCH", "DELETE"})
_SECRET = re.compile(r"(?i)passw|pwd|contrase|senha|hashed")
_STRANGERS = re.compile(r"(?i)_*(no|not|is_not|anonym\w*|guest|un)_")
"""What a dependency is called that lets in only those who are not logged in."""
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class OpenRouter:
    """A router none of whose routes asks: what writes there, and why it should not be open.

    `because` is empty where nothing but the rest of the app says so; else it is said of `shown`.
    `guard` is what others ask for most.
    """

    name: str
    writing: tuple[Route, ...]
    shown: Route
    because: str
    guard: str


def open_routers(
    app: AppMap, is_left_open: Callable[[Route], bool], administers: Callable[[Route], bool]
) -> Iterator[OpenRouter]:
    """The open routers of an app whose others ask; `is_left_open` says what is for everybody.

    `administers` says of a route that its text speaks of administrators alone.
    """
    guarding = guarding_of(app)
    groups: dict[str, list[Route]] = defaultdict(list)
    for route in guarding.served:
        if route.method != "WEBSOCKET" and not is_left_open(route):
            groups[route.router or ""].append(route)
    known = Counter(name for r in guarding.served if r.method in WRITES for name in _asked(r))
    if not known:
        return
    guard = known.most_common(1)[0][0].rpartition(".")[2]
    for name, routes in groups.items():
        if any(map(guarding.is_guarded, routes)):
            continue
        writing = [r for r in routes if r.method in WRITES and guarding.is_open(r)]
        if writing:
            shown, why = _reason(app, guarding, writing, administers)
            yield OpenRouter(name, tuple(writing), shown, why, guard)


def _asked(route: Route) -> tuple[str, ...]:
    """The guards by which a route knows who is calling."""
    known = (g for g in route.guards if g.role in ("principal", "permission") and not g.optional)
    return tuple(g.name for g in known if not _STRANGERS.match(g.name.rpartition(".")[2]))


def _reason(
    app: AppMap, guarding: Guarding, writing: list[Route], administers: Callable[[Route], bool]
) -> tuple[Route, str]:
    for route in writing:
        if administers(route) or _ROOMS.search(route.path):
            return route, "it says that it is for administrators"
        if doer := _doer(app, route):
            return route, f"who calls is to say so by `{doer}`"
        if peer := _guarded_elsewhere(guarding, route):
            return route, f"`{peer}` asks before it writes the same rows"
    return writing[0], ""


def _doer(app: AppMap, route: Route) -> str:
    """The field or parameter by which a client says who does this."""
    schema = next((s for s in app.schemas if s.name == route.body_model), None)
    names = [p.name for p in route.parameters if p.source in ("query", "body", "form", None)]
    names += [field.name for field in schema.fields] if schema is not None else []
    return next((name for name in names if _DOER.match(name)), "")


def _guarded_elsewhere(guarding: Guarding, route: Route) -> Route | None:
    """A guarded route that changes rows of the same table, where all others that do are guarded."""
    tables = {t for q in route.queries if q.kind != "select" for t in q.tables[:1]}
    others = [
        r
        for r in guarding.served
        if r.method in _CHANGES
        and r.router != route.router
        and any(q.kind != "select" and not tables.isdisjoint(q.tables[:1]) for q in r.queries)
    ]
    is_habit = len(others) >= _FEWEST and all(map(guarding.is_guarded, others))
    return others[0] if is_habit and route.method in _CHANGES else None


def changes_accounts(app: AppMap, guarding: Guarding, route: Route) -> bool:
    """Whether a route changes or deletes an account, and is no way to get one back."""
    if route.method not in _CHANGES or guarding.is_public_by_nature(route):
        return False
    named = [table for _, table in named_tables(app, route.path, None)]
    table = named[-1] if named and route.path.endswith("}") else None
    return table is not None and any(_SECRET.search(c.name) for c in table.columns)
