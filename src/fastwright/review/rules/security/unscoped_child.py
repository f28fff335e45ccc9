"""FW518 unscoped-child."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.routing import CallerUse, Query, Route
from fastwright.model.storage import Column, Table
from fastwright.review.deeds import deed
from fastwright.review.guarding import guarding_of
from fastwright.review.naming import alike
from fastwright.review.narrowing import narrowed, within
from fastwright.review.nesting import named_tables, target_of
from fastwright.review.ownership import Ownership, is_by_key_alone, ownership_of
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.written_sql import asks_for, sql_in, without_sql

NAME = "unscoped-child"
_COMPARES = re.compile(r"[!=]=")


@dataclass(frozen=True, slots=True)
class _Child:
    """A row that a statement asks for by its own key, and the row above it that a path names.

    `column` is the column of `table` that says which row of `parent` it is below; `parameter` is
    the parameter of the path that names that one.
    """

    table: Table
    column: Column
    query: Query
    parent: Table
    parameter: str


@rule(code="FW518", severity=Severity.HIGH)
def unscoped_child(app: AppMap) -> Iterator[Finding]:
    """A row below one that the caller owns, which is looked for below everybody's.

    ## Why is this bad?
    The route asks whether the item is the caller's, and then reads the note by its key alone.
    Whoever has an item of their own names it in the path, and another's note after it (OWASP
    API1:2023, broken object level authorization; CWE-639).

    ## Example
    ```python
    class Note(Base):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str] = mapped_column(String(500))
        item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)


    def own_item(item_id: int, session: SessionDep, user: CurrentUser) -> Item:
        item = session.get(Item, item_id)
        if item is None or item.owner_id != user.id:
            raise HTTPException(404)
        return item


    OwnItem = Annotated[Item, Depends(own_item)]


    @app.get("/items/{item_id}/notes/{note_id}")
    def read_note(note_id: int, item: OwnItem, session: SessionDep) -> str:
        note = session.get(Note, note_id)
        if note is None:
            raise HTTPException(404)
        return note.text
    ```

    Use instead:
    ```python
    class Note(Base):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str] = mapped_column(String(500))
        item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)


    def own_item(item_id: int, session: SessionDep, user: CurrentUser) -> Item:
        item = session.get(Item, item_id)
        if item is None or item.owner_id != user.id:
            raise HTTPException(404)
        return item


    OwnItem = Annotated[Item, Depends(own_item)]


    @app.get("/items/{item_id}/notes/{note_id}")
    def read_note(note_id: int, item: OwnItem, session: SessionDep) -> str:
        note = session.scalar(select(Note).where(Note.id == note_id, Note.item_id == item.id))
        if note is None:
            raise HTTPException(404)
        return note.text
    ```

    ## Fix safety
    Changes behaviour: a row below another parent is answered as if it did not exist. Offered where
    the statement stands in the handler, and the key of the parent has a name there.

    ## Known limits
    Certain where the route limits the parent to the caller: its owner is compared, or a table of
    members is asked. Any mention of the column, or of a relationship between the two tables, in
    what runs for the route is taken for the missing condition, and so is a row that binds the one
    to another (the progress of an enrolment in a milestone). SQL that is written as text is read
    where the whole of it is known; what is put together from parts is left to `--live`.
    """
    guarding, ownership = guarding_of(app), ownership_of(app)
    for route in guarding.served:
        principal = any(g.role == "principal" and not g.optional for g in route.guards)
        if not principal or route.path.count("{") < 2:
            continue
        for child in _children(app, ownership, route):
            asks = _asks(app, ownership, route, child)
            if asks is None or _is_asked_itself(ownership, route, child):
                continue
            if not _mentions(app, route, child) and not _is_bound(app, ownership, route, child):
                yield _finding(app, route, child, asks)
                break


def _children(app: AppMap, ownership: Ownership, route: Route) -> Iterator[_Child]:
    """Statements for one row by its own key, of tables below one that the path names before."""
    named = named_tables(app, route.path, ownership.accounts)
    for query in route.queries:
        table = app.table(query.tables[0]) if len(query.tables) == 1 else None
        is_one = query.kind in ("update", "delete") or (query.kind == "select" and not query.many)
        if table is None or not is_one or not is_by_key_alone(app, query, table):
            continue
        places = [n for n, (_, t) in enumerate(named) if t is table]
        if not places and named[-1][1] is None:
            places = [len(named) - 1]  # `/{user_id}/{id}` does not say of what
        for parameter, parent in named[: places[-1]] if places else ():
            if parent is None or parent is table:
                continue
            columns = (c for c in table.columns if target_of(c) == parent.name)
            yield from (_Child(table, c, query, parent, parameter) for c in columns)


def _asks(
    app: AppMap, ownership: Ownership, route: Route, child: _Child
) -> CallerUse | Query | None:
    """Where the route limits the rows of the parent to the caller's; None if that is not seen."""
    accounts, parent = ownership.accounts, child.parent
    if accounts is not None and parent.name == accounts.name:
        uses = (u for u in route.caller_uses if u.kind == "read" and _COMPARES.search(u.text))
        return next(uses, None)
    owned = ownership.owned.get(parent.name)
    asks = ownership.asks(route, owned) if owned is not None else None
    return asks or _asks_members(app, ownership, route, parent) or _asks_before(app, route, child)


def _asks_members(
    app: AppMap, ownership: Ownership, route: Route, parent: Table
) -> CallerUse | Query | None:
    """A condition on a table that says which accounts belong to which rows of `parent`."""
    for table in app.tables:
        theirs = [c for c in table.columns if target_of(c) in ownership.people]
        if parent.name not in {target_of(column) for column in table.columns} or not theirs:
            continue
        marks = {f"{table.name}.{c.name}" for c in theirs}
        for query in route.queries if route.caller_uses else ():
            if marks & set(query.filters):
                return query
        word = re.compile(rf"\b{re.escape((table.model or table.name).rpartition('.')[2])}\b")
        for use in route.caller_uses:
            if use.kind == "filtered" and word.search(use.text):
                return use
    return None


def _asks_before(app: AppMap, route: Route, child: _Child) -> CallerUse | None:
    """The guard that is told which row of the parent is meant, and says who is calling."""
    callers = {g.name for g in route.guards if g.role == "principal" and not g.optional}
    for node in route.every_dependency():
        function = reach(app).functions.get(node.call) if node.call in callers else None
        if function is not None and child.parameter in function.parameters:
            return CallerUse("read", _last(node.call), function.span)
    return None


def _is_asked_itself(ownership: Ownership, route: Route, child: _Child) -> bool:
    """Whether the row is limited to the caller by a column of its own."""
    owned = ownership.owned.get(child.table.name)
    asks = ownership.asks(route, owned) if owned is not None else None
    if owned is None or asks is None:
        return False
    if not isinstance(asks, CallerUse) or asks.kind == "filtered":
        return True
    # The parent may have a column of the same name, and a parameter the name of the column.
    word = re.compile(rf"(\w+)\.(?:{'|'.join(map(re.escape, owned.marks))})\b")
    names = {m[1] for use in route.caller_uses for m in word.finditer(use.text)}
    parents = {node.name for node in route.dependencies if node.returns == child.parent.model}
    return not all(alike(name, child.parent.name) for name in names - parents)


def _mentions(app: AppMap, route: Route, child: _Child) -> bool:
    """Whether anything that runs for the route speaks of which row is below which."""
    own = re.escape(child.column.attribute)
    marks = [rf"(?P<of>\w*)(?:\.c)?\.{own}\b", rf"\b{own}\s*=(?!=)", rf"[\"']{own}[\"']"]
    marks += [rf"\.{re.escape(r.name)}\b"
              for t, o in ((child.table, child.parent), (child.parent, child.table))
              for r in t.relationships if r.target == o.model]  # fmt: skip
    word = re.compile("|".join(marks))
    # Another table may have a column of the same name.
    others = {n for t in app.tables if t is not child.table for n in (t.name, _last(t.model or ""))}
    for function in reach(app).running(route):
        if any(
            asks_for(app, sql, child.table, child.column, child.parent)
            for sql in sql_in(app.text(function.span))
        ):
            return True
        text = without_sql(app, function)
        if any(m["of"] not in others - {""} for m in word.finditer(text)):
            return True
    mark = f"{child.table.name}.{child.column.name}"
    return any(mark in query.filters for query in route.queries)


def _is_bound(app: AppMap, ownership: Ownership, route: Route, child: _Child) -> bool:
    """Whether a row that stands between is asked for by the child and by one more of its rows.

    ``progress`` of an enrolment in the parent and of this child: no child of another has one. A
    row of the caller and the child, such as a like, binds the child to no parent.
    """
    for query in route.queries:
        table = app.table(query.tables[0]) if query.tables else None
        if table is None or table in (child.table, child.parent):
            continue
        asked = {target_of(c) for c in table.columns if f"{table.name}.{c.name}" in query.filters}
        if child.table.name in asked and asked - {child.table.name, ""} - ownership.people:
            return True
    return False


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _finding(app: AppMap, route: Route, child: _Child, asks: CallerUse | Query) -> Finding:
    verb = deed(app, route, child.query)
    table, parent = child.table.name, child.parent.name
    message = (
        f"`{route}` {verb} any row of `{table}` by its key, whichever row of `{parent}` it is below"
    )
    written = asks.text if isinstance(asks, CallerUse) else app.text(asks.span)
    shown = f"of `{parent}` the caller's alone are served: {' '.join(written.split())}"
    fix = _fix(app, route, child)
    assert route.span is not None
    is_here = within(child.query.span, route.span)
    return Finding(
        NAME,
        child.query.span if is_here else route.span,
        message,
        evidence=(Evidence(EvidenceKind.SOURCE, shown),),
        related=(asks.span,) if is_here else (child.query.span, asks.span),
        fixes=(fix,) if fix is not None else (),
        symbol=route.handler,
        structural=True,
    )


def _fix(app: AppMap, route: Route, child: _Child) -> Fix | None:
    """The parent among the conditions, where its key has a name in the handler."""
    key = _key_of_parent(route, child)
    if key is None or route.span is None or not within(child.query.span, route.span):
        return None
    why = f"a row of `{child.table.name}` is served below its own `{child.parent.name}` alone"
    edits = narrowed(app, child.table, child.query.span, (child.column, key), why)
    title = f"Limit `{route}` to rows below the `{child.parent.name}` that it names"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, edits) if edits else None


def _key_of_parent(route: Route, child: _Child) -> str | None:
    """What holds the key of the parent in the handler: the row itself, or what the path says."""
    place = (child.column.foreign_key or "").rpartition(".")[2]
    key = next((c for c in child.parent.columns if c.name == place), None)
    if key is None:
        return None
    for node in route.dependencies:
        if node.name and node.returns == child.parent.model:
            return f"{node.name}.{key.attribute}"
    own = {p.name for p in route.parameters if p.source == "path"}
    is_key = re.search(r"(^|_)(id|uuid|uid|pk)$", child.parameter) is not None
    return child.parameter if is_key and key.primary_key and child.parameter in own else None
