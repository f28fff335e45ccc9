"""FW314 lost-update."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.model.storage import Column, Table
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule

NAME = "lost-update"
_COUNTED_ON = re.compile(
    rb"(?m)^[ \t]*(?:(?P<row>\w+)\.(?P<column>\w+)[ \t]*[+-]=|"
    rb"(?P<same>\w+)\.(?P<own>\w+)[ \t]*=[ \t]*(?P=same)\.(?P=own)[ \t]*[+-])[^\n]*"
)
_NUMBER = re.compile(r"^(int|float|decimal|(big|small)?integer|numeric|float|double|real|money)\b",
                     re.IGNORECASE)  # fmt: skip
_SHARED = re.compile(
    r"(^|_)(balance|stock|quantity|qty|inventory|credits?|funds|budget|amount|points|seats|"
    r"available|remaining|capacity|votes?|likes?|views?|hits|uses|used|copies|tickets)($|_)",
    re.IGNORECASE,
)
_LOCKED = re.compile(
    r"with_for_update|for update|\block(ed|s)?\b|lock\(|advisory|serializable|version_id_col|"
    r"repeatable read",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Change:
    """A statement that counts on from what a row held when it was read."""

    function: Function
    row: str
    table: Table
    column: Column
    at: Span


@rule(code="FW314", severity=Severity.MEDIUM)
def lost_update(app: AppMap) -> Iterator[Finding]:
    """A number that is read from a row, counted on in Python, and written back.

    ## Why is this bad?
    Two requests at once read the same number, and each writes what it made of it: of two payments
    one is lost, and the last seat is sold twice (CWE-362, CWE-367). A lock on the row lets the
    second request read what the first has written.

    ## Example
    ```python
    class Wallet(Base):
        __tablename__ = "wallets"
        id: Mapped[int] = mapped_column(primary_key=True)
        balance: Mapped[int] = mapped_column(default=0)


    @app.post("/wallets/{wallet_id}/payments")
    def pay(wallet_id: int, amount: int, session: SessionDep) -> None:
        wallet = session.get(Wallet, wallet_id)
        if wallet is None or wallet.balance < amount:
            raise HTTPException(409)
        wallet.balance -= amount
        session.commit()
    ```

    Use instead:
    ```python
    class Wallet(Base):
        __tablename__ = "wallets"
        id: Mapped[int] = mapped_column(primary_key=True)
        balance: Mapped[int] = mapped_column(default=0)


    @app.post("/wallets/{wallet_id}/payments")
    def pay(wallet_id: int, amount: int, session: SessionDep) -> None:
        wallet = session.get(Wallet, wallet_id, with_for_update=True)
        if wallet is None or wallet.balance < amount:
            raise HTTPException(409)
        wallet.balance -= amount
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: requests for one row wait for each other. Offered where the row is fetched in
    the same function. SQLite has no such lock and ignores it.

    ## Known limits
    Certain for columns that several people share by their name (a balance, a stock, seats, votes),
    else possible. A lock, a version column or a stricter isolation anywhere in what runs for the
    route is believed. A row that the function makes itself is nobody else's yet.
    """
    told: set[tuple[str, str]] = set()
    for ran in reach(app).ran():
        for change in _changes(app, ran.function, ran.route):
            key = (change.function.name, change.column.name)
            if key not in told and not _is_locked(app, ran.route, change):
                told.add(key)
                yield _finding(app, ran.route, change)


def _changes(app: AppMap, function: Function, route: Route) -> Iterator[_Change]:
    span = function.span
    content = app.files[span.path]
    for found in _COUNTED_ON.finditer(content, span.start, span.end):
        row = (found["row"] or found["same"]).decode()
        table = _table_of(app, function, route, row)
        name = (found["column"] or found["own"]).decode()
        column = table.column(name) if table is not None else None
        if table is None or column is None or not _NUMBER.match(column.type or ""):
            continue
        if not (column.primary_key or column.foreign_key):
            text = found[0].strip()
            start = content.index(text, found.start())
            yield _Change(function, row, table, column, Span(span.path, start, start + len(text)))


def _table_of(app: AppMap, function: Function, route: Route, row: str) -> Table | None:
    """The table that a name of a function holds a row of, one that was there before."""
    classes = {last(t.model): t for t in app.tables if t.model}
    values = [app.text(Span(function.span.path, b.start, b.end)) for b in function.bindings
              if b.name == row]  # fmt: skip
    for value in values:
        if re.match(rf"(?:{'|'.join(map(re.escape, classes))})\(", value):
            return None  # made here
    calls = [c for c in reach(app).calls_in(function) if c.target == row]
    given = [inner.returns or "" for c in calls if (inner := reach(app).callee(c)) is not None]
    given += [text for name, text in function.annotations if name == row]
    if route.handler == function.name:
        given += [last(n.returns) for n in route.dependencies if n.name == row and n.returns]
    for text in (*values, *given):
        named = next((w for w in re.findall(r"\w+", text) if w in classes), None)
        if named is not None:
            return classes[named]
    return None


def _is_locked(app: AppMap, route: Route, change: _Change) -> bool:
    """Whether anything that runs for the route, or the table, keeps two requests apart."""
    table = change.table.span
    if table is not None and _LOCKED.search(app.text(table)):
        return True
    return any(function.name in _locking(app) for function in reach(app).running(route))


@once
def _locking(app: AppMap) -> frozenset[str]:
    """The functions that speak of a lock."""
    return frozenset(f.name for f in app.functions if _LOCKED.search(app.text(f.span)))


def _finding(app: AppMap, route: Route, change: _Change) -> Finding:
    name = f"{change.table.name}.{change.column.name}"
    fix = _fix(app, change)
    return Finding(
        NAME,
        change.at,
        f"`{change.function.name}` counts on from the `{name}` that it has read, and loses what "
        "another request writes meanwhile",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`, and nothing is locked"),),
        fixes=(fix,) if fix is not None else (),
        symbol=f"{change.function.name}:{name}",
        structural=_SHARED.search(change.column.attribute) is not None,
    )


def _fix(app: AppMap, change: _Change) -> Fix | None:
    """A lock on the row, where the one statement that fetches it stands in the function."""
    model = last(change.table.model or "")
    calls = [c for c in reach(app).calls_in(change.function)
             if c.arguments[:1] == (model,) and c.span.start < change.at.start]  # fmt: skip
    if len(calls) != 1 or not model:
        return None
    edit = _with_lock(calls[0])
    title = f"Lock the row of `{change.table.name}` until the transaction ends"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, (edit,)) if edit is not None else None


def _with_lock(call: Call) -> Edit | None:
    verb, end = last(call.text), call.span.end
    why = "the next request for the row waits, and reads what this one has written"
    if verb in ("select", "query") and not call.keywords and len(call.arguments) == 1:
        return Edit(Span(call.span.path, end, end), ".with_for_update()", why)
    if verb in ("get", "get_one") and not call.keywords and len(call.arguments) == 2:
        return Edit(Span(call.span.path, end - 1, end - 1), ", with_for_update=True", why)
    return None
