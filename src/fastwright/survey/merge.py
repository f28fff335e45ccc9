"""What the source says, united with what the running app says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from fastwright.model.app import (
    AppMap,
    Dependency,
    Disagreement,
    Middleware,
    Parameter,
    Place,
    Route,
    Witness,
)
from fastwright.model.places import Span
from fastwright.model.storage import Column, Index, Relationship, Table
from fastwright.survey.borrowed import borrowed, guards_running
from fastwright.survey.values import UNKNOWN_TEXT

Document = Mapping[str, Any]


def merge(app_map: AppMap, description: Document) -> AppMap:
    """`app_map` with what ``guest/describe.py`` saw in the running app.

    Routes are united by method and path, then by handler; a fact that both have stays as the
    source has it, and every difference is listed in `disagreements`.
    """
    united = _Routes(app_map, description)
    routes = united.merged()
    versions = {**app_map.versions, **description.get("versions", {})}
    stack, differing = _middleware(app_map, description)
    tables, missing = _tables(app_map, description)
    return replace(
        app_map,
        routes=tuple(routes),
        tables=tables,
        middleware=stack,
        versions=versions,
        python=description.get("python") or app_map.python,
        contract=description.get("openapi") or app_map.contract,
        disagreements=(*app_map.disagreements, *united.disagreements, *differing, *missing),
    )


@dataclass(slots=True)
class _Routes:
    """The two lists of routes, and what they do not agree on."""

    app_map: AppMap
    description: Document
    disagreements: list[Disagreement]

    def __init__(self, app_map: AppMap, description: Document) -> None:
        self.app_map = app_map
        self.description = description
        self.disagreements = []

    def merged(self) -> list[Route]:
        """Routes of the source first, in their order, then those only the running app has."""
        ours = [r for r in self.app_map.routes if r.reachable]
        lost = [r for r in self.app_map.routes if not r.reachable]
        rows = [r for r in self.description.get("routes", ()) if _counts(r)]
        pairs, alone = _paired(ours + lost, rows)
        served = {(row["method"], row["path"]) for row in pairs.values()}
        # The other branch of a condition that registers the same place twice did not happen.
        ours = [r for r in ours if id(r) in pairs or (r.method, r.path) not in served]
        for route in ours:
            if id(route) not in pairs:
                under = f" if `{route.condition}`" if route.condition else ""
                self._note(str(route), f"`{route.handler}` answers{under}", "no such route")
        found = [self._united(r, pairs.get(id(r))) for r in (*ours, *lost)]
        extra = [self._added(row) for row in alone]
        return [*found, *extra]

    def _note(self, subject: str, source: str, running: str) -> None:
        self.disagreements.append(Disagreement(subject, source, running))

    def _united(self, route: Route, row: Document | None) -> Route:
        if row is None:
            return route
        if route.path != row["path"] and UNKNOWN_TEXT not in route.path:
            self._note(str(route), route.path, row["path"])
        if not route.reachable:
            self._note(str(route), "no application includes its router", "it is served")
        if not _same_callable(route.handler, row.get("handler", "")):
            self._note(str(route), f"handler `{route.handler}`", f"handler `{row.get('handler')}`")
        running = tuple(_dependency(d) for d in row.get("dependencies") or ())
        self._compare_dependencies(route, running)
        return replace(
            route, path=row["path"], reachable=True, seen_by=(*route.seen_by, Witness.IMPORT),
            in_schema=bool(row.get("in_schema", route.in_schema)),
            status_code=row.get("status_code") or route.status_code,
            tags=tuple(row.get("tags") or route.tags),
            response_model=route.response_model or row.get("response_model"),
            body_model=route.body_model or row.get("body_model"),
            parameters=_parameters(route.parameters, row.get("parameters") or ()),
            dependencies=_dependencies(route.dependencies, running),
            router=route.router,
        )  # fmt: skip

    def _compare_dependencies(self, route: Route, running: tuple[Dependency, ...]) -> None:
        """Guards that one side alone sees; the rest of the tree may be worded differently."""
        ours = {_last(d.call) for d in route.every_dependency()}
        theirs = {_last(n.call) for d in running for n in d.walk()}
        here = _schemes(route.dependencies)
        there = _schemes(running)
        if bool(here) != bool(there):
            seen = f"guarded by `{next(iter(here or there))}`"
            self._note(
                str(route), seen if here else "not guarded", seen if there else "not guarded"
            )
        made = {n.call for n in route.every_dependency() if borrowed(n) is not None}
        guards = {
            _last(g.name)
            for g in route.guards
            if g.role not in ("middleware", "scheme") and g.name not in made
        }
        for name in sorted((guards & ours) - theirs):
            self._note(str(route), f"depends on `{name}`", f"does not depend on `{name}`")

    def _added(self, row: Document) -> Route:
        method, path = row["method"], row["path"]
        self._note(f"{method} {path}", "not found", f"`{row.get('handler')}` answers")
        dependencies = tuple(_dependency(d) for d in row.get("dependencies") or ())
        known = {_last(g.name): g for r in self.app_map.routes for g in r.guards}
        return Route(
            method, path, row.get("handler") or "?", _span(self.app_map, row),
            tuple(_parameter(p) for p in row.get("parameters") or ()),
            dependencies, guards_running(dependencies, known),
            body_model=row.get("body_model"), response_model=row.get("response_model"),
            status_code=row.get("status_code"), is_async=row.get("is_async"),
            tags=tuple(row.get("tags") or ()), in_schema=bool(row.get("in_schema", True)),
            app=self.description.get("target"), seen_by=(Witness.IMPORT,),
        )  # fmt: skip


_DOCUMENTS = ("openapi", "swagger_ui_html", "swagger_ui_redirect", "redoc_html")


def _counts(row: Document) -> bool:
    """Whether a row is an operation: FastAPI's own documentation routes are not."""
    handler = str(row.get("handler") or "")
    own = handler.startswith("fastapi.") and handler.rpartition(".")[2] in _DOCUMENTS
    return not own and bool(row.get("method")) and bool(row.get("path"))


def _paired(ours: list[Route], rows: list[Document]) -> tuple[dict[int, Document], list[Document]]:
    """Which running route each of ours is, and the running ones that are none of ours."""
    pairs: dict[int, Document] = {}
    waiting = list(rows)
    for matches in (_guarded_alike, _exactly, _by_place, _by_callable):
        for route in ours:
            if id(route) in pairs:
                continue
            row = next((r for r in waiting if matches(route, r)), None)
            if row is not None:
                pairs[id(route)] = row
                waiting.remove(row)
    return pairs, [r for r in waiting if r["method"] != "HEAD"]


def _guarded_alike(route: Route, row: Document) -> bool:
    """Where one path is registered under two conditions, the guards say which one holds."""
    running = {n.scheme for d in row.get("dependencies") or () for n in _dependency(d).walk()}
    guarded = any(node.scheme for node in route.every_dependency())
    return guarded == bool(running - {None}) and _exactly(route, row)


def _exactly(route: Route, row: Document) -> bool:
    return _by_place(route, row) and _same_callable(route.handler, str(row.get("handler")))


def _by_place(route: Route, row: Document) -> bool:
    return bool(route.method == row["method"] and route.path == row["path"])


def _by_callable(route: Route, row: Document) -> bool:
    same = _same_callable(route.handler, str(row.get("handler")))
    return bool(same and route.method == row["method"])


def _same_callable(one: str, other: str) -> bool:
    """Whether two dotted names can be one function: the import root may differ between runs."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _schemes(roots: tuple[Dependency, ...]) -> set[str]:
    """The schemes in a tree; a subclass may be named by itself or by what it inherits from."""
    return {node.scheme for root in roots for node in root.walk() if node.scheme}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


# -- parts of a route -----------------------------------------------------------------------


def _parameter(row: Document) -> Parameter:
    constraints = row.get("constraints") or ()
    pairs = constraints.items() if isinstance(constraints, Mapping) else constraints
    return Parameter(
        row["name"], row.get("annotation"), row.get("default"), row.get("source"),
        bool(row.get("required", True)), tuple((str(k), str(v)) for k, v in pairs),
    )  # fmt: skip


def _parameters(ours: tuple[Parameter, ...], rows: Iterable[Document]) -> tuple[Parameter, ...]:
    """Ours, with the source that the running app gives where ours is not known."""
    running = {row["name"]: row for row in rows}
    return tuple(
        replace(p, source=running[p.name].get("source"))
        if p.source is None and p.name in running
        else p
        for p in ours
    )


def _dependency(row: Document) -> Dependency:
    options = row.get("options") or ()
    pairs = options.items() if isinstance(options, Mapping) else options
    place = str(row.get("place"))
    known = place in {member.value for member in Place}
    return Dependency(
        str(row.get("call") or "?"), row.get("name") or "",
        Place(place) if known else Place.PARAMETER,
        tuple(row.get("scopes") or ()), row.get("scheme"), row.get("returns"),
        tuple(_dependency(child) for child in row.get("children") or ()),
        tuple((str(k), str(v)) for k, v in pairs),
    )  # fmt: skip


def _dependencies(
    ours: tuple[Dependency, ...], running: tuple[Dependency, ...]
) -> tuple[Dependency, ...]:
    """Ours, and after them what only the running app has at the top of the tree."""
    known = {_last(node.call) for root in ours for node in root.walk()}
    return (*ours, *(node for node in running if _last(node.call) not in known))


def _span(app_map: AppMap, row: Document) -> Span | None:
    """The whole line of a handler that source did not find, where its file is the project's."""
    file, line = str(row.get("file") or ""), row.get("line")
    path = next(
        (
            p
            for p in app_map.files
            if file and PurePosixPath(file).parts[-len(p.parts) :] == p.parts
        ),
        None,
    )
    if path is None or not isinstance(line, int):
        return None
    lines = app_map.files[path].splitlines(keepends=True)
    start = sum(len(text) for text in lines[: line - 1])
    return Span(path, start, start + len(lines[line - 1])) if line <= len(lines) else None


# -- tables and middleware ------------------------------------------------------------------


def _middleware(
    app_map: AppMap, description: Document
) -> tuple[tuple[Middleware, ...], list[Disagreement]]:
    """The running order is the true one; options and places come from the source."""
    rows = description.get("middleware")
    if not rows:
        return app_map.middleware, []
    ours = {_last(m.name): m for m in app_map.middleware}
    found: list[Middleware] = []
    for row in rows:
        known = ours.pop(_last(str(row["name"])), None)
        options = row.get("options") or {}
        pairs = options.items() if isinstance(options, Mapping) else options
        both = (Witness.SOURCE, Witness.IMPORT)
        seen = tuple((str(k), str(v)) for k, v in pairs)
        found.append(
            replace(known, seen_by=both)
            if known
            else Middleware(row["name"], seen, None, (Witness.IMPORT,))
        )
    wrapped = any(_last(m.name) == "BaseHTTPMiddleware" for m in found)
    functions = list(ours.values()) if wrapped else []
    lost = [m for m in ours.values() if m not in functions]
    differing = [Disagreement(m.name, "added as middleware", "not in the stack") for m in lost]
    return (*found, *functions), differing


def _tables(app_map: AppMap, description: Document) -> tuple[tuple[Table, ...], list[Disagreement]]:
    rows = {row["name"]: row for row in description.get("tables") or ()}
    found: list[Table] = []
    differing: list[Disagreement] = []
    models = {str(row.get("model")): name for name, row in rows.items() if row.get("model")}
    for table in app_map.tables:
        row = rows.pop(models.get(table.model or "", table.name), None)
        found.append(_both(table, row) if row else table)
        differing += _differing(table, row) if row else []
    found += [_table(row) for row in rows.values()]
    return tuple(found), differing


def _both(table: Table, row: Document) -> Table:
    """The source's table with what the running app knows better: nullability, types, indexes."""
    running = _table(row)
    columns = [_column_of(table, column) for column in running.columns] or list(table.columns)
    seen = (*table.seen_by, "import")
    indexes = running.indexes or table.indexes
    return replace(table, name=running.name, columns=tuple(columns), indexes=indexes, seen_by=seen)


def _column_of(table: Table, running: Column) -> Column:
    ours = table.column(running.name)
    if ours is None:
        return running
    default = running.default if running.default is not None else ours.default
    return replace(running, attribute=ours.attribute, span=ours.span, default=default)


def _differing(table: Table, row: Document) -> Iterator[Disagreement]:
    running = {str(c["name"]) for c in row.get("columns") or ()}
    ours = {c.name for c in table.columns}
    for name in sorted(ours - running):
        yield Disagreement(f"{table.name}.{name}", "a column", "no such column")
    for name in sorted(running - ours):
        yield Disagreement(f"{table.name}.{name}", "not found", "a column")


def _table(row: Document) -> Table:
    return Table(
        row["name"], row.get("model"),
        tuple(_known(Column, c) for c in row.get("columns") or ()),
        tuple(_index(i) for i in row.get("indexes") or ()),
        tuple(_known(Relationship, r) for r in row.get("relationships") or ()),
        row.get("mapper") or "sqlalchemy", seen_by=("import",),
    )  # fmt: skip


def _index(row: Document) -> Index:
    return Index(row.get("name"), tuple(row.get("columns") or ()), bool(row.get("unique")))


def _known(kind: Any, row: Document) -> Any:
    """An instance of `kind` from those keys of `row` that it has."""
    names = kind.__dataclass_fields__
    given = {key: value for key, value in row.items() if key in names and key != "span"}
    if kind is Column:
        given.setdefault("attribute", given.get("name"))
    return kind(**given)
