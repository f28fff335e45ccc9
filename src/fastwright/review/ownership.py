"""Whose rows are whose: tables that point at accounts, and routes that ask, or do not, for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from fastwright.model.app import AppMap
from fastwright.model.routing import CallerUse, Query, Route
from fastwright.model.storage import Column, Table
from fastwright.review.guarding import WRITES, is_for_administrators, permissions
from fastwright.review.naming import alike, stem
from fastwright.review.nesting import is_row_of, target_of
from fastwright.review.once import once
from fastwright.review.others_rows import shuts_owner_out

_OWNER = re.compile(
    r"^(owner|user|author|creator|created_by|customer|member|account)_?(id|uuid|uid|pk)$"
)
_KEY = re.compile(r"(?:^|_)(?:id|uuid|uid|pk)s?$")
_GIVING = re.compile(r"^(from|source|src|sender|debit|debited|payer|paying)_")
"""What a field calls the one of two rows that something is taken from."""

_GETS = re.compile(r"[\w.]+\.get(_one)?\(")
_NULL_TEST = re.compile(r"^(el)?if (not )?\w+( is (not )?None)?:$")


@dataclass(frozen=True, slots=True)
class Owned:
    """A table whose rows belong to somebody.

    `column` is the column that says to whom; `marks` are the words by which code speaks of it:
    columns and relationships that lead to accounts.
    """

    table: Table
    column: Column
    marks: tuple[str, ...]

    @property
    def is_by_name(self) -> bool:
        """Whether the column is called for whom the row is, and not for who made or handles it."""
        return bool(_OWNER.match(self.column.attribute)) and "creat" not in self.column.attribute

    def is_meant(self, text: str) -> bool:
        """Whether a piece of code speaks of the owner of a row."""
        return any(re.search(rf"\b{re.escape(mark)}\b", text) for mark in self.marks)


@dataclass(frozen=True)
class Ownership:
    """Which tables of one map are owned, and how each route treats their rows."""

    app: AppMap

    @cached_property
    def accounts(self) -> Table | None:
        """The table of those who call."""
        found = (self.app.table(p.model) for p in self.app.principals if p.model)
        by_principal = next((table for table in found if table is not None), None)
        capability = self.app.capability("auth.user_table")
        return by_principal or (self.app.table(capability.symbol) if capability else None)

    @cached_property
    def people(self) -> frozenset[str]:
        """Accounts, and tables that hold one row for each of them (a profile)."""
        if self.accounts is None:
            return frozenset()
        name = self.accounts.name
        word = name.removesuffix("s")
        single = {
            t.name
            for t in self.app.tables
            for c in t.columns
            if target_of(c) == name and (c.unique or c.primary_key or t.name in _profiles(word))
        }
        return frozenset({name, *single})

    @cached_property
    def owned(self) -> Mapping[str, Owned]:
        """The owned tables by name; tables that only join others are none."""
        found = (self._owned(t) for t in self.app.tables if t.name not in self.people)
        return {one.table.name: one for one in found if one is not None}

    def _owned(self, table: Table) -> Owned | None:
        if self.accounts is None:
            return None
        keys = [c for c in table.columns if c.primary_key]
        if not keys or any(c.foreign_key for c in keys):
            return None
        pointing = [c for c in table.columns if target_of(c) in self.people]
        named = [c for c in table.columns if c.foreign_key is None and _OWNER.match(c.attribute)]
        columns = sorted(pointing or named, key=lambda c: not _OWNER.match(c.attribute))
        if not columns:
            return None
        people = {t.model for t in self.app.tables if t.name in self.people and t.model}
        related = [r.name for r in table.relationships if r.target in people and not r.many]
        words = (*(w for c in columns for w in (c.attribute, c.name)), *related)
        return Owned(table, columns[0], tuple(dict.fromkeys(words)))

    def row_of(self, route: Route) -> tuple[Owned, Query] | None:
        """The owned row that the client of `route` names, and the statement that fetches it."""
        found = [(self.owned[q.tables[0]], q) for q in route.queries if self._by_key(q)]
        if "{" not in route.path:
            found = [row for row in found if self._is_named(route, *row)]
        if not found:
            return None
        segment = stem(route.path)
        named = [row for row in found if alike(row[0].table.name, segment)]
        tables = {row[0].table.name for row in found}
        return named[0] if named else found[0] if len(tables) == 1 else None

    def _by_key(self, query: Query) -> bool:
        """A statement on one row of an owned table, by nothing but its own keys."""
        if query.kind == "insert" or not query.tables or query.tables[0] not in self.owned:
            return False
        by_keys = query.kind == "select" and is_by_keys(query, self.owned[query.tables[0]].table)
        return not query.many or query.kind in ("delete", "update") or by_keys

    def _is_named(self, route: Route, owned: Owned, query: Query) -> bool:
        """Whether a query or body names the row by its key, which is all that is asked for."""
        schema = next((s for s in self.app.schemas if s.name == route.body_model), None)
        names = [p.name for p in route.parameters if p.source in ("query", "body", None)]
        names += [field.name for field in schema.fields] if schema is not None else []
        found = (m for name in names if (m := _KEY.search(name)))
        stems = [m.string[: m.start()] for m in found]
        plain = [_GIVING.sub("", stem) for stem in stems]
        is_named = any(not stem or is_row_of(owned.table, stem) for stem in plain)
        return is_named and is_by_key_alone(self.app, query, owned.table)

    def asks(self, route: Route, owned: Owned) -> CallerUse | Query | None:
        """Where a route limits the rows of a table to those of the caller; None if it does not."""
        used = (
            u
            for u in route.caller_uses
            if u.kind in ("read", "filtered") and owned.is_meant(u.text)
            if not shuts_owner_out(self.app, u, owned.marks)
        )
        name = owned.table.name
        marks = {f"{name}.{mark}" for mark in owned.marks}
        outside = any(shuts_owner_out(self.app, u, owned.marks) for u in route.caller_uses)
        filtered = (
            q for q in route.queries if marks & set(q.filters) and route.caller_uses and not outside
        )
        return next(used, None) or next(filtered, None)

    def may_ask(self, route: Route, owned: Owned | None = None) -> bool:
        """Whether anything on the way could limit it to the caller, seen or unseen.

        A permission that whoever makes rows of `owned` must have too, says nothing of one row,
        unless it is that of administrators, who make rows for others.
        """
        is_more = permissions(route) and not (owned and self._is_for_owners(route, owned))
        if is_more or route.refuses:
            return True
        return any(
            use.kind in ("read", "filtered", "passed") and not _NULL_TEST.match(use.text)
            for use in route.caller_uses
        )

    def _is_for_owners(self, route: Route, owned: Owned) -> bool:
        if is_for_administrators(route):
            return False
        demanded = self._demands(route)
        makers = [
            r
            for r in self.touching(owned)
            if r.method == "POST"
            and any(q.kind == "insert" and q.tables[:1] == (owned.table.name,) for q in r.queries)
        ]
        return bool(makers) and all(self._demands(r) == demanded for r in makers)

    def _demands(self, route: Route) -> frozenset[tuple[str, str]]:
        """The permissions of a route, each with what it is made of, as written."""
        names = {guard.name for guard in permissions(route)}
        return frozenset(
            (node.call, self.app.text(node.span) if node.span else "")
            for node in route.every_dependency()
            if node.call in names
        )

    def touching(self, owned: Owned) -> Iterator[Route]:
        """The routes with statements on the table, or that are handed a row of it."""
        for route in self.app.routes:
            asked = any(owned.table.name in query.tables for query in route.queries)
            model = owned.table.model
            handed = any(n.returns == model for n in route.dependencies if n.name and model)
            if route.reachable and (asked or handed):
                yield route

    def asking(self, owned: Owned) -> tuple[Route, ...]:
        """The routes on the table that limit its rows to the caller's."""
        return tuple(r for r in self.touching(owned) if self.asks(r, owned) is not None)

    def open_lists(self, owned: Owned) -> tuple[Route, ...]:
        """Routes that list the table for everybody, or for every user."""
        name = owned.table.name
        return tuple(
            r
            for r in self.touching(owned)
            if r.method == "GET"
            and not permissions(r)
            and self.asks(r, owned) is None
            and any(q.many and q.kind == "select" and q.tables[:1] == (name,) for q in r.queries)
        )

    def is_open_to_all(self, owned: Owned) -> bool:
        """Whether a route reads rows by what its path names, whoever's they are, for every user."""
        return any(
            r.method == "GET"
            and "{" in r.path
            and not permissions(r)
            and not self.may_ask(r, owned)
            and any(q.tables[:1] == (owned.table.name,) for q in r.queries)
            for r in self.touching(owned)
        )

    def stores_owner(self, owned: Owned) -> bool:
        """Whether a route writes the caller into the column that says whose a row is."""
        return any(
            use.kind in ("stored", "read") and owned.is_meant(use.text)
            for r in self.app.routes
            if r.method in WRITES
            for use in r.caller_uses
        )


def is_by_key_alone(app: AppMap, query: Query, table: Table) -> bool:
    """Whether nothing but the table's own key says which row is meant."""
    if query.filters:
        return is_by_keys(query, table)
    return _GETS.match(app.text(query.span)) is not None


def is_by_keys(query: Query, table: Table) -> bool:
    """Whether conditions are there, and all of them are on the table's own key."""
    keys = {f"{table.name}.{name}" for c in table.columns if c.primary_key
            for name in (c.name, c.attribute)}  # fmt: skip
    return bool(query.filters) and set(query.filters) <= keys


def _profiles(word: str) -> tuple[str, ...]:
    """Names of tables that stand beside accounts, one row each."""
    return "profile", "profiles", f"{word}_profile", f"{word}_profiles"


@once
def ownership_of(app: AppMap) -> Ownership:
    """Who owns the rows of an app."""
    return Ownership(app)
