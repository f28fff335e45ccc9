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
from fastwright.review.nesting import target_of
from fastwright.review.once import once
from fastwright.review.ownership import ownership_of
from fastwright.review.reach import last, reach
from fastwright.review.rows import bindings_at, rows_of
from fastwright.review.rule import rule

NAME = "lost-update"
_SET = re.compile(
    rb"(?m)^[ \t]*(?P<row>\w+)\.(?P<column>\w+)[ \t]*(?P<counted>[+-]?)=(?!=)[ \t]*"
    rb"(?P<value>[^\n]*)"
)
_COUNTS = re.compile(r"[\w)\]\"'][ \t]*[+-][ \t]*[\w(\"']")
_NAMES = re.compile(r"(?<![\w.])[a-z_]\w*\b(?!\s*[.(=])")
_STEPS = 3
"""Names over which what was read is followed to where it is written back."""
_NUMBER = re.compile(r"^(int|float|decimal|(big|small)?integer|numeric|float|double|real|money)\b",
                     re.IGNORECASE)  # fmt: skip
_SHARED = re.compile(
    r"(^|_)(balance|stock|quantity|qty|inventory|credits?|funds|budget|amount|points|seats|"
    r"available|remaining|capacity|votes?|likes?|views?|hits|uses|used|copies|tickets)($|_)",
    re.IGNORECASE,
)
_BASKET = re.compile(r"(?i)(?:^|_)(?:cart|basket|bag|trolley)s?(?:_?(?:items?|products?|lines?))?$")
"""Tables in which someone gathers what they want: nobody else writes their rows."""
_GATHERED = re.compile(r"(?i)(?:^|_)(?:quantity|qty|amount|count)$")
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
    else possible, as is a quantity in a cart that is found by its account, which two people never
    change at once. A lock, a version column or a stricter isolation anywhere in what runs for the
    route is believed. A row that the function makes itself is nobody else's yet, unless it is made
    only where none was found. What is read in one line and written back in another is followed over
    names; a method of the row counts where it is called on a row that was there.
    """
    told: set[tuple[str, str]] = set()
    for ran in reach(app).ran():
        for change in _changes(app, ran.function):
            key = (change.function.name, change.column.name)
            if key not in told and not _is_locked(app, ran.route, change):
                told.add(key)
                yield _finding(app, ran.route, change)


def _changes(app: AppMap, function: Function) -> Iterator[_Change]:
    span = function.span
    content = app.files[span.path]
    for found in _SET.finditer(content, span.start, span.end):
        row, name = found["row"].decode(), found["column"].decode()
        at = Span(span.path, found.start("row"), found.end())
        value = found["value"].decode("utf-8", "replace")
        if not (
            found["counted"] or _Reading(app, function, f"{row}.{name}").counted(value, at.start)
        ):
            continue
        table = _table_of(app, function, row, at.start)
        column = table.column(name) if table is not None else None
        if table is None or column is None or not _NUMBER.match(column.type or ""):
            continue
        if not (column.primary_key or column.foreign_key):
            yield _Change(function, row, table, column, at)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a function reads of a row, as written: ``wallet.balance``."""

    app: AppMap
    function: Function
    read: str

    def counted(self, value: str, at: int, depth: int = 0) -> bool:
        """Whether a value is counted on from it, in one line or over names between."""
        if self._speaks(value):
            return _COUNTS.search(value) is not None
        counts = _COUNTS.search(value) is not None
        names = dict.fromkeys(_NAMES.findall(value)) if depth < _STEPS else ()
        return any(
            (counts and self.kept(text, start, depth)) or self.counted(text, start, depth + 1)
            for name in names
            for text, start in self._values(name, at)
        )

    def _speaks(self, value: str) -> bool:
        """Whether it is read in an expression: most do without, which needs no pattern."""
        word = rf"\b{re.escape(self.read)}\b(?!\()"
        return self.read in value and re.search(word, value) is not None

    def kept(self, value: str, at: int, depth: int) -> bool:
        """Whether a value is just that, perhaps under another name."""
        if self.read in value and re.match(rf"\(?{re.escape(self.read)}\b(?!\()", value):
            return True
        further = self._values(value, at) if depth < _STEPS and value.isidentifier() else ()
        return any(self.kept(text, start, depth + 1) for text, start in further)

    def _values(self, name: str, at: int) -> Iterator[tuple[str, int]]:
        for binding in bindings_at(self.function, name, at):
            span = Span(self.function.span.path, binding.start, binding.end)
            yield self.app.text(span), binding.start


def _table_of(app: AppMap, function: Function, name: str, at: int) -> Table | None:
    """The table that a name of a function holds a row of, one that was there before.

    In a method of the row itself it is whoever calls it that has read the row.
    """
    rows = rows_of(app)
    row = rows.held(function, name, at)
    if row is None or row.is_new:
        return None
    return row.table if name != "self" or rows.is_read(function) else None


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
        structural=_SHARED.search(change.column.attribute) is not None
        and not _is_own_basket(app, route, change),
    )


def _is_own_basket(app: AppMap, route: Route, change: _Change) -> bool:
    """Whether the row is found by the account whose basket it is in, which only its owner changes.

    What is lost there is a click that was made twice: no stock and no money.
    """
    table = change.table
    if not (_BASKET.search(table.name) and _GATHERED.search(change.column.attribute)):
        return False
    people = ownership_of(app).people
    keys = {f"{table.name}.{c.name}" for c in table.columns if target_of(c) in people}
    asked = (q for q in route.queries if q.kind == "select" and q.tables[:1] == (table.name,))
    return any(not keys.isdisjoint(query.filters) for query in asked)


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
