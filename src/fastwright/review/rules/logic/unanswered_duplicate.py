"""FW218 unanswered-duplicate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Field, Route
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.at_home import is_at_home
from fastwright.review.built_indexes import built_on
from fastwright.review.nets import errors_of
from fastwright.review.once import once
from fastwright.review.reach import Step, holds, last, reach
from fastwright.review.refused_rows import (
    LINEAGE,
    is_answered_for_all,
    is_caught,
    is_sent_by,
    places,
)
from fastwright.review.rule import rule
from fastwright.review.sent_values import Way, sent, ways
from fastwright.review.storing import Stored, stored
from fastwright.review.uncommented import uncommented
from fastwright.review.updating import Updated, updated
from fastwright.review.writing import writing_of

NAME = "unanswered-duplicate"
_STAGES = frozenset({"add", "add_all", "bulk_save_objects"})
_SPEAKS = re.compile(
    r"(?i)\balready|duplicat|conflict|\b409\b|\btaken\b|\bunique|upsert|\bmerge\("
    r"|(?<!not )(?<!n't )(?<!if_)exists?\b|\bget_or_|_or_create"
    r"|pgcode|sqlstate|\b23505\b|\b1062\b|\.orig\b"
)
"""What says that somebody has thought of a row that is there, if not in a way that we read."""
_VALUE = re.compile(r"\s*=\s*(\w+(?:\.\w+)?)[ \t]*(?:#.*)?(?:\n|$)")
_ASKS = re.compile(
    r"(?:^|_)(?:get|find|is|has|exists?|filter|first|one|check|by|look\w*|fetch|search|count"
    r"|valid\w*|ensure|assert)(?:_|$)"
)
"""What a call is named that asks for rows, and is not ours to read."""


@dataclass(frozen=True, slots=True)
class _Filled:
    """A row that a route writes, by the call of `step`, with the unique columns that it is sent.

    `is_new`: the row is made there, and not one that was there before.
    """

    route: Route
    step: Step
    table: Table
    columns: tuple[Column, ...]
    is_new: bool = False

    @property
    def at(self) -> Span:
        """Where the row is made, or written over."""
        return self.step.call.span


@rule(code="FW218", severity=Severity.MEDIUM)
def unanswered_duplicate(app: AppMap) -> Iterator[Finding]:
    """A value that must be unique comes from the client, and nobody asks whether it is taken.

    ## Why is this bad?
    The second request with the same name or slug meets the unique constraint, the database raises
    an `IntegrityError`, and the client gets 500 for a mistake of its own: it cannot tell it from
    an outage, and each one wakes whoever is on call (CWE-755, CWE-20).

    ## Example
    ```python
    class Shelf(Base):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)


    class ShelfIn(BaseModel):
        name: str


    @app.post("/shelves", status_code=201)
    def add_shelf(body: ShelfIn, session: SessionDep) -> None:
        session.add(Shelf(name=body.name))
        session.commit()
    ```

    Use instead:
    ```python
    from sqlalchemy.exc import IntegrityError


    class Shelf(Base):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)


    class ShelfIn(BaseModel):
        name: str


    @app.post("/shelves", status_code=201)
    def add_shelf(body: ShelfIn, session: SessionDep) -> None:
        session.add(Shelf(name=body.name))
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            raise HTTPException(409, "There is a shelf of that name") from None
    ```

    ## Fix safety
    There is no fix to apply: which layer answers, and in which words, is a decision.

    ## Known limits
    One column that is unique by itself, is no key to another table and is filled by a field that
    each request must give. A route is passed over where anything that runs for it names the column,
    asks for it by a helper, or speaks of what exists already; where an `except` around the flush,
    the commit or what leads there takes the error for something else than a 500; and where a
    handler, a middleware or a route class may. What `merge` or an upsert writes is left alone. It
    is only possible where revisions tell nothing of the constraint.
    """
    if is_answered_for_all(app):
        return
    told: set[Span] = set()
    for route in app.routes:
        root = reach(app).answering(route)
        if root is None or not route.reachable or is_at_home(route.condition):
            continue
        for made in _filled(app, route, root):
            unasked = [column for column in made.columns if not _is_asked(app, made, column)]
            if made.at not in told and unasked and _fails(app, made, root):
                told.add(made.at)
                yield _finding(app, made, unasked)


def _filled(app: AppMap, route: Route, root: Function) -> Iterator[_Filled]:
    """The rows that a route writes of what it is sent."""
    by_way = {way.function.name: way for way in ways(app, route)}
    whole, over = _whole(app, route), _over(app)
    for step in reach(app).below(root):
        way = by_way.get(step.function.name)
        if way is None:
            continue
        if step.call.span in over:
            yield from _updated(app, step, route, over[step.call.span])
            continue
        given = whole.get(step.call.span, ())
        table = given[0].table if given else _models(app).get(step.call.callee or "")
        found: list[tuple[Column, Field | None]] = [(one.column, one.field) for one in given]
        if table is not None:
            found += _by_keyword(app, way, step.call, table)
        rows = tuple(c for c, field in found if _is_required(field) and _is_stored(app, step, c))
        rows = tuple(column for column in rows if table and _is_unique(table, column))
        if rows and table is not None:
            yield _Filled(route, step, table, rows, is_new=True)
    for way in by_way.values():
        yield from _assigned(app, way)


def _assigned(app: AppMap, way: Way) -> Iterator[_Filled]:
    """The rows that a function sets one unique column of: ``row.name = body.name``."""
    for touch in writing_of(app).touches(way.function):
        row, _, name = touch.call.text.rpartition(".")
        table = app.table(next(iter(touch.changes), ""))
        column = table.column(name) if table is not None and row else None
        if table is None or column is None or not _is_unique(table, column):
            continue
        rest = Span(way.function.span.path, touch.call.span.end, way.function.span.end)
        value = _VALUE.match(app.text(rest))
        if value is not None and sent(app, way, value[1]) is not None:
            step = Step(touch.call, way.functions, way.via)
            yield _Filled(way.route, step, table, (column,))


@once
def _over(app: AppMap) -> dict[Span, Updated]:
    """The rows that bodies are written over, by where."""
    return {one.at: one for one in updated(app)}


def _updated(app: AppMap, step: Step, route: Route, one: Updated) -> Iterator[_Filled]:
    """The row that a body is written over, with the unique columns among its fields."""
    found = (one.table.column(field.name) for field in one.schema.fields)
    rows = tuple(c for c in found if c and _is_unique(one.table, c) and _is_stored(app, step, c))
    if rows and one.schema.name == route.body_model:
        yield _Filled(route, step, one.table, rows)


@once
def _models(app: AppMap) -> dict[str, Table]:
    """The tables by their classes."""
    return {table.model: table for table in app.tables if table.model}


def _whole(app: AppMap, route: Route) -> dict[Span, tuple[Stored, ...]]:
    """What rows take of the body of a route as a whole, by where they are made."""
    found: dict[Span, tuple[Stored, ...]] = {}
    for one in stored(app):
        if one.whole and one.schema.name == route.body_model:
            found[one.at] = (*found.get(one.at, ()), one)
    return found


def _by_keyword(
    app: AppMap, way: Way, call: Call, table: Table
) -> Iterator[tuple[Column, Field | None]]:
    """The columns that a constructor is given one by one, each as the client sent it."""
    for key, value in call.keywords:
        column = table.column(key)
        value_sent = sent(app, way, value) if column is not None else None
        if column is not None and value_sent is not None:
            field = value_sent.declared
            yield column, field if isinstance(field, Field) else None


def _is_unique(table: Table, column: Column) -> bool:
    """Whether a column may hold each value once, and is no key."""
    alone = (index.columns for index in table.indexes if index.unique)
    is_alone = any(set(names) <= {column.name, column.attribute} for names in alone)
    return (column.unique or is_alone) and not column.foreign_key and not column.primary_key


def _is_required(field: Field | None) -> bool:
    """Whether each request must give a value."""
    return field is None or (field.required and "None" not in (field.annotation or ""))


def _is_stored(app: AppMap, step: Step, column: Column) -> bool:
    """Whether nothing in the same function gives the column another value."""
    text, name = uncommented(app, step.function), re.escape(column.attribute)
    return not re.search(rf"[\"']{name}[\"']|\.{name}\s*=(?!=)", text)


def _is_asked(app: AppMap, made: _Filled, column: Column) -> bool:
    """Whether anything that runs for the route may have asked for a row of that value."""
    names, running = {column.name, column.attribute}, tuple(_running(app, made.route))
    for query in made.route.queries:
        asked = query.kind == "select" and made.table.name in query.tables
        asked = asked and any(holds(function.span, query.span) for function in running)
        if asked and any(f == "?" or last(f) in names for f in query.filters):
            return True
    model = last(made.table.model or "")
    spoken = re.compile("|".join(
        rf"\b{model}\.{n}\b|by_\w*{n}|{n}_\w*(?:exists|taken|free)|\b{n}\b\s*=\s*[:%$?]"
        for n in map(re.escape, names)
    ))  # fmt: skip
    if any(spoken.search(uncommented(app, function)) for function in running):
        return True
    calls = {c.span: c for function in running for c in reach(app).calls_in(function)}
    return any(_asks(call, column) for span, call in calls.items() if span != made.at)


def _running(app: AppMap, route: Route) -> Iterator[Function]:
    """The functions that run for a route, those aside that ask who is calling."""
    guards = {guard.name for guard in route.guards}
    for root in reach(app).roots(route):
        if root.name.removesuffix(".__call__") not in guards:
            yield root
            yield from (step.function for step in reach(app).below(root))


def _asks(call: Call, column: Column) -> bool:
    """Whether a call that may ask for rows is given the value."""
    name = column.attribute
    given = any(value == name or value.endswith(f".{name}") for value in call.arguments)
    given = given or any(k == name or v.endswith(f".{name}") for k, v in call.keywords)
    return given and _ASKS.search(last(call.text)) is not None


def _fails(app: AppMap, made: _Filled, root: Function) -> bool:
    """Whether the row is sent to the database, and its refusal reaches the client as a 500."""
    steps = reach(app).below(root)
    ours = {root.span: root, **{step.function.span: step.function for step in steps}}
    if any(_SPEAKS.search(uncommented(app, function)) for function in ours.values()):
        return False
    calls = [step.call for step in steps]
    is_staged = not made.is_new or any(last(call.text) in _STAGES for call in calls)
    if not is_staged or not any(map(is_sent_by, calls)):
        return False

    def ends(call: Call) -> bool:
        return call.span == made.at or is_sent_by(call)

    passed = [*places(app, root, ends)]
    others = (f for f in reach(app).roots(made.route)[1:] if f.yields)
    passed += (place for other in others for place in places(app, other, lambda _: False))
    if is_caught(app, made.route, passed):
        return False
    return not errors_of(app).is_answered(made.route, made.step, LINEAGE)


def _finding(app: AppMap, made: _Filled, columns: list[Column]) -> Finding:
    names = [f"`{made.table.name}.{column.name}`" for column in columns]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    told = f"{names[0]} is unique, and nothing that runs for the route asks for it before"
    return Finding(
        NAME,
        made.at,
        f"`{made.route}` answers 500 to a `{columns[0].attribute}`{more} that is taken",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=tuple(c.span for c in columns[:3] if c.span is not None),
        symbol=f"{made.step.function.name}:{made.table.name}",
        structural=any(_is_kept(app, made.table, column) for column in columns),
    )


def _is_kept(app: AppMap, table: Table, column: Column) -> bool:
    """Whether the database itself knows that a column is unique, as far as revisions tell."""
    if not any(environment.count for environment in app.migrations):
        return True
    built = (index.columns for index in built_on(app, table) if index.unique)
    return any(set(names) <= {column.name, column.attribute} for names in built)
