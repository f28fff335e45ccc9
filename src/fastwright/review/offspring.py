"""The rows that refer to a row of a table, and what becomes of them when it is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.storage import Column, Relationship, Table
from fastwright.review.once import once
from fastwright.review.reach import last

_GONE = re.compile(r"\b(?:all|delete)\b")
_READERS = ("model_validate", "from_orm", "parse_obj")
_KEEPS_KEYS = frozenset({"True", "all"})


@dataclass(frozen=True, slots=True)
class Child:
    """A table whose rows must refer to one of another, by `column`, which is NOT NULL.

    Attributes:
        relationships: The names by which the parent's rows hold these.
        is_cascading: A relationship deletes them with the parent.
        nulls: The relationship of the parent that sets their keys to NULL before, if one does.
        is_kept: The database itself has been told what to do with them.
        is_made: Some code of the app makes such a row.
    """

    table: Table
    column: Column
    relationships: tuple[str, ...]
    is_cascading: bool
    nulls: str
    is_kept: bool
    is_made: bool

    def refuses(self, by_row: bool) -> bool:
        """Whether a deletion of their parent fails; `by_row`: of an object, by the session."""
        if by_row and self.is_cascading:
            return False
        return self.is_nulled(by_row) or not self.is_kept

    def is_nulled(self, by_row: bool) -> bool:
        """Whether the session tries to set their keys to NULL, on whatever database."""
        return by_row and bool(self.nulls)

    def why(self, by_row: bool) -> str:
        """The reason, in words."""
        if self.is_nulled(by_row):
            return f"`{self.nulls}` has no cascade: SQLAlchemy sets it to NULL before the deletion"
        told = (self.column.ondelete or "").upper()
        return f"its key says `{told}`" if told else "its key says nothing of `ondelete`"


def children(app: AppMap, parent: Table) -> tuple[Child, ...]:
    """The tables whose rows must refer to one of `parent`, as far as all is known of them."""
    known = _known(app)
    if parent.name not in known:
        tables = _referring(app).get(parent.name, ()) if parent.model else ()
        found = (_child(app, parent, table) for table in tables if table.model)
        known[parent.name] = tuple(child for child in found if child is not None)
    return known[parent.name]


@once
def _known(app: AppMap) -> dict[str, tuple[Child, ...]]:  # noqa: ARG001 - one for each map
    """The children of the tables that were asked for so far."""
    return {}


@once
def _referring(app: AppMap) -> dict[str, list[Table]]:
    """The tables with a key to each table, by the name of that."""
    found: dict[str, list[Table]] = {}
    for table in app.tables:
        for name in dict.fromkeys(_target(c) for c in table.columns if c.foreign_key):
            found.setdefault(name, []).append(table)
    return found


def _child(app: AppMap, parent: Table, table: Table) -> Child | None:
    keys = [c for c in table.columns if _refers(c, parent)]
    back = any(_refers(c, table) for c in parent.columns)
    if len(keys) != 1 or back or table is parent or keys[0].nullable is not False:
        return None
    if _is_kind_of(app, table, parent) or _is_between(app, table):
        return None
    known = list(_leading(parent, table))
    if any(row.cascade is None for row in known) or keys[0].ondelete is None:
        return None
    nulling = [r for r in known if r.passive_deletes not in _KEEPS_KEYS and r.lazy != "write_only"]
    return Child(
        table, keys[0], tuple(row.name for row in known),
        is_cascading=any(_GONE.search(row.cascade or "") for row in known),
        nulls=f"{last(parent.model or parent.name)}.{nulling[0].name}" if nulling else "",
        is_kept=_is_kept(keys[0]) or _is_migrated(app, keys[0], parent),
        is_made=_is_made(app, table),
    )  # fmt: skip


def _refers(column: Column, parent: Table) -> bool:
    return _target(column) == parent.name


def _target(column: Column) -> str:
    """The table that a key leads to, without its schema."""
    return (column.foreign_key or "").rpartition(".")[0].rpartition(".")[2]


def _leading(parent: Table, table: Table) -> Iterator[Relationship]:
    """The relationships of a parent to its children, those that the other side makes too."""
    for row in parent.relationships:
        if row.target == table.model and not row.views and not row.through:
            yield row
    for row in table.relationships:
        if row.target == parent.model and row.backref and not row.views:
            yield Relationship(row.backref, table.model, cascade=row.backref_cascade)


def _is_kept(column: Column) -> bool:
    return (column.ondelete or "").upper() in ("CASCADE", "SET DEFAULT")


def _is_kind_of(app: AppMap, table: Table, parent: Table) -> bool:
    """True for a subclass that keeps its own columns in a table beside that of its base."""
    head = app.text(table.span).partition(":")[0] if table.span is not None else ""
    return bool(re.search(rf"[(,]\s*(?:\w+\.)*{last(parent.model or '')}\s*[,)]", head))


def _is_between(app: AppMap, table: Table) -> bool:
    """True for a table whose rows SQLAlchemy itself deletes: it links many rows to many."""
    names = {table.name, last(table.model or "")}
    through = (row.through for other in app.tables for row in other.relationships)
    return any(last(name) in names or name.partition(".")[0] in names for name in through if name)


def _is_migrated(app: AppMap, column: Column, parent: Table) -> bool:
    """Whether a migration tells the database of the key what the model does not."""
    named = [re.compile(rf"\b{re.escape(name)}\b") for name in (parent.name, column.name)]
    return any(all(n.search(text) for n in named) for text in _told_by_migrations(app))


@once
def _told_by_migrations(app: AppMap) -> frozenset[str]:
    """The lines of migrations that speak of `ondelete`, each with the three above it."""
    folders = [m.versions for m in app.migrations]
    found: set[str] = set()
    for path, content in app.files.items():
        if path.parent in folders and b"ondelete" in content:
            lines = content.decode("utf-8", "replace").split("\n")
            said = (n for n, line in enumerate(lines) if "ondelete" in line)
            found |= {"\n".join(lines[max(0, n - 3) : n + 1]) for n in said}
    return frozenset(found)


def _is_made(app: AppMap, table: Table) -> bool:
    """Whether any code of the app makes such a row, SQLModel's readers of a body among it."""
    if is_read_from_body(app, table) or any(call.callee == table.model for call in app.calls):
        return True
    queries = (query for route in app.routes for query in route.queries)
    return any(q.kind == "insert" and table.name in q.tables[:1] for q in queries)


def is_read_from_body(app: AppMap, table: Table) -> bool:
    """Whether one of SQLModel's readers makes such rows of what was sent."""
    readers = tuple(f"{last(table.model or '')}.{verb}" for verb in _READERS)
    return any(call.text in readers for call in app.calls)
