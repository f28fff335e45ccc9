"""FW204 null-into-not-null."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.rule import rule
from fastwright.review.storing import Stored, is_validated, stored

_NULL = re.compile(r"\| *None\b|\bNone *\||\bOptional\[")
_DECLARED = re.compile(r"(?P<name>\w+\s*:\s*)(?P<type>[^=\n]+?)(?:\s*=\s*(?P<default>[^\n]+))?")


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
    The row must be made of the body as it came: a dump that leaves out what is null or unset, a
    value set afterwards and a schema with validators are passed over.
    """
    for one in stored(app):
        if one.field.span is not None and _may_be_null(app, one):
            yield _finding(app, one, one.field.span)


def _may_be_null(app: AppMap, one: Stored) -> bool:
    column, field = one.column, one.field
    given = column.default is not None or column.primary_key or column.nullable is not False
    if given or not _NULL.search(field.annotation or "") or is_validated(app, one.schema):
        return False
    if field.default not in (None, "None"):
        return False
    dumped = app.text(one.at) + (app.text(one.route.span) if one.route.span else "")
    leaves_out = "exclude" in app.text(one.at) or "exclude_none" in dumped
    return not leaves_out and not _is_set_later(app, one)


def _is_set_later(app: AppMap, one: Stored) -> bool:
    """True where the row, or the body, gets the value in the same function: by hand or a test."""
    function = next((f for f in app.functions if f.span.path == one.at.path
                     and f.span.start <= one.at.start < f.span.end), None)  # fmt: skip
    if function is None:
        return False
    text, name = app.text(function.span), re.escape(one.field.name)
    set_ = rf"\.{name}\s*(=[^=]|\bis\b|\bor\b)|\b(if|not)\s+\w+\.{name}\b|[\"']{name}[\"']"
    return bool(re.search(set_, text)) or "exclude" in text


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
        structural=True,
    )


def _fixes(app: AppMap, at: Span, name: str) -> tuple[Fix, ...]:
    declared = _DECLARED.fullmatch(app.text(at))
    if declared is None or declared["default"] not in (None, "None"):
        return ()
    optional = re.fullmatch(r"(?:\w+\.)?Optional\[(.+)\]", declared["type"])
    type_ = optional[1] if optional else re.sub(r"\s*\| *None\b|\bNone *\| *", "", declared["type"])
    edit = Edit(at, f"{declared['name']}{type_}", "the row cannot be made without it")
    return (Fix(f"Require `{name}`", Safety.CHANGES_BEHAVIOUR, (edit,)),)
