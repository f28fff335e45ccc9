"""FW301 unindexed-foreign-key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit, Fix, Notice, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.dialects import is_sqlite_alone
from fastwright.review.indexes import Indexes, Lookups, makes_its_own_indexes, parent_of
from fastwright.review.revisions import index_revision
from fastwright.review.rule import rule
from fastwright.review.rules.database.check_then_insert import asked_alone
from fastwright.review.unused_modules import unused_modules

_SETTINGS = re.compile(
    r"(?i)(?:^|_)(?:rule|setting|config|configuration|kind|type|status|permission|role|currency"
    r"|language|locale|template|policy|plan)(?:es|s)?$"
)
"""Tables of what someone sets up: some dozens of rows, which no index makes faster."""
_ACTOR = re.compile(r"(?i)_by(?:_\w*id)?$|^(?:creator|approver|reviewer|editor|updater)(?:_id)?$")
"""Columns that say who has done something to a row."""
_PART = re.compile(r"(?i)ondelete\s*=\s*['\"]CASCADE|cascade\s*=\s*['\"](?:all|[^'\"]*delete)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


@rule(code="FW301", severity=Severity.MEDIUM)
def unindexed_foreign_key(app: AppMap) -> Iterator[Finding]:
    """A foreign key that requests look rows up by, or whose parent they delete, without an index.

    ## Why is this bad?
    PostgreSQL and SQLite index the referenced key, not the referencing column. Every list of the
    children of one parent, and every delete of a parent, reads the whole child table (CWE-1067);
    while a delete does so, it holds its locks.

    ## Example
    ```python
    class Note(Base):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))


    @app.get("/items/{item_id}/notes")
    def notes(item_id: int, session: SessionDep) -> list[int]:
        found = session.scalars(select(Note).where(Note.item_id == item_id).limit(50))
        return [note.id for note in found]
    ```

    Use instead:
    ```python
    class Note(Base):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)


    @app.get("/items/{item_id}/notes")
    def notes(item_id: int, session: SessionDep) -> list[int]:
        found = session.scalars(select(Note).where(Note.item_id == item_id).limit(50))
        return [note.id for note in found]
    ```

    ## Fix safety
    Safe: `index=True` in the model and, where Alembic has one head, a revision that builds the
    index (on PostgreSQL without locking the table against writes); several follow each other.

    ## Known limits
    The first column of a primary key, unique constraint or index counts as indexed, and so does
    what a revision or SQL of the project indexes. A key that no statement of a route is seen to
    need is only possible; one that compares an indexed column as well does not need it. So is a key
    of a table of settings, rules or roles, and one that only the delete of a parent needs where a
    row is no part of the parent: where it may be null and nothing cascades, says who did something,
    refers to its own table or to one of settings, or where only SQLite is spoken of, which checks
    no keys by itself. So are keys that are only compared beside another that was told, those that
    `check-then-insert` would make unique, and those of a model in a module that nothing imports.
    MySQL indexes foreign keys itself, so that apps on it, by its driver or the address or image of
    a server, are not judged, whatever they start with on a developer's machine.
    """
    if makes_its_own_indexes(app):
        return
    indexes = Indexes(app)
    lookups = Lookups(app, indexes)
    missing = [
        (table, column)
        for table in app.tables
        for column in table.columns
        if column.foreign_key and column.span and not indexes.lead_to(table, column)
    ]
    once = {column.span: (table, column) for table, column in reversed(missing)}
    told: set[str] = set()
    for table, column in reversed(once.values()):  # classes of one table share its columns
        need = lookups.needs(table, column, told)
        sure = bool(need) and not any(map(_SETTINGS.search, _names(table)))
        sure = sure and not _needs_none(app, table, column)
        if need in lookups.deleted.values():
            sure = sure and _goes_with(app, table, column)
        names = {f"{table.name}.{word}" for word in (column.name, column.attribute)}
        told |= names if sure else set()
        yield _finding(app, table, column, need, sure=sure)


def _needs_none(app: AppMap, table: Table, column: Column) -> bool:
    """True where the table is never made, or another repair makes the column unique."""
    is_unused = table.span is not None and table.span.path in unused_modules(app)
    return is_unused or (table.name, column.name) in asked_alone(app)


def _names(table: Table) -> tuple[str, str]:
    return table.name, _HUMP.sub("_", (table.model or "").rpartition(".")[2])


def _goes_with(app: AppMap, table: Table, column: Column) -> bool:
    """True where the delete of a parent looks for rows that are a part of it.

    A row that only names another, as the user who approved it, hardly grows by that, and SQLite
    looks for none unless it is told to check its keys.
    """
    parent = app.table(parent_of(app, column.foreign_key or ""))
    if parent is None or parent is table or _ACTOR.search(column.name):
        return False
    if any(map(_SETTINGS.search, _names(parent))):
        return False
    names = "|".join(re.escape(name) for name in (table.name, *_classes(table)))
    ways = [app.text(r.span) for r in parent.relationships if r.many and r.span is not None]
    through = re.compile(rf"(?:secondary|link_model)\s*=.{{0,40}}?\b(?:{names})\b")
    if any(map(through.search, ways)):
        return True
    keys = [one for one in table.columns if one.foreign_key]
    if len(keys) > 1 and len(keys) == len(table.columns):
        return False
    own = [r for r in parent.relationships if r.many and table.model and r.target == table.model]
    told = [app.text(span) for span in (column.span, *(r.span for r in own)) if span is not None]
    is_part = column.nullable is not True or any(map(_PART.search, told))
    return is_part and (bool(own) or not is_sqlite_alone(app))


def _classes(table: Table) -> tuple[str, ...]:
    return ((table.model or "").rpartition(".")[2],) if table.model else ()


def _finding(app: AppMap, table: Table, column: Column, need: str, *, sure: bool) -> Finding:
    assert column.span is not None
    seen = (Evidence(EvidenceKind.SOURCE, need),) if need else ()
    key = column.foreign_key or ""
    parent = f"{parent_of(app, key)}.{key.rpartition('.')[2]}"
    return Finding(
        "unindexed-foreign-key",
        column.span,
        f"`{table.name}.{column.name}` refers to `{parent}` and has no index",
        evidence=seen,
        fixes=_fixes(app, table, column) if need else (),
        symbol=f"{table.name}.{column.name}",
        structural=sure,
    )


def _fixes(app: AppMap, table: Table, column: Column) -> tuple[Fix, ...]:
    span = column.span
    written = app.text(span).rstrip() if span is not None else ""
    if span is None or not written.endswith(")") or "sa_column" in written or "index=" in written:
        return ()
    inside = written[:-1].rstrip()
    at = span.start + len(inside.encode())
    lead = " " if inside.endswith(",") else "" if inside.endswith("(") else ", "
    why = f"rows of `{table.name}` are found by `{column.name}`"
    edit = Edit(Span(span.path, at, at), f"{lead}index=True", why)
    changes: tuple[Change, ...] = (edit,)
    revision = index_revision(app, (table.name, column.name))
    if revision is not None:
        changes += (revision,)
    elif app.migrations:
        told = f"A migration must build the index of `{table.name}.{column.name}`"
        changes += (Notice(told),)
    return (Fix(f"Index `{table.name}.{column.name}`", Safety.SAFE, changes),)
