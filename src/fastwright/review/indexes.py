"""Which columns lead an index, and which ones requests look rows up by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Query
from fastwright.model.storage import Column, Table
from fastwright.review.reach import reach
from fastwright.review.statements import statement

_MYSQL = frozenset({"pymysql", "aiomysql", "mysqlclient", "asyncmy", "mysql-connector-python"})
_POSTGRES = frozenset({"psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg",
                       "pg8000"})  # fmt: skip
_COARSE = re.compile(r"(?i)bool|date|time|enum")
"""Types of columns of which one value, or one range, stands for many rows."""


def packages(app: AppMap) -> frozenset[str]:
    """The packages that the project declares, in lower case."""
    return frozenset(name.lower() for row in app.manifests for name in row.names)


def makes_its_own_indexes(app: AppMap) -> bool:
    """True for an app on MySQL alone, which indexes every foreign key."""
    declared = packages(app)
    return bool(declared & _MYSQL) and not declared & _POSTGRES


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
    """Which columns lead an index, by the models and by revisions that are not in the models."""

    def __init__(self, app: AppMap) -> None:
        written = [call for call in app.calls if call.text.endswith(".create_index")]
        self._revised = [
            " ".join((*call.arguments, *(value for _, value in call.keywords))) for call in written
        ]

    def lead_to(self, table: Table, column: Column) -> bool:
        """True where rows can be found by `column` without reading the table."""
        names = {column.name, column.attribute}
        leading = {index.columns[0] for index in table.indexes if index.columns}
        keys = [c for c in table.columns if c.primary_key]
        own = column.index or column.unique or keys[:1] == [column]
        return own or bool(names & leading) or self._by_revision(table, column)

    def _by_revision(self, table: Table, column: Column) -> bool:
        listed = re.compile(rf"\[\s*['\"]{re.escape(column.name)}['\"]")
        named = re.compile(rf"['\"]{re.escape(table.name)}['\"]")
        return any(listed.search(text) and named.search(text) for text in self._revised)


class Lookups:
    """Why statements of routes need to find rows by a foreign key."""

    def __init__(self, app: AppMap, indexes: Indexes) -> None:
        self.app = app
        self.indexes = indexes
        self.filtered: dict[str, str] = {}
        self.loaded: dict[str, str] = {}
        self.deleted: dict[str, str] = {}
        for route in app.routes:
            for query in route.queries if route.reachable else ():
                self.filtered |= dict.fromkeys(self._sought(query), f"`{route}` filters by it")
                for path in query.eager:
                    self.loaded |= dict.fromkeys(path.split(".")[1:], f"`{route}` loads by it")
                for name in query.tables[:1] if query.kind == "delete" else ():
                    self.deleted[name] = f"`{route}` deletes from `{name}`"
        self._note_deletes()

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
        """A ``session.delete(row)`` of a route that finds rows of one table deletes from it."""
        reached = reach(self.app)
        for route in self.app.routes:
            root = reached.answering(route) if route.reachable else None
            found = {q.tables[0] for q in route.queries if q.tables and q.kind == "select"
                     and not q.many}  # fmt: skip
            if root is None or len(found) != 1:
                continue
            asked = (statement(step.call) for step in reached.below(root))
            if any(a is not None and a.verb == "delete" for a in asked):
                name = next(iter(found))
                self.deleted[name] = f"`{route}` deletes from `{name}`"

    def needs(self, table: Table, column: Column) -> str:
        """What a route does that needs `column` indexed, as a sentence; empty where nothing."""
        for name in (column.name, column.attribute):
            if f"{table.name}.{name}" in self.filtered:
                return self.filtered[f"{table.name}.{name}"]
        parent = parent_of(self.app, column.foreign_key or "")
        owner = self.app.table(parent)
        for relationship in owner.relationships if owner is not None else ():
            children = relationship.many and relationship.target == table.model
            if children and relationship.name in self.loaded:
                return self.loaded[relationship.name]
        return self.deleted.get(parent, "")
