"""FW322 aware-time-in-naive-column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.drivers import is_asyncpg_alone, speaks_of_asyncpg
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.review.row_tables import mapped_by_name, table_of_row
from fastwright.review.rule import rule
from fastwright.review.storing import is_validated, plain, stored
from fastwright.review.zones import is_aware, is_made_aware
from fastwright.survey.codebase import of_tests

NAME = "aware-time-in-naive-column"
_VALUE = r"(?:\w+(?:\.\w+)*)(?:\((?:[^()\n]|\([^()\n]*\))*\))?(?:\.\w+\([^()\n]*\))*"
_SHIFT = r"(?:\s*[-+]\s*(?:\w+\.)*timedelta\([^()\n]*\))?"
_SET = re.compile(r"(?m)^[ \t]*(?P<row>\w+)\.(?P<column>\w+)[ \t]*=[ \t]*(?P<value>[^=\s].*)$")
_LEFT = re.compile(
    rf"(?<![\w.])(?P<row>\w+)\.(?P<column>\w+)\s*(?P<sign><=|>=|<|>|==|!=)\s*"
    rf"(?P<value>{_VALUE}{_SHIFT})"
)
_RIGHT = re.compile(
    rf"(?<![\w.])(?P<value>{_VALUE}{_SHIFT})\s*(?P<sign><=|>=|<|>|==|!=|-)\s*"
    rf"(?P<row>\w+)\.(?P<column>\w+)(?![\w.(])"
)
_EQUAL = ("==", "!=")
"""What Python answers, and does not refuse."""
_DEFAULTS = re.compile(r"\b(?P<key>default|default_factory|onupdate)\s*=\s*")


@dataclass(frozen=True, slots=True)
class _Meeting:
    """A time with a zone that meets a column without one.

    `how`: ``stored``, ``asked`` (compared by the database), or ``compared`` (by Python, which
    refuses it whatever the database is).
    """

    table: Table
    column: Column
    at: Span
    how: str
    told: str
    symbol: str
    sure: bool = True


@rule(code="FW322", severity=Severity.HIGH)
def aware_time_in_naive_column(app: AppMap) -> Iterator[Finding]:
    """A time with a zone, for a column that keeps none.

    ## Why is this bad?
    asyncpg refuses to send such a time to a `TIMESTAMP WITHOUT TIME ZONE`, each time, so that the
    request ends in a 500. Other drivers cut the zone off, and what they read back has none: Python
    refuses to compare the two, on every database (CWE-704).

    ## Example
    ```python
    class Token(Base):
        __tablename__ = "tokens"
        id: Mapped[int] = mapped_column(primary_key=True)
        expires_at: Mapped[datetime.datetime]


    @app.get("/tokens/{token_id}")
    def is_valid(token_id: int, session: SessionDep) -> bool:
        token = session.get_one(Token, token_id)
        return token.expires_at > datetime.datetime.now(datetime.timezone.utc)
    ```

    Use instead:
    ```python
    from sqlalchemy import DateTime


    class Token(Base):
        __tablename__ = "tokens"
        id: Mapped[int] = mapped_column(primary_key=True)
        expires_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))


    @app.get("/tokens/{token_id}")
    def is_valid(token_id: int, session: SessionDep) -> bool:
        token = session.get_one(Token, token_id)
        return token.expires_at > datetime.datetime.now(datetime.timezone.utc)
    ```

    ## Fix safety
    There is no fix: a column that keeps the zone needs a migration that says in which the times
    were that it holds.

    ## Known limits
    A column is without a zone where SQLAlchemy's own `DateTime` says nothing of one; where a base
    maps `datetime` itself it is not known. What is stored, or compared by the database, is told in
    apps that speak of asyncpg, and is certain where they speak of no other driver. A `datetime` of
    a body is only possible: a client may send a zone.
    """
    told: set[object] = set()
    for found in (*_compared(app), *(_sent(app) if speaks_of_asyncpg(app) else ())):
        key = (found.symbol, found.column.name)
        if key not in told and found.at not in told:
            told |= {key, found.at}
            yield _finding(app, found)


def _sent(app: AppMap) -> Iterator[_Meeting]:
    """What is stored in such columns, or asked of them, by code, by defaults and by clients."""
    for function in _speaking(app):
        yield from _given(app, function)
        yield from _set(app, function)
        for hit, at, name in _hits(app, function):
            met = _column(mapped_by_name(app).get(name), hit["column"])
            if met is not None and is_aware(app, function, hit["value"], at.start):
                yield _Meeting(*met, at, "asked", _shown(hit), function.name)
    yield from _by_default(app)
    yield from _by_body(app)


@once
def _speaking(app: AppMap) -> tuple[Function, ...]:
    """The functions, tests aside, that speak of such a column."""
    named = re.compile(rf"\b(?:{'|'.join(map(re.escape, _naive(app))) or '(?!)'})\b")
    texts = ((f, app.text(f.span)) for f in app.functions if not of_tests(f.span.path))
    return tuple(function for function, text in texts if named.search(text))


def _is_naive(column: Column) -> bool:
    return column.timezone is False


def _column(table: Table | None, name: str) -> tuple[Table, Column] | None:
    """A table with its column of that name, where that keeps no zone."""
    column = table.column(name) if table is not None else None
    return (table, column) if table is not None and column and _is_naive(column) else None


@once
def _naive(app: AppMap) -> frozenset[str]:
    """The attributes of such columns, by which most texts are passed over."""
    return frozenset(c.attribute for t in app.tables for c in t.columns if _is_naive(c))


@once
def _beside_sign(app: AppMap) -> re.Pattern[str]:
    """Such an attribute before or behind a sign: in most functions that speak of one there is none.

    The patterns of a whole comparison try what stands on either side at every word of a text.
    """
    names, sign = "|".join(map(re.escape, _naive(app))) or "(?!)", "<=|>=|<|>|==|!="
    return re.compile(rf"\.(?:{names})\s*(?:{sign})|(?:{sign}|-)\s*\w+\.(?:{names})(?![\w.(])")


def _hits(app: AppMap, function: Function) -> Iterator[tuple[re.Match[str], Span, str]]:
    """The comparisons with an attribute, their places, and the name that it is one of."""
    text = app.text(function.span)
    for pattern in (_LEFT, _RIGHT) if _beside_sign(app).search(text) else ():
        for hit in pattern.finditer(text):
            if hit["column"] in _naive(app):
                start = function.span.start + len(text[: hit.start()].encode())
                end = start + len(hit[0].encode())
                yield hit, Span(function.span.path, start, end), hit["row"]


def _shown(hit: re.Match[str]) -> str:
    return " ".join(hit[0].split())


def _given(app: AppMap, function: Function) -> Iterator[_Meeting]:
    """``Token(expires_at=…)``, and ``insert(Token).values(expires_at=…)``."""
    models = {table.model: table for table in app.tables if table.model}
    calls = reach(app).calls_in(function)
    made = {c.span.start: last(c.arguments[0]) for c in calls
            if last(c.text) in ("insert", "update") and c.arguments}  # fmt: skip
    for call in calls:
        table = models.get(call.callee or "")
        if last(call.text) == "values":
            table = mapped_by_name(app).get(made.get(call.span.start, ""))
        for key, value in call.keywords:
            met = _column(table, key)
            if met is not None and is_aware(app, function, value, call.span.start):
                told = f"{key}={' '.join(value.split())}"
                yield _Meeting(*met, call.span, "stored", told, function.name)


def _set(app: AppMap, function: Function) -> Iterator[_Meeting]:
    """``token.expires_at = …``."""
    text = app.text(function.span)
    for hit in _SET.finditer(text):
        if hit["column"] not in _naive(app):
            continue
        start = function.span.start + len(text[: hit.start("row")].encode())
        value = hit["value"].partition("  #")[0]
        met = _column(table_of_row(app, function, hit["row"], start), hit["column"])
        if met is not None and is_aware(app, function, value, start):
            at = Span(function.span.path, start, start + len(hit[0].strip().encode()))
            yield _Meeting(*met, at, "stored", hit[0].strip(), function.name)


def _by_default(app: AppMap) -> Iterator[_Meeting]:
    """``mapped_column(default=lambda: datetime.now(UTC))``."""
    for table in app.tables:
        for column in table.columns if table.model else ():
            if not _is_naive(column) or column.span is None:
                continue
            text = app.text(column.span)
            for key in _DEFAULTS.finditer(text):
                value = _argument(text[key.end() :])
                if is_made_aware(app, column.span, value):
                    name = f"{last(table.model or '')}.{column.attribute}"
                    told = f"{key['key']}={' '.join(value.split())}"
                    yield _Meeting(table, column, column.span, "stored", told, name)


def _argument(text: str) -> str:
    """The text up to the comma or bracket that ends an argument."""
    depth = 0
    for place, sign in enumerate(text):
        if depth == 0 and sign in ",)":
            return text[:place]
        depth += (sign in "([{") - (sign in ")]}")
    return text


def _by_body(app: AppMap) -> Iterator[_Meeting]:
    """A field of a body that may hold a zone, written as it came."""
    for one in stored(app):
        kind = re.sub(r"\bOptional\[|\]|\bNone\b|[| ]", "", plain(one.field))
        if not _is_naive(one.column) or one.field.span is None or is_validated(app, one.schema):
            continue
        if last(kind) in ("datetime", "AwareDatetime"):
            name = f"{last(one.schema.name)}.{one.field.name}"
            told = f"`{one.route}` writes `{name}` as it came, with the zone that a client sends"
            sure = last(kind) == "AwareDatetime"
            yield _Meeting(one.table, one.column, one.field.span, "body", told, name, sure)


def _compared(app: AppMap) -> Iterator[_Meeting]:
    """``token.expires_at < datetime.now(UTC)`` of a row, in Python."""
    owned = {table.model: table for table in app.tables if table.model}
    for function in _speaking(app):
        for hit, at, name in _hits(app, function):
            table = owned.get(function.class_name or "") if name == "self" else None
            if table is None and name not in mapped_by_name(app):
                table = table_of_row(app, function, name, at.start)
            met = _column(table, hit["column"])
            if met is None or hit["sign"] in _EQUAL or _is_mended(app, function, hit["column"]):
                continue
            is_fine = _is_made_here(app, function, name) or _is_migrated(app, met[1])
            if not is_fine and is_aware(app, function, hit["value"], at.start):
                yield _Meeting(*met, at, "compared", _shown(hit), function.name)


def _is_made_here(app: AppMap, function: Function, name: str) -> bool:
    """Whether a name holds a row that was made in the function: it has what it was given."""
    path = function.span.path
    bound = (app.text(Span(path, b.start, b.end)) for b in function.bindings if b.name == name)
    made = (re.match(r"(?:\w+\.)*(\w+)\(", text) for text in bound)
    return any(hit is not None and hit[1] in mapped_by_name(app) for hit in made)


def _is_migrated(app: AppMap, column: Column) -> bool:
    """Whether a migration makes the column with a zone, so that it is read with one."""
    named = rb"[\"']%b[\"'](?:[^\"']|\n){0,120}?timezone\s*=\s*True" % column.name.encode()
    made = re.compile(named)
    return any(made.search(text) for text in _zoned(app) if column.name.encode() in text)


@once
def _zoned(app: AppMap) -> tuple[bytes, ...]:
    """The migrations that speak of zones."""
    folders = [m.versions for m in app.migrations]
    return tuple(text for path, text in app.files.items()
                 if b"timezone" in text and path.parent in folders)  # fmt: skip


def _is_mended(app: AppMap, function: Function, name: str) -> bool:
    """Whether a function sets the attribute, or looks at its zone."""
    return bool(re.search(rf"\.{name}(?:\s*=(?!=)|\.tzinfo)", app.text(function.span)))


def _finding(app: AppMap, found: _Meeting) -> Finding:
    column = f"{found.table.name}.{found.column.name}"
    does = {
        "stored": f"stores a time with a zone in `{column}`, which keeps none",
        "asked": f"compares `{column}`, which keeps no zone, with a time that has one",
        "compared": f"compares `{column}`, which is read without a zone, with a time that has one",
        "body": f"may bring a zone, which `{column}` keeps none of",
    }[found.how]
    is_python = found.how == "compared"
    harm = "Python raises `TypeError`" if is_python else "asyncpg raises `DataError`"
    return Finding(
        NAME,
        found.at,
        f"`{found.symbol}` {does}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"{found.told}: {harm}"),),
        related=(found.column.span,) if found.column.span not in (None, found.at) else (),
        symbol=f"{found.symbol}:{column}",
        structural=found.sure and (is_python or is_asyncpg_alone(app)),
    )
