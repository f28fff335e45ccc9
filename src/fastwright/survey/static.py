"""Source text → `AppMap`, without importing anything of the app."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Unresolved
from fastwright.model.code import Module
from fastwright.model.places import Span
from fastwright.survey.applications import applications, choose, routers
from fastwright.survey.cache import FactCache, read_facts
from fastwright.survey.classes import Classes
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.dependencies import Dependencies
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.names import Names, Symbol
from fastwright.survey.routes import Routes, finished
from fastwright.survey.schemas import schemas
from fastwright.survey.tables import tables
from fastwright.survey.wiring import Wiring


def read(
    files: Mapping[PurePosixPath, bytes],
    *,
    cache: FactCache | None = None,
    target: str | None = None,
) -> AppMap:
    """The map of the application in `files`, which are relative to the repository root.

    `target` (``module:name``) chooses among several applications; without it the one with the
    most routes is taken. `cache` keeps what was read of each file by its content.
    """
    codebase = Codebase(read_facts(files, cache))
    names = Names(codebase)
    evaluator = Evaluator(codebase, names)
    wiring = Wiring(codebase, evaluator)
    wiring.collect()
    found = applications(wiring)
    routes = Routes(wiring, Dependencies(evaluator))
    served = {made: routes.of_app(made, app.target) for made, app in found.items()}
    found = {made: finished(app, routes.mounted.get(made)) for made, app in found.items()}
    chosen = choose(found, {m: len(r) for m, r in served.items()}, target)
    classes = Classes(evaluator)
    return AppMap(
        files=files,
        app=found[chosen] if chosen else None,
        applications=tuple(found.values()),
        modules={unit.name: _module(names, unit) for unit in codebase.units},
        routers=routers(wiring),
        inclusions=tuple(routes.inclusions.values()),
        routes=(*(served[chosen] if chosen else ()), *routes.unreachable()),
        schemas=schemas(classes),
        tables=tables(classes, wiring),
        unresolved=_unresolved(wiring),
    )


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
    return Module(unit.name, unit.path, imports, tuple(defined), tuple(foreign), unit.facts.errors)


def _unresolved(wiring: Wiring) -> tuple[Unresolved, ...]:
    rows: dict[Span, Unresolved] = {}
    for unit, row, why in wiring.lost:
        span = Span(unit.path, row.start, row.end)
        rows.setdefault(span, Unresolved(unit.text((row.start, row.named)), span, why))
    return tuple(rows.values())


__all__ = ["Symbol", "read"]
