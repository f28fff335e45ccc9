"""What a route does to a row, as findings word it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.review.deeds import deed
from fastwright.survey import static

_APP = """
from fastapi import FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

app = FastAPI()
session = Session(create_engine("sqlite://"))


class Base(DeclarativeBase): ...


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


@app.{method}("/items/{{number}}")
def act(number: int) -> None:
    item = session.get(Item, number)
    {line}
"""


@pytest.mark.parametrize(
    ("method", "line", "told"),
    [
        ("get", "item.title = 'a'", "reads"),
        ("delete", "session.delete(item)", "deletes"),
        ("post", "print(item is None)", "reads"),
        ("put", "item.title = 'a'", "changes"),
        ("put", "item.rename('a')", "changes"),
        ("post", "rename(item)", "changes"),
    ],
)
def test_a_deed_is_told_by_what_is_done_with_the_row(method: str, line: str, told: str) -> None:
    """A row that a writing route only looks at is read, and one that is handed on may change."""
    text = _APP.format(method=method, line=line).encode()
    app = static.read({PurePosixPath("main.py"): text})
    (route,) = app.routes
    assert deed(app, route, route.queries[0]) == told
