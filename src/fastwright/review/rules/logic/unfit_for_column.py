"""FW217 unfit-for-column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Field, Route, Schema
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.dialects import is_sqlite_alone
from fastwright.review.drivers import is_asyncpg_alone
from fastwright.review.indexes import packages
from fastwright.review.reach import holds
from fastwright.review.rule import rule
from fastwright.review.storing import plain, stored, unvalidated
from fastwright.review.updating import updated
from fastwright.review.versions import is_on_pydantic_1, runs_on

_URL = re.compile(r"(?:Optional\[)?\w*(?:HttpUrl|AnyUrl|FileUrl|WebsocketUrl)\b")
_MAPPING = re.compile(r"(?:Optional\[)?(?:typing\.)?[dD]ict\b")
_LIST = re.compile(r"(?:Optional\[)?(?:typing\.)?[lL]ist\b")
_TEXTS = frozenset({"String", "Text", "VARCHAR", "CHAR", "Unicode", "UnicodeText", "str"})
_MYSQL = re.compile(r"mysql|mariadb|asyncmy")
_ENCODED = re.compile(r"\bmode\s*=|\bjsonable_encoder\b|\bjson\.dumps\b|\bmodel_dump_json\b")
_CAUGHT = re.compile(
    r"except\s*(?::|\(?[^:\n]*\b(?:Exception|StatementError|DBAPIError|SQLAlchemyError|DataError"
    r"|InterfaceError|ProgrammingError)\b)"
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A field of a body that `at` writes into a column as it came."""

    route: Route
    schema: Schema
    field: Field
    table: Table
    column: Column
    at: Span
    whole: bool


@rule(code="FW217", severity=Severity.MEDIUM)
def unfit_for_column(app: AppMap) -> Iterator[Finding]:
    """A field of a type that no driver can write into the column that takes it.

    ## Why is this bad?
    Validation makes an object of what the client sends, a URL, a list or a dictionary, and the
    driver is handed that for a column of text: it raises, and each request that fills the field
    ends in a 500, be its value ever so right (CWE-704).

    ## Example
    ```python
    class Shop(Base):
        __tablename__ = "shops"
        id: Mapped[int] = mapped_column(primary_key=True)
        hours: Mapped[str]


    class ShopCreate(BaseModel):
        hours: dict[str, str]


    @app.post("/shops")
    def create_shop(body: ShopCreate, session: SessionDep) -> None:
        session.add(Shop(**body.model_dump()))
        session.commit()
    ```

    Use instead:
    ```python
    from sqlalchemy import JSON


    class Shop(Base):
        __tablename__ = "shops"
        id: Mapped[int] = mapped_column(primary_key=True)
        hours: Mapped[dict[str, str]] = mapped_column(JSON)


    class ShopCreate(BaseModel):
        hours: dict[str, str]


    @app.post("/shops")
    def create_shop(body: ShopCreate, session: SessionDep) -> None:
        session.add(Shop(**body.model_dump()))
        session.commit()
    ```

    ## Fix safety
    There is no fix to apply: a URL may be written as text, while a list wants a column that holds
    one, or a table of its own.

    ## Known limits
    The row must be made of the body, or the body be written over a row, as it came: a dump to JSON,
    a serializer or validator of the field and a line that names it are passed over. A URL of
    pydantic 1 is a text. A list is told where asyncpg or SQLite are all that the app speaks of, for
    other drivers of PostgreSQL write it as the text of an array; it is only possible where the code
    catches what the driver raises.
    """
    told: set[tuple[str, str]] = set()
    for one in _written(app):
        key = one.schema.name, one.field.name
        if key not in told and _is_refused(app, one) and not _is_prepared(app, one):
            told.add(key)
            yield _finding(app, one)


def _written(app: AppMap) -> Iterator[_Written]:
    """The fields that reach a column of text, by a constructor or over a row."""
    for one in stored(app):
        yield _Written(one.route, one.schema, one.field, one.table, one.column, one.at, one.whole)
    for update in updated(app):
        for field in update.schema.fields:
            column = update.table.column(field.name)
            if column is not None:
                yield _Written(update.route, update.schema, field, update.table, column,
                               update.at, whole=True)  # fmt: skip


def _is_refused(app: AppMap, one: _Written) -> bool:
    """Whether the drivers that the app may use refuse such a value for such a column."""
    if one.field.span is None or one.column.type not in _TEXTS:
        return False
    kind = plain(one.field)
    if _URL.match(kind):
        modern = runs_on(app, "pydantic", "2") is True and not is_on_pydantic_1(app)
        return modern and not any(map(_MYSQL.search, packages(app)))
    if _LIST.match(kind):
        return is_asyncpg_alone(app) or is_sqlite_alone(app)
    return bool(_MAPPING.match(kind)) and not any(map(_MYSQL.search, packages(app)))


def _is_prepared(app: AppMap, one: _Written) -> bool:
    """Whether something makes a text of the value on its way to the column."""
    if one.field not in unvalidated(app, one.schema):
        return True
    owners = {one.schema.name, *one.schema.bases, one.table.model}
    changing = (f for f in app.functions if f.class_name in owners)
    for function in changing:
        words = " ".join((*function.decorators, function.name.rpartition(".")[2]))
        if re.search(r"serializ|validates|model_dump|__init__|__setattr__|\bdict\b", words):
            return True
    name = re.escape(one.field.name)
    by_hand = rf"[\"']{name}[\"']|\.{name}\s*=[^=]|\b{name}\s*="
    texts = _texts(app, one)
    is_named = one.whole and any(re.search(by_hand, text) for text in texts)
    return is_named or any(map(_ENCODED.search, texts))


def _texts(app: AppMap, one: _Written) -> list[str]:
    """The code of the function that writes, and of the handler."""
    spans = {f.span for f in app.functions if holds(f.span, one.at)}
    return [app.text(span) for span in {*spans, *((one.route.span,) if one.route.span else ())}]


def _finding(app: AppMap, one: _Written) -> Finding:
    name = f"{one.schema.name.rpartition('.')[2]}.{one.field.name}"
    column, kind = f"`{one.table.name}.{one.column.name}`", plain(one.field)
    told = f"`{one.route}` writes the `{kind}` as it came into {column}, which is of text"
    assert one.field.span is not None
    return Finding(
        "unfit-for-column",
        one.field.span,
        f"`{name}` is no text that a driver can write into {column}",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(one.at,),
        symbol=name,
        structural=not any(map(_CAUGHT.search, _texts(app, one))),
    )
