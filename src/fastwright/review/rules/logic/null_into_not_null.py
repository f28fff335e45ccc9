"""FW204 null-into-not-null."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Field, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.reach import holds, reach
from fastwright.review.rule import rule
from fastwright.review.storing import Stored, is_validated, stored, unvalidated
from fastwright.review.unfilled import Unfilled, unfilled
from fastwright.review.updating import Updated, updated

_NULL = re.compile(r"\| *None\b|\bNone *\||\bOptional\[")
_DECLARED = re.compile(r"(?P<name>\w+\s*:\s*)(?P<type>[^=\n]+?)(?:\s*=\s*(?P<default>[^\n]+))?")

_LEAVES_OUT = re.compile(r"\bexclude_none\b|\bexclude\s*=(?!\s*[\[{(])")
"""A dump that leaves out what is null, or what a name says that is not written here."""
_CAUGHT = re.compile(r"\b(?:IntegrityError|SQLAlchemyError|DBAPIError)\b")


@rule(code="FW204", severity=Severity.MEDIUM)
def null_into_not_null(app: AppMap) -> Iterator[Finding]:
    """A field that may be null in the request and must not be in the row made from it.

    ## Why is this bad?
    A client that leaves the field out, or sends `null`, passes validation and meets the database's
    `NOT NULL`: it gets a 500 instead of a 422, and the contract tells it that the field is
    optional (CWE-20).

    ## Example
    ```python
    class ItemCreate(BaseModel):
        title: str | None = None


    @app.post("/items")
    def create_item(data: ItemCreate, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = Item(title=data.title, owner_id=user.id)
        session.add(item)
        session.commit()
        return item
    ```

    Use instead:
    ```python
    class ItemCreate(BaseModel):
        title: str


    @app.post("/items")
    def create_item(data: ItemCreate, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = Item(title=data.title, owner_id=user.id)
        session.add(item)
        session.commit()
        return item
    ```

    ## Fix safety
    Changes behaviour: the field becomes required, and a request without it is refused with 422.

    ## Known limits
    The row must be made of the body as it came, or the body be written over a row, by
    `sqlmodel_update` or by `setattr` in a loop. A dump that leaves out what is null
    (`exclude_none`), a value set afterwards and validators are passed over; `exclude_unset` keeps a
    null that was sent. A row is told too that is given `None` as it stands, or is made of a dump
    that lacks the field: it can never be made. Keys of other tables, hooks, triggers and any line
    that gives the column a value are passed over. It is only possible where the code catches the
    database's refusal.
    """
    told: set[str] = set()
    for one in stored(app):
        if one.field.span is not None and _may_be_null(app, one):
            told.add(one.schema.name)
            yield _finding(app, one, one.field.span)
    for update in updated(app):
        fields = tuple(_nulled(app, update)) if update.schema.name not in told else ()
        if fields:
            yield _of_update(app, update, fields)
    yield from (_never_made(app, one) for one in unfilled(app))


def _may_be_null(app: AppMap, one: Stored) -> bool:
    column, field = one.column, one.field
    given = column.default is not None or column.primary_key or column.nullable is not False
    if given or not _NULL.search(field.annotation or "") or is_validated(app, one.schema):
        return False
    if field.default not in (None, "None"):
        return False
    dumped = app.text(one.at) + (app.text(one.route.span) if one.route.span else "")
    return not _LEAVES_OUT.search(dumped) and not _is_set_later(app, one)


def _is_set_later(app: AppMap, one: Stored) -> bool:
    """True where the row, or the body, gets the value in the same function: by hand or a test."""
    function = next((f for f in reach(app).functions_of(one.at.path)
                     if f.span.start <= one.at.start < f.span.end), None)  # fmt: skip
    if function is None:
        return False
    text, name = app.text(function.span), re.escape(one.field.name)
    set_ = rf"\.{name}\s*(=[^=]|\bis\b|\bor\b)|\b(if|not)\s+\w+\.{name}\b|[\"']{name}[\"']"
    return bool(re.search(set_, text)) or _LEAVES_OUT.search(text) is not None


def _nulled(app: AppMap, update: Updated) -> Iterator[Field]:
    """The fields that may be null, and are written over a column that must not be."""
    if _LEAVES_OUT.search(update.words):
        return
    handler = app.text(update.route.span) if update.route.span else ""
    text = app.text(update.function.span) + handler
    for field in unvalidated(app, update.schema):
        column = update.table.column(field.name)
        if column is None or column.primary_key or column.nullable is not False:
            continue
        name = re.escape(field.name)
        by_hand = rf"\.{name}\s*=[^=]|\.{name}\s+is\s+None|\bnot\s+\w+\.{name}\b|[\"']{name}[\"']"
        if field.span and _NULL.search(field.annotation or "") and not re.search(by_hand, text):
            yield field


def _of_update(app: AppMap, update: Updated, fields: tuple[Field, ...]) -> Finding:
    schema = update.schema.name.rpartition(".")[2]
    names = [f"`{schema}.{field.name}`" for field in fields]
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    at = fields[0].span
    assert at is not None
    listed = ", ".join(f"`{field.name}`" for field in fields)
    told = f"`{update.route}` writes a null that was sent for {listed} over what a row holds"
    return Finding(
        "null-into-not-null",
        at,
        f"{names[0]}{others} may be null, which `{update.table.name}` refuses",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(update.at,),
        symbol=schema,
        structural=not _is_caught(app, update.route, update.at),
    )


def _never_made(app: AppMap, one: Unfilled) -> Finding:
    """A row that the database refuses whatever the client sends."""
    listed = " and ".join(f"`{column.name}`" for column in one.columns)
    has = f"`{one.schema.name.rpartition('.')[2]}` has no {listed}" if one.schema else ""
    verb = "are" if len(one.columns) > 1 else "is"
    told = f"{listed} of `{one.table.name}` {verb} NOT NULL without a default"
    return Finding(
        "null-into-not-null",
        one.at,
        f"`{one.route}` gives a row of `{one.table.name}` no {listed}, and so never makes one",
        evidence=(Evidence(EvidenceKind.SOURCE, f"{told}; {has}" if has else told),),
        related=(one.schema.span,) if one.schema is not None and one.schema.span else (),
        symbol=f"{one.table.name}:{one.columns[0].name}",
        structural=not _is_caught(app, one.route, one.at),
    )


def _is_caught(app: AppMap, route: Route, at: Span) -> bool:
    """True where the refusal of the database is dealt with, so that the answer is no 500."""
    spans = [f.span for f in app.functions if holds(f.span, at)]
    spans += [route.span] if route.span else []
    return any(_CAUGHT.search(app.text(span)) for span in spans)


def _finding(app: AppMap, one: Stored, at: Span) -> Finding:
    name = f"{one.schema.name.rpartition('.')[2]}.{one.field.name}"
    column = f"{one.table.name}.{one.column.name}"
    told = f"`{column}` is NOT NULL and has no default; `{one.route}` writes the field as it came"
    return Finding(
        "null-into-not-null",
        at,
        f"`{name}` may be null, which `{column}` refuses",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(one.at,),
        fixes=_fixes(app, at, name),
        symbol=name,
        structural=not _is_caught(app, one.route, one.at),
    )


def _fixes(app: AppMap, at: Span, name: str) -> tuple[Fix, ...]:
    declared = _DECLARED.fullmatch(app.text(at))
    if declared is None or declared["default"] not in (None, "None"):
        return ()
    optional = re.fullmatch(r"(?:\w+\.)?Optional\[(.+)\]", declared["type"])
    type_ = optional[1] if optional else re.sub(r"\s*\| *None\b|\bNone *\| *", "", declared["type"])
    edit = Edit(at, f"{declared['name']}{type_}", "the row cannot be made without it")
    return (Fix(f"Require `{name}`", Safety.CHANGES_BEHAVIOUR, (edit,)),)
