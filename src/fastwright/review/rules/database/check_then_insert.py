"""FW306 check-then-insert."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fastwright.model.app import AppMap, Query
from fastwright.model.change import Edit, Fix, Notice, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.asked_first import hangs_on
from fastwright.review.built_indexes import built_on
from fastwright.review.course import around
from fastwright.review.once import once
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.writing import Touch, Writing, writing_of

_ORDERED = re.compile(r"order_by\(|\bORDER\s+BY\b", re.IGNORECASE)
_UNREAD = re.compile(
    r"\bfunc\.\w+\(|\bor_\(|\)\s*\|\s*\(|\.(?:i?like|contains)\(|\(\s*\*\w"
    r"|(?s:\bif\b.+?\belse\b)"
)
"""Conditions that no set of columns stands for."""
_VAGUE = re.compile(r"(?i)bool|date|time|enum|text|json")
_STATUS = re.compile(
    r"(?:\w*_)?(?:status|state)|(?:\w*_)?(?:hash|digest|checksum|fingerprint|cache_key)"
)
"""Columns that say how far a row has come: one row may be open, and many declined.

By a hash an answer is kept that may be made twice.
"""
_KEY = re.compile(r"(?P<row>\w+)\.(?:id|uuid|uid|pk)")


@rule(code="FW306", severity=Severity.MEDIUM)
def check_then_insert(app: AppMap) -> Iterator[Finding]:
    """A row that is looked for and then made, where nothing in the database forbids a second.

    ## Why is this bad?
    Two requests at the same moment both look, both find nothing, and both insert: a name or an
    e-mail address that the code calls unique stands in two rows, and every later `one_or_none`
    fails with a 500 (CWE-362, CWE-367). Only a unique constraint decides such a race.

    ## Example
    ```python
    @app.post("/items", status_code=201)
    def add_item(title: str, user: CurrentUser, session: SessionDep) -> None:
        if session.scalars(select(Item).where(Item.title == title)).first():
            raise HTTPException(409, "There is one of that title")
        session.add(Item(title=title, owner_id=user.id))
        session.commit()
    ```

    Use instead:
    ```python
    @app.post("/users", status_code=201)
    def add_user(email: str, session: SessionDep) -> None:
        if session.scalars(select(User).where(User.email == email)).first():
            raise HTTPException(409, "There is one of that address")
        session.add(User(email=email, hashed_password=""))
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: the column becomes unique in the model. A migration must follow, which fails
    while the table holds duplicates, and the loser of a race gets an `IntegrityError` to answer
    with 409. Offered where one column is compared.

    ## Known limits
    The question and the insert must meet in one function, each there or in what it calls. What a
    revision or SQL of the project makes unique counts, a partial index as a whole one. Flags,
    dates, long texts and a status among the compared columns make the finding only possible, for
    uniqueness may then be meant for some rows only; so does a question with an order, for the
    newest of several; so does a helper that asks now for this, now for that, and a condition that
    is no comparison of a column, such as one of `func.lower(…)` or one by `if … else`, or one of
    several of which one is enough, and one by a hash, for an answer that is kept may be made twice.
    A question for a list, or for rows that are deleted before others are made, is left alone.
    """
    yield from (finding for finding, _ in _every(app))


@once
def asked_alone(app: AppMap) -> frozenset[tuple[str, str]]:
    """The columns, with their tables, that a finding which is certain would make unique."""
    return frozenset(
        (found.table.name, name)
        for finding, found in _every(app)
        if finding.structural and len(names := _compared(found.table, found.query)) == 1
        for name in names
    )


@once
def _every(app: AppMap) -> tuple[tuple[Finding, _Pair], ...]:
    """Every finding, with the question and the insert that it is of."""
    return tuple(_each(app))


def _each(app: AppMap) -> Iterator[tuple[Finding, _Pair]]:
    writing = writing_of(app)
    told: set[object] = set()
    for function, route in writing.functions():
        for found in _pairs(writing, function):
            if _is_renewal(app, found) or _is_a_list(app, function, found):
                continue
            key = f"{found.table.name}:{','.join(sorted(found.query.filters))}"
            place = (found.asked.call.span, found.table.name)
            if not told & {key, place} and not _is_unique(app, found):
                told |= {key, place}
                yield _finding(app, function, route, found), found


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question for one row of a table, and the insert into it that hangs on the answer."""

    table: Table
    query: Query
    asked: Touch
    made: Touch


def _pairs(writing: Writing, function: Function) -> Iterator[_Pair]:
    rows = writing.touches(function)
    for asked in rows:
        for query in asked.asks:
            table = writing.app.table(query.tables[0]) if query.tables else None
            if query.many or table is None or not query.filters:
                continue
            for made in rows:
                hangs = table.name in made.makes and made is not asked
                if hangs and hangs_on(writing, function, asked, made):
                    yield _Pair(table, query, asked, made)


def _uniques(app: AppMap, table: Table) -> Iterator[frozenset[str]]:
    """The sets of columns, by both names, of which the database allows one row each."""
    keys = tuple(c.name for c in table.columns if c.primary_key)
    alone = ((c.name,) for c in table.columns if c.unique)
    built = (*table.indexes, *built_on(app, table))
    for columns in (keys, *alone, *(index.columns for index in built if index.unique)):
        found = _by_name(table, columns)
        if found:
            yield found


def _by_name(table: Table, names: Iterable[str]) -> frozenset[str]:
    found = (table.column(name) for name in names)
    return frozenset(column.name for column in found if column is not None)


def _compared(table: Table, query: Query) -> frozenset[str]:
    own = (f.rpartition(".")[2] for f in query.filters if f.partition(".")[0] == table.name)
    return _by_name(table, own)


def _is_unique(app: AppMap, found: _Pair) -> bool:
    """True where some constraint allows one row at most for the compared columns."""
    compared = _compared(found.table, found.query)
    fixed = compared | _fixed(found, compared)
    return not compared or any(columns <= fixed for columns in _uniques(app, found.table))


def _fixed(found: _Pair, compared: frozenset[str]) -> frozenset[str]:
    """The columns that the compared ones fix: values of one row, whose key is among those asked."""
    given = dict(found.made.call.keywords)
    keys = (_KEY.fullmatch(given.get(name, "")) for name in compared)
    rows = {key["row"] for key in keys if key is not None}
    of_rows = (name for name, value in given.items() if value.partition(".")[0] in rows)
    return _by_name(found.table, (name for name in of_rows if "." in given[name]))


def _is_renewal(app: AppMap, found: _Pair) -> bool:
    """True where the rows asked for are deleted before others are made in their stead."""
    since, until = found.asked.call.span, found.made.call.span
    return any(
        since.path == at.path and since.end <= at.start < until.start
        for at in _deletes(app).get(found.table.name, ())
    )


@once
def _deletes(app: AppMap) -> Mapping[str, Collection[Span]]:
    """Where rows of each table are deleted."""
    found: dict[str, dict[Span, None]] = defaultdict(dict)
    for query in (query for route in app.routes for query in route.queries):
        if query.kind == "delete" and query.tables:
            found[query.tables[0]][query.span] = None
    return found


def _is_a_list(app: AppMap, function: Function, found: _Pair) -> bool:
    """True where all rows are taken of the answer: it was not asked for a single one."""
    call = found.asked.call
    if not call.target.isidentifier() or call.span.path != function.span.path:
        return False
    rest = app.text(Span(call.span.path, call.span.end, function.span.end))
    taken = re.search(rf"\b{call.target}\.(?:scalars\(\)\.)?(\w+)\(", rest)
    return taken is not None and taken[1] in ("all", "fetchall")


def _finding(app: AppMap, function: Function, route: str, found: _Pair) -> Finding:
    table, query = found.table, found.query
    compared = ", ".join(f"`{name}`" for name in query.filters)
    is_unread = _UNREAD.search(_written(app, query)) is not None
    compared += ", and what else it asks," * is_unread
    partly = any(columns > _compared(table, query) for columns in _uniques(app, table))
    return Finding(
        "check-then-insert",
        found.asked.call.span,
        f"`{function.name}` makes a row of `{table.name}` if there is none of that {compared}, "
        "which no constraint makes unique",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        related=(found.made.call.span,),
        fixes=() if partly or is_unread else _fixes(app, table, query),
        symbol=f"{function.name}:{table.name}",
        structural=not (partly or is_unread or _is_ordered(app, query) or _is_vague(table, query))
        and _is_plain(function, found),
    )


def _written(app: AppMap, query: Query) -> str:
    """The statement of a question as written, or the whole function where it is not bound."""
    at = query.span
    holding = [f for f in reach(app).functions_of(at.path) if f.span.start <= at.start]
    inner = [f for f in holding if at.end <= f.span.end]
    rows = ((row.start, row.end) for f in inner for row in f.bindings)
    stops = ((stop.start, stop.end) for f in inner for stop in f.stops)
    tests = ((block.group, block.start) for f in inner for block in f.blocks)
    every = (*rows, *stops, *tests, *((f.span.start, f.span.end) for f in inner))
    around = [(start, end) for start, end in every if start <= at.start and at.end <= end]
    start, end = min(around, key=lambda one: one[1] - one[0], default=(at.start, at.end))
    return app.text(Span(at.path, start, end))


def _is_ordered(app: AppMap, query: Query) -> bool:
    """True where the question is for the first of several: a single row needs no order."""
    spans = (f.span for f in reach(app).functions_of(query.span.path))
    around = (s for s in spans if s.start <= query.span.start and query.span.end <= s.end)
    return query.ordered and any(_ORDERED.search(app.text(span)) for span in around)


def _is_vague(table: Table, query: Query) -> bool:
    columns = [table.column(name.rpartition(".")[2]) for name in query.filters]
    foreign = any(name.partition(".")[0] != table.name for name in query.filters)
    return foreign or any(
        c is None or bool(_VAGUE.search(c.type or "") or _STATUS.fullmatch(c.name)) for c in columns
    )


def _is_plain(function: Function, found: _Pair) -> bool:
    """True where every insert asks first, and the same: anything else is no uniqueness."""
    name = found.table.name
    if len({query.filters for query in found.asked.asks if name in query.tables[:1]}) > 1:
        return False
    asks = {b.start for b in around(function, found.asked.call.span.start) if b.kind == "arm"}
    makes = {b.start for b in around(function, found.made.call.span.start)}
    return asks <= makes


def _fixes(app: AppMap, table: Table, query: Query) -> tuple[Fix, ...]:
    names = {name.rpartition(".")[2] for name in query.filters}
    column = table.column(next(iter(names))) if len(names) == 1 else None
    span = column.span if column is not None else None
    written = app.text(span).rstrip() if span is not None else ""
    taken = re.search(r"\b(unique|index|sa_column)\s*=|\bForeignKey\b|foreign_key", written)
    if column is None or span is None or not written.endswith(")") or taken:
        return ()
    sharing = (t for t in app.tables for c in t.columns if c.span == span and t.name != table.name)
    if any(sharing):  # the column is that of a base, which would make it unique in each of them
        return ()
    inside = written[:-1].rstrip()
    at = span.start + len(inside.encode())
    lead = " " if inside.endswith(",") else "" if inside.endswith("(") else ", "
    why = f"the database refuses a second row of the same `{column.name}`"
    edit = Edit(Span(span.path, at, at), f"{lead}unique=True", why)
    told = Notice(f"A migration must make `{table.name}.{column.name}` unique; duplicates stop it")
    title = f"Make `{table.name}.{column.name}` unique"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, (edit, told)),)
