"""Source text → `AppMap`, without importing anything of the app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeAlias

from fastwright.model.app import AppMap, Query, Roots, Unresolved
from fastwright.model.code import Flow, Module, Unread
from fastwright.model.places import Span
from fastwright.model.routing import CallerUse
from fastwright.source.syntax import first_error
from fastwright.survey.access import Access
from fastwright.survey.applications import Target, applications, choose, routers
from fastwright.survey.callers import Callers
from fastwright.survey.capabilities import capabilities
from fastwright.survey.classes import Classes
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.collecting import without_collector
from fastwright.survey.conventions import conventions
from fastwright.survey.dependencies import Dependencies
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts_source import FactCache, read_facts
from fastwright.survey.flow import Flows
from fastwright.survey.kept_map import keep, recall
from fastwright.survey.middleware import middleware
from fastwright.survey.migrations import migrations
from fastwright.survey.mistakes import mistakes
from fastwright.survey.names import Names, Symbol
from fastwright.survey.pool import WORTH_SHARING, beside
from fastwright.survey.queries import Queries
from fastwright.survey.relations import Relations
from fastwright.survey.routes import Routes, finished
from fastwright.survey.schemas import schemas
from fastwright.survey.sessions import Sessions
from fastwright.survey.settings import Settings
from fastwright.survey.tables import tables
from fastwright.survey.values import UNKNOWN_TEXT, Made
from fastwright.survey.wiring import Wiring

Asked: TypeAlias = tuple[tuple[Query, ...], tuple[CallerUse, ...], tuple[int, ...]]
"""What follows from what a route calls: statements, uses of the caller, and refusals by status."""


def read(
    files: Mapping[PurePosixPath, bytes],
    *,
    cache: FactCache | None = None,
    target: Target = None,
    keeps: bool = True,
) -> AppMap:
    """The map of the application in `files`, which are relative to the repository root.

    `target` (``module:name``, or a file or folder) chooses among several applications; of those
    that are left the one with the most routes is taken, and none where two have as many. `cache`
    keeps what was read of each file by its content, and the map unless `keeps` says no.
    """
    with without_collector():
        known = recall(cache, files, target) if cache is not None else None
        app = known or _linked(files, cache, target)
        if cache is not None and known is None and keeps:
            keep(cache, app, target)
        return app


def _linked(
    files: Mapping[PurePosixPath, bytes], cache: FactCache | None, target: Target
) -> AppMap:
    codebase = Codebase(read_facts(files, cache))
    evaluator = Evaluator(codebase, Names(codebase))
    wiring = Wiring(codebase, evaluator)
    wiring.collect()
    access = Access(Dependencies(evaluator))
    app = _reached(_routed(files, wiring, access, target), access)
    found = capabilities(app, Classes(evaluator), wiring)
    return replace(app, capabilities=found, conventions=conventions(app, codebase))


def _routed(
    files: Mapping[PurePosixPath, bytes], wiring: Wiring, access: Access, target: Target
) -> AppMap:
    """What follows from the wiring: applications, routes, and what hangs on their dependencies."""
    dependencies = access.dependencies
    found = applications(wiring)
    routes = Routes(wiring, dependencies)
    served = {made: routes.of_app(made, app.target) for made, app in found.items()}
    found = {made: finished(app, routes.mounted.get(made)) for made, app in found.items()}
    known = {m: sum(UNKNOWN_TEXT not in r.path for r in rows) for m, rows in served.items()}
    chosen = choose(found, {m: (known[m], len(r)) for m, r in served.items()}, target)
    listed = [*(served[chosen] if chosen else ()), *routes.unreachable()]
    listed = [replace(route, guards=access.guards(route)) for route in listed]
    app = _stored(files, wiring)
    return replace(
        app,
        app=found[chosen] if chosen else None,
        applications=tuple(found.values()),
        routers=routers(wiring),
        inclusions=tuple(routes.inclusions.values()),
        routes=tuple(listed),
        principals=access.principals(listed),
        signatures=dependencies.signatures(),
        middleware=middleware(wiring, chosen) if chosen else (),
        sessions=Sessions(dependencies).read(listed),
        roots=_roots(files, chosen),
        unresolved=_unresolved(wiring),
    )


def _reached(app: AppMap, access: Access) -> AppMap:
    """What handlers do, and the modules, functions and calls of the whole project.

    Of a large project routes are followed while calls are read: neither asks what the other does.
    Mistakes ask for every call once more, and are looked for where those are known.
    """
    codebase = access.evaluator.codebase
    pays = sum(len(unit.facts.calls) for unit in codebase.units) >= WORTH_SHARING
    with beside(lambda: _followed(app, access), pays=pays) as followed:
        names = Names(codebase)
        modules = {unit.name: _module(names, unit) for unit in codebase.units}
        relations = Relations(Evaluator(codebase, names))
        functions, calls = relations.functions(), relations.calls()
        wrong = mistakes(app, relations)
        asked, flows = followed()
        routes = tuple(
            replace(route, queries=queries, caller_uses=uses, refuses=refused)
            for route, (queries, uses, refused) in zip(app.routes, asked, strict=True)
        )
        return replace(
            app, routes=routes, flows=flows, modules=modules, functions=functions, calls=calls,
            mistakes=wrong,
        )  # fmt: skip


def _followed(app: AppMap, access: Access) -> tuple[tuple[Asked, ...], tuple[Flow, ...]]:
    """What routes ask, and where values arrive that they, or the process, are given."""
    queries = Queries(access.evaluator, Relations(access.evaluator), app.tables)
    places = _places(access)
    asked = tuple(_asked(app, queries, access, places))
    return asked, _flows(app, queries, access, places)


def _asked(
    app: AppMap, queries: Queries, access: Access, places: Mapping[str, Symbol]
) -> Iterator[Asked]:
    """Of each route its statements, what it does with the caller and whom it refuses."""
    callers = Callers(queries, queries.relations, access, places)
    for route in app.routes:
        handler = places.get(route.handler)
        asked = queries.of_route(handler) if handler is not None else ()
        yield asked, callers.of_route(route), callers.refuses(route)


def _flows(
    app: AppMap, queries: Queries, access: Access, places: Mapping[str, Symbol]
) -> tuple[Flow, ...]:
    """Where values of requests, and of the process, arrive."""
    flows = Flows(queries, queries.relations, access.dependencies)
    found = dict[Flow, None]()
    for route in app.routes:
        handler = places.get(route.handler)
        if handler is not None:
            found.update(dict.fromkeys(flows.of_route(route, handler)))
    found.update(dict.fromkeys(flows.of_process()))
    return tuple(found)


def _places(access: Access) -> dict[str, Symbol]:
    """The functions of the project by their dotted names."""
    return {
        unit.dotted(index): Symbol("scope", unit, index)
        for unit in access.evaluator.codebase.units
        for index, scope in enumerate(unit.scopes)
        if scope.kind == "f"
    }


def _stored(files: Mapping[PurePosixPath, bytes], wiring: Wiring) -> AppMap:
    """What does not depend on the chosen application."""
    from fastwright.survey.manifests import (  # noqa: PLC0415 - a tree as it was asks for none
        locked,
        manifests,
    )

    classes = Classes(wiring.evaluator)
    settings = Settings(classes, wiring)
    declared = manifests(files)
    return AppMap(
        files=files,
        app=None,
        schemas=schemas(classes),
        tables=tables(classes, wiring),
        settings=settings.read(files),
        settings_classes=settings.described(),
        migrations=migrations(wiring.codebase, files),
        manifests=declared,
        versions=locked(declared, PurePosixPath()),
    )


def _roots(files: Mapping[PurePosixPath, bytes], chosen: Made | None) -> Roots:
    """The import root of the chosen application, and where it is started from."""
    if chosen is None or chosen.unit is None:
        return Roots()
    root = chosen.unit.root
    for place in (root, *root.parents):
        if any(place / name in files for name in _STARTING_PLACES):
            return Roots(root, place)
    return Roots(root, root)


_STARTING_PLACES = ("pyproject.toml", "requirements.txt", "alembic.ini", "setup.py", "Pipfile",
                    ".env", ".env.example", "poetry.lock", "uv.lock")  # fmt: skip


def _module(names: Names, unit: Unit) -> Module:
    imports: dict[str, str] = {}
    foreign: dict[str, None] = {}
    for row in unit.scopes[0].imports:
        symbol = names.imported(unit, row)
        if symbol is not None and row.local != "*":
            imports[row.local] = symbol.dotted()
        if symbol is not None and symbol.kind == "external":
            foreign[symbol.dotted().partition(".")[0]] = None
    defined = [n for n, b in names.bindings(unit, 0).items() if isinstance(b, str)]
    texts = {
        row.target: row.value[1]
        for row in unit.scopes[0].assignments
        if isinstance(row.target, str) and isinstance(row.value, list) and row.value[0] == "s"
    }
    found = first_error(unit.content) if unit.facts.errors else None
    return Module(
        name=unit.name,
        path=unit.path,
        imports=imports,
        names=tuple(defined),
        third_party=tuple(foreign),
        errors=unit.facts.errors,
        constants=texts,
        unread=Unread(*found) if found else None,
    )


def _unresolved(wiring: Wiring) -> tuple[Unresolved, ...]:
    rows: dict[Span, Unresolved] = {}
    for unit, row, why in wiring.lost:
        span = Span(unit.path, row.start, row.end)
        rows.setdefault(span, Unresolved(unit.text((row.start, row.named)), span, why))
    return tuple(rows.values())
