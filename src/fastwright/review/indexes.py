"""Which columns lead an index, and which ones requests look rows up by."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence

from fastwright.model.app import AppMap, Query, Route
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.built_indexes import built_on
from fastwright.review.dialects import serves_on_mysql
from fastwright.review.given import mentions
from fastwright.review.naming import alike, stem
from fastwright.review.reach import Reach, Step, reach
from fastwright.review.statements import statement

_MYSQL = frozenset({"pymysql", "aiomysql", "mysqlclient", "asyncmy", "mysql-connector-python"})
_POSTGRES = frozenset({"psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg",
                       "pg8000"})  # fmt: skip
_TAKEN = re.compile(r"(?:await\s+)?\(?(?P<result>\w+)\.(?:scalar|one|first|unique|fetch|mappings)")
_EITHER = re.compile(r"\bor_\(|\)\s*\|\s*\(|\b(?:OR|or)\s+\w+(?:\.\w+)*\s*=\s*[:%$]")
"""Conditions of which one is enough, in expressions and in SQL."""
_COARSE = re.compile(r"(?i)bool|date|time|enum")
"""Types of columns of which one value, or one range, stands for many rows."""


def packages(app: AppMap) -> frozenset[str]:
    """The packages that the project declares, in lower case."""
    return frozenset(name.lower() for row in app.manifests for name in row.names)


def makes_its_own_indexes(app: AppMap) -> bool:
    """True for an app whose server is MySQL, which indexes every foreign key."""
    declared = packages(app)
    return not declared & _POSTGRES and (bool(declared & _MYSQL) or serves_on_mysql(app))


def is_postgres(app: AppMap) -> bool:
    """True for an app that has a driver of PostgreSQL."""
    return bool(packages(app) & _POSTGRES)


def parent_of(app: AppMap, key: str) -> str:
    """The table that a foreign key refers to, by its name or its class."""
    name = key.rpartition(".")[0]
    classes = (t for t in app.tables if t.model and f".{t.model}".endswith(f".{name}"))
    found = app.table(name) or next(classes, None)
    return found.name if found is not None else name


class Indexes:
    """Which columns lead an index, by the models and by what is built beside them."""

    def __init__(self, app: AppMap) -> None:
        self.app = app

    def lead_to(self, table: Table, column: Column) -> bool:
        """True where rows can be found by `column` without reading the table."""
        names = {column.name, column.attribute}
        built = (*table.indexes, *built_on(self.app, table))
        leading = {index.columns[0] for index in built if index.columns}
        keys = [c for c in table.columns if c.primary_key]
        own = column.index or column.unique or keys[:1] == [column]
        return own or bool(names & leading)


class Lookups:
    """Why statements of routes need to find rows by a foreign key."""

    def __init__(self, app: AppMap, indexes: Indexes) -> None:
        self.app = app
        self.indexes = indexes
        self.filtered: dict[str, str] = {}
        self.loaded: dict[str, str] = {}
        self.deleted: dict[str, str] = {}
        self._beside: dict[str, list[frozenset[str]]] = {}
        self._models = frozenset(_last(table.model) for table in app.tables if table.model)
        for route in app.routes:
            for query in route.queries if route.reachable else ():
                sought = frozenset(self._sought(query))
                self.filtered |= dict.fromkeys(sought, f"`{route}` filters by it")
                others = frozenset[str]() if self._is_any(query) else sought
                for name in sought:
                    self._beside.setdefault(name, []).append(others - {name})
                for path in query.eager:
                    self.loaded |= dict.fromkeys(self._steps(path), f"`{route}` loads by it")
                for name in query.tables[:1] if query.kind == "delete" else ():
                    self.deleted[name] = f"`{route}` deletes from `{name}`"
        self._note_deletes()

    def _is_beside(self, name: str, told: Collection[str]) -> bool:
        """Whether every statement that compares a column compares one of `told` as well."""
        return all(not others.isdisjoint(told) for others in self._beside.get(name, [frozenset()]))

    def _is_any(self, query: Query) -> bool:
        """Whether one of the conditions may be enough, so that each needs its own index."""
        at = query.span
        around = [f.span for f in reach(self.app).functions_of(at.path)
                  if f.span.start <= at.start and at.end <= f.span.end]  # fmt: skip
        return not around or any(map(_EITHER.search, map(self.app.text, around)))

    def _steps(self, path: str) -> Iterator[str]:
        """The relationships of a path, each with its class where that stands before it."""
        parts = path.split(".")
        for owner, name in itertools.pairwise(parts):
            yield f"{owner}.{name}" if owner in self._models else name

    def _sought(self, query: Query) -> Iterator[str]:
        """The columns that find the rows: not those beside one that an index finds them by."""
        found_by = {name.partition(".")[0] for name in query.filters if self._leads(name)}
        return (name for name in query.filters if name.partition(".")[0] not in found_by)

    def _leads(self, name: str) -> bool:
        table = self.app.table(name.partition(".")[0])
        column = table.column(name.rpartition(".")[2]) if table is not None else None
        if table is None or column is None or _COARSE.search(column.type or ""):
            return False
        return self.indexes.lead_to(table, column)

    def _note_deletes(self) -> None:
        """A ``session.delete(row)`` of a route deletes from the table that the row was found in."""
        reached = reach(self.app)
        for route in self.app.routes:
            root = reached.answering(route) if route.reachable else None
            found = [q for q in route.queries if q.tables and q.kind == "select" and not q.many]
            for step in reached.below(root) if root is not None and found else ():
                asked = statement(step.call)
                if asked is not None and asked.verb == "delete":
                    names = _deleted_from(reached, route, step, found)
                    self.deleted |= {n: f"`{route}` deletes from `{n}`" for n in names}

    def needs(self, table: Table, column: Column, told: Collection[str] = ()) -> str:
        """What a route does that needs `column` indexed, as a sentence; empty where nothing.

        Not what compares it beside one of `told`, the columns that are to be indexed anyway.
        """
        for name in (f"{table.name}.{word}" for word in (column.name, column.attribute)):
            if name in self.filtered and not self._is_beside(name, told):
                return self.filtered[name]
        parent = parent_of(self.app, column.foreign_key or "")
        owner = self.app.table(parent)
        of = _last(owner.model or "") if owner is not None else ""
        for relationship in owner.relationships if owner is not None else ():
            children = relationship.many and relationship.target == table.model
            names = (relationship.name, f"{of}.{relationship.name}")
            loads = next((self.loaded[name] for name in names if name in self.loaded), "")
            if children and loads:
                return loads
        return self.deleted.get(parent, "")


def _deleted_from(
    reached: Reach, route: Route, step: Step, found: Sequence[Query]
) -> frozenset[str]:
    """The table of the row that a session is told to delete; none where it may be another's.

    A row that came from elsewhere is one of the table that the path of a ``DELETE`` names, if the
    route finds no other.
    """
    function, row = step.function, " ".join(step.call.arguments[:1])
    within = range(function.span.start, function.span.end)
    own = [q for q in found if q.span.path == function.span.path and q.span.start in within]
    if own:
        content = reached.app.files[function.span.path]
        return frozenset(q.tables[0] for q in own if _gives(function, content, q.span, row))
    turns = {name for block in function.blocks if block.kind == "for" for name in block.names}
    tables = frozenset(query.tables[0] for query in found)
    meant = {name for name in tables for word in (name, name.rpartition("_")[2])
             if alike(word, stem(route.path))}  # fmt: skip
    sure = route.method == "DELETE" and tables == meant and not mentions(row, turns)
    return tables if sure and len(tables) == 1 else frozenset()


def _gives(function: Function, content: bytes, asked: Span, name: str) -> bool:
    """True where a name stands for the row that a statement found, not for one made of it."""
    values = [row for row in function.bindings if row.name == name]
    if any(row.start <= asked.start and asked.end <= row.end for row in values):
        return True
    taken = (
        _TAKEN.match(content[row.start : row.end].decode("utf-8", "replace")) for row in values
    )
    results = {found["result"] for found in taken if found is not None} - {name}
    return any(_gives(function, content, asked, result) for result in results)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
