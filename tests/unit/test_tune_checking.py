"""A route that failed before is believed only where its rows are those of a direct query."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from fastwright.survey import static
from fastwright.tune.checking import doubts
from fastwright.tune.seen import Visit

MODELS = b"""
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list["Line"]] = relationship(back_populates="order")


class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="lines")
"""
ROWS = {
    "orders": [{"id": 1}, {"id": 2}],
    "lines": [{"id": 5, "amount": 7, "order_id": 1}, {"id": 6, "amount": 9, "order_id": 1}],
}


def doubts_of(answer: object, relationship: str = "models.Order.lines") -> list[str]:
    """What is doubted of an answer about orders."""
    app = static.read({PurePosixPath("models.py"): MODELS})
    body = json.dumps(answer).encode()
    visit = Visit("GET /orders", 200, body, None, 0.1, (), (), {}, frozenset())
    return list(doubts(app, visit, "models.Order", [relationship], ROWS))


def test_the_rows_of_the_tables_are_believed() -> None:
    """In whatever order, each order has its own lines and no others."""
    lines = [{"amount": 9}, {"amount": 7}]
    assert doubts_of([{"id": 1, "lines": lines}, {"id": 2, "lines": []}]) == []
    assert doubts_of({"orders": [{"id": 2, "lines": []}]}) == []


def test_a_missing_or_strange_row_is_doubted() -> None:
    """Fewer lines, another amount and a row that is not there are each told."""
    told = ["GET /orders: `lines` is not what a direct query gives"]
    assert doubts_of([{"id": 1, "lines": [{"amount": 7}]}]) == told
    assert doubts_of([{"id": 1, "lines": [{"amount": 7}, {"amount": 8}]}]) == told
    assert doubts_of([{"id": 3, "lines": []}]) != []


def test_what_cannot_be_checked_is_doubted() -> None:
    """No key, no list, no field of the relationship's name: nothing is believed unseen."""
    assert doubts_of([{"lines": []}]) != []
    assert doubts_of("fine") != []
    assert doubts_of([{"id": 1}]) != []
