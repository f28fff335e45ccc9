"""What a run has broken and one change alone would mend, in the words of the app."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.finding import Finding
from fastwright.model.places import Span
from fastwright.review.live.conflicts import statement_of
from fastwright.review.live.mending import Remedy, remedy
from fastwright.review.live.proof import Cause
from fastwright.review.live.telling import Shown, standing
from fastwright.review.live.values import BEYOND_64, BEYOND_COLUMN, MEGABYTE, NUL, TWICE
from fastwright.source import edits, imports
from fastwright.survey import static

MAIN = PurePosixPath("main.py")
HEAD = """\
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
app = FastAPI()


class ItemIn(BaseModel):
    title: str
    note: str | None = None

"""
ROUTE = """
@app.post("/items")
def add(body: ItemIn) -> None:
    with Session(engine) as db:
        db.add(Item(title=body.title))
        db.commit()
"""
NET = """\
        db.add(Item(title=body.title))
        try:
            db.commit()
        except IntegrityError as error:
            db.rollback()
            raise HTTPException(
                status_code=409, detail="There is one with this title already"
            ) from error
"""
LONG = "sqlalchemy.exc.DataError: (x.Error) value too long for type character varying(40)"


def read(text: str) -> AppMap:
    """An app of one file."""
    return static.read({MAIN: text.encode()})


def error_at(app: AppMap, words: str, *, text: str = "") -> str:
    """A traceback through the line of the app that holds `words`."""
    lines = app.files[MAIN].decode().splitlines()
    line = next(n for n, one in enumerate(lines, 1) if words in one)
    told = text or (
        "sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed: "
        "items.title"
    )
    frame = f'  File "/srv/main.py", line {line}, in add\n    {words}\n'
    library = '  File "/venv/sqlalchemy/orm/session.py", line 3, in commit\n    go()\n'
    return f"Traceback (most recent call last):\n{frame}{library}{told}\n"


def twice(app: AppMap, words: str) -> Cause:
    """The same values twice, which a statement of the handler raised at."""
    error = error_at(app, words)
    statement = statement_of(app, "main.add", error)
    return Cause("POST /items", "main.add", TWICE, (), error, statement)


def held(
    what: str, place: str, error: str = "text fields cannot contain NUL (0x00) bytes"
) -> Cause:
    """A value in one field."""
    return Cause("POST /items", "main.add", what, (place,), error)


def after(app: AppMap, *causes: Cause) -> str:
    """The app with the one fix of these causes, which is silent on it then."""
    (fix,) = remedy(app, causes).fixes
    files = edits.apply(app.files, imports.combine(app, fix.changes))
    assert remedy(static.read(files), causes).fixes == ()
    return files[MAIN].decode()


def test_a_commit_is_caught_and_taken_back() -> None:
    """The statement that raises stands in a net of its own, and the session is of use again."""
    app = read(HEAD + ROUTE)
    told = after(app, twice(app, "db.commit()"))
    assert "from sqlalchemy.exc import IntegrityError" in told
    assert NET in told


@pytest.mark.parametrize(
    ("given", "raised"),
    [
        ("raise HTTPException(404, 'none')", 'HTTPException(409, "There is one with'),
        (
            'raise HTTPException(status_code=status.HTTP_409_CONFLICT, detail="no")',
            'status_code=status.HTTP_409_CONFLICT, detail="There is one with',
        ),
        ('raise DuplicateError("taken")', 'raise DuplicateError("There is one with'),
        ("raise ConflictError()", "raise ConflictError() from error"),
    ],
)
def test_a_conflict_is_told_as_the_app_tells_others(given: str, raised: str) -> None:
    """Its own exception, the status by name or by number, words by keyword or by place."""
    own = "class DuplicateError(HTTPException): ...\n\n\nclass ConflictError(HTTPException): ...\n"
    app = read(f"{HEAD}\n{own}\n\ndef other() -> None:\n    {given}\n\n{ROUTE}")
    assert raised in after(app, twice(app, "db.commit()"))


def test_an_await_of_a_service_is_caught_whole() -> None:
    """A call that ends in the insert is caught where the handler makes it, and returned."""
    text = """
@app.post("/items")
async def add(body: ItemIn) -> int:
    return await service.create(
        title=body.title,
    )
"""
    told = after(app := read(HEAD + text), twice(app, "title=body.title"))
    caught = (
        "    try:\n        return await service.create(\n            title=body.title,\n        )\n"
    )
    assert caught in told
    assert "rollback" not in told


@pytest.mark.parametrize(
    "text",
    [ROUTE, ROUTE.replace("db.commit()", "db.flush()\n        db.flush()")],
    ids=["not in the handler", "twice in the handler"],
)
def test_an_uncertain_place_is_a_decision(text: str) -> None:
    """What raises beside the handler, or at one of two equal statements, gets no net."""
    app = read(HEAD + "\n\ndef commit() -> None:\n    work()\n\n" + text)
    cause = twice(app, "db.flush()" if "flush" in text else "work()")
    assert remedy(app, [cause]).fixes == ()
    assert remedy(app, [cause]).decision == "where a duplicate is caught, and what it is answered"


def test_a_field_gets_what_its_column_holds() -> None:
    """Length and NUL of one field are one constraint each, in one declaration."""
    told = after(
        read(HEAD + ROUTE),
        held(BEYOND_COLUMN, "title", LONG),
        held(NUL, "title"),
        held(NUL, "note"),
    )
    assert r'title: str = Field(max_length=40, pattern=r"^[^\x00]*$")' in told
    assert r'note: str | None = Field(default=None, pattern=r"^[^\x00]*$")' in told


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("title: str", "title: Annotated[str, Query(max_length=40)]"),
        ('title: str = Query("a")', 'title: str = Query("a", max_length=40)'),
        ("title: Annotated[str, Form()]", "title: Annotated[str, Form(max_length=40)]"),
        (
            'title: Annotated[str, Header(alias="title")]',
            'title: Annotated[str, Header(alias="title", max_length=40)]',
        ),
    ],
)
def test_a_parameter_gets_what_its_column_holds(declared: str, told: str) -> None:
    """A parameter of query, form or header is bounded where it is declared."""
    head = HEAD.replace("import FastAPI, ", "import FastAPI, Form, Header, Query, ")
    text = f"from typing import Annotated\n{head}\n@app.post('/items')\ndef add({declared}): ...\n"
    assert told in after(read(text), held(BEYOND_COLUMN, "title", LONG))


def test_sqlmodel_is_told_in_its_own_way() -> None:
    """Its own `Field` takes no pattern, and reads none of the `regex` that it takes."""
    head = (
        HEAD.replace(
            "from pydantic import BaseModel, Field, field_validator",
            ("from sqlmodel import Field, SQLModel"),
        )
        .replace("BaseModel", "SQLModel")
        .replace("title: str", "title: str = Field(max_length=9)")
    )
    told = after(read(head + ROUTE), held(NUL, "title"))
    assert r'Field(max_length=9, schema_extra={"pattern": r"^[^\x00]*$"})' in told


def test_pydantic_1_is_told_in_its_own_way() -> None:
    """Its `Field` takes a pattern as any other word, and looks at `regex` alone."""
    app = replace(read(HEAD + ROUTE), versions={"pydantic": "1.10.13"})
    (fix,) = remedy(app, [held(NUL, "title")]).fixes
    edit = next(c for c in fix.changes if isinstance(c, Edit) and "title" in c.text)
    assert edit.text == r'title: str = Field(regex=r"^[^\x00]*$")'


def test_what_has_no_one_answer_names_the_decision() -> None:
    """A length that no column tells, a validator of the schema's own, and one that is missing."""
    app = read(HEAD + ROUTE)
    assert (
        remedy(app, [held(MEGABYTE, "title", "ValueError")]).decision == "how long `title` may be"
    )
    assert remedy(app, [held(NUL, "other")]).decision == "how `other` is bounded"
    own = HEAD + '    @field_validator("title")\n    def short(cls, v): return v\n' + ROUTE
    assert remedy(read(own), [held(NUL, "title")]).decision == "how `title` is bounded"
    assert remedy(app, [held("a token that is none", "")]).fixes == ()
    date = held(NUL, "title", "ValueError: time data 'a\\x00' does not match format '%Y'")
    refused = "which values of `title` are refused, and with what answer"
    assert remedy(app, [date]) == Remedy(decision=refused)


def test_what_can_be_mended_in_part_is() -> None:
    """A field that is declared elsewhere keeps the others from nothing, and is what is left."""
    app = read(HEAD + ROUTE)
    causes = (
        held(NUL, "title"),
        Cause("GET /a", "library.login", NUL, ("username",), "cannot contain NUL"),
    )
    way = remedy(app, causes)
    assert [fix.title for fix in way.fixes] == ["Refuse NUL in `title`"]
    assert way.decision == "how `username` is bounded"
    told = Finding("unforeseen-input", Span(MAIN, 0, 1), "all", fixes=way.fixes)
    mended = read(after(app, *causes))
    (left,) = standing(mended, [Shown(told, "main.add", causes)])
    assert (left.message, left.fixes) == (
        "`GET /a` answers 500 to a NUL character in `username`",
        (),
    )
    assert standing(mended, [Shown(told, "main.add", causes[:1])]) == ()


def test_how_many_rows_are_asked_for_is_a_decision() -> None:
    """No page is bounded by what a database counts to."""
    text = HEAD + "@app.get('/items')\ndef add(limit: int): ...\n"
    cause = held(BEYOND_64, "limit", "Python int too large to convert to SQLite INTEGER")
    assert remedy(read(text), [cause]) == Remedy(decision="how many rows `limit` may ask for")


def test_a_dependency_is_told_that_its_parameter_stands_in_the_path() -> None:
    """Its signature does not say so, and FastAPI takes no `Query` there."""
    app = read(
        HEAD
        + """
from fastapi import Depends

def item(item_id: int) -> int:
    return item_id

@app.post("/items/{item_id}")
def add(found: int = Depends(item)) -> int:
    return found
"""
    )
    error = "OverflowError: Python int too large to convert to SQLite INTEGER"
    cause = Cause("POST /items/{item_id}", "main.add", BEYOND_64, ("item_id",), error)
    assert "item_id: Annotated[int, Path(le=9223372036854775807)]" in after(app, cause)
