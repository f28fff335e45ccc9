"""The two endpoints, rendered into the place where the app's routers stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Change, NewFile
from fastwright.recipes import payload
from fastwright.recipes.ensure.drafting import split_symbol
from fastwright.recipes.ensure.router import RouterPlace, router_place
from fastwright.recipes.health_checks.database import Database
from fastwright.recipes.payload import Piece, Rendering

_DOC = '"""Whether the app runs, and whether it can serve: for whoever watches over it."""'
_PACKAGE = "fastwright.recipes.health_checks"
_WHY_LIVE = "liveness: the process answers, and nothing else is asked"
_WHY_READY = "readiness: 503 while the database is away"
_WHY_PLAIN = "readiness: the app has started"


def place_of(app: AppMap, database: Database, paths: tuple[str, str]) -> RouterPlace:
    """The file of the endpoints: where one of them stands already, else where a router would."""
    place = router_place(app, "health")
    for route in app.routes:
        if route.method == "GET" and route.span is not None and _is_one(route, paths):
            path = route.span.path
            module, variable = split_symbol(app, route.router or f"{place.module}.router")
            return replace(place, path=path, module=module, variable=variable, packages=())
    target = app.app
    if in_app_file(app, database) and target is not None:
        module = target.target.partition(":")[0]
        return replace(
            place, path=target.path, module=module, variable=target.variable, packages=()
        )
    return place


def in_app_file(app: AppMap, database: Database) -> bool:
    """True where the endpoints stand beside the app object, on itself.

    So it is in an app of one file; and where the session is made in that file, which a module that
    the app imports could not import in turn.
    """
    target = app.app
    if target is None or target.factory:
        return False
    own = target.target.partition(":")[0]
    handlers = {route.span.path for route in app.routes if route.span is not None}
    one_file = not app.routers and handlers == {target.path}
    return one_file or (bool(database.symbol) and split_symbol(app, database.symbol)[0] == own)


def written(
    app: AppMap,
    database: Database,
    place: RouterPlace,
    missing: tuple[str, ...],
    strings: Mapping[str, str],
) -> tuple[Change, ...]:
    """The endpoints of the paths in `missing`, into a new file or one that has the other."""
    on_app = in_app_file(app, database)
    pieces = [
        _tagged(piece, place, on_app=on_app)
        for path, piece in _pieces(app, database, strings)
        if path in missing
    ]
    if not pieces:
        return ()
    if place.path not in app.files:
        text = payload.new_module(app, place.path, _once(pieces, place.variable), _DOC)
        why = f"{_why(database)}; {place.because}"
        return (*place.new_packages(), NewFile(place.path, text, why))
    module = app.module_at(place.path)
    have = set(module.names) if module is not None else set()
    fresh = _once(pieces, place.variable, have | {"router"})
    piece = payload.joined(fresh)
    return payload.appended(app, place.path, piece, _why(database))


def _why(database: Database) -> str:
    return f"{_WHY_LIVE}; {_WHY_READY if database.kind else _WHY_PLAIN}"


def _is_one(route: Route, paths: tuple[str, str]) -> bool:
    return any(
        path == route.path or (not route.reachable and path.endswith(route.path)) for path in paths
    )


def _pieces(
    app: AppMap, database: Database, strings: Mapping[str, str]
) -> tuple[tuple[str, Piece], tuple[str, Piece]]:
    live = payload.render(app, _PACKAGE, "live", Rendering(strings=strings))
    unit = {"session": "ready_session", "connection": "ready_connection", "": "ready_plain"}
    set_flags = {"commits": database.commits, "async": database.is_async}
    flags = frozenset(flag for flag, holds in set_flags.items() if holds)
    how = Rendering(
        is_async=database.is_async,
        flags=flags,
        names={"SessionDep": database.parameter},
        host={"get_connection": database.symbol} if database.kind == "connection" else {},
        strings=strings,
    )
    ready = payload.render(app, _PACKAGE, unit[database.kind], how)
    ready = replace(ready, imported=(*ready.imported, *database.imports))
    return (strings["/health/live"], live), (strings["/health/ready"], ready)


def _once(pieces: list[Piece], variable: str, have: Collection[str] = ()) -> list[Piece]:
    """The pieces as one module: what two of them define stands once, constants first.

    Names in `have` are left out: the file has them.
    """
    seen = set(have)
    kept = []
    for names in (("logger", "DATABASE_TIMEOUT"), ("router",), ("Health",)):
        for piece in pieces:
            fresh = [name for name in names if name not in seen]
            part = piece.taking(*fresh)
            if part.body.strip():
                seen.update(fresh)
                kept.append(part)
    kept += [piece.taking("ask_database", "live", "ready") for piece in pieces]
    return [payload.with_names(part, {"router": variable}) for part in kept]


def _tagged(piece: Piece, place: RouterPlace, *, on_app: bool) -> Piece:
    """The tag where the app's routers have theirs; on each operation of the app object's own."""
    tag = 'tags=["health"]'
    body = piece.body
    if on_app:
        body = re.sub(r"(?m)^(@router\.get\((['\"])[^'\"]+\2)", rf"\1, {tag}", body)
    elif not place.tags_at_creation:
        body = re.sub(r"APIRouter\(tags=\[.health.\]\)", "APIRouter()", body)
    return replace(piece, body=body)
