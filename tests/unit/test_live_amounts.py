"""An amount below zero that an app serves is proven, and one that it refuses is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Grade
from fastwright.review.engine import find_all
from fastwright.review.live.examine import Examined, examine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import python_of

pytestmark = pytest.mark.slow
MAIN = PurePosixPath("main.py")
BAD = """
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite:///amounts.db")
app = FastAPI()


class Base(DeclarativeBase): ...


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(default=0)


class Withdrawal(BaseModel):
    amount: int


Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all([Account(id=1), Account(id=2)])
    session.commit()


@app.post("/withdrawals")
def withdraw(body: Withdrawal) -> int:
    with Session(engine) as session:
        account = session.get(Account, 1, with_for_update=True)
        if account is None or account.balance < body.amount:
            raise HTTPException(409)
        account.balance -= body.amount
        session.commit()
        return account.balance


@app.post("/payments")
def pay(amount: int) -> None:
    with Session(engine) as session:
        account = session.get(Account, 2, with_for_update=True)
        if account is None or account.balance < amount:
            raise HTTPException(409)
        account.balance -= amount
        if account.balance >= 0:
            raise HTTPException(409)
        session.commit()
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    """The examination of the app."""
    root: Path = tmp_path_factory.mktemp("amounts")
    (root / MAIN).write_text(BAD)
    app = static.read({MAIN: BAD.encode()})
    with World.open(WorldSpec(root, python_of("newest"), target="main:app")) as world:
        target = SturdyTarget(world.boot)
        try:
            yield examine(target, app, find_all(app, every_rule().values()).findings, budget=60)
        finally:
            target.close()


def test_an_amount_below_zero_is_proven_where_it_is_served(seen: Examined) -> None:
    """The finding of the rule has the request and its answer; the other one stays as it was."""
    found = {p.operation for p in seen.proofs if p.rule == "negative-amount"}
    assert found == {"POST /withdrawals"}
    findings = [f for f in seen.findings if f.rule == "negative-amount"]
    assert [(f.grade, f.symbol) for f in findings] == [(Grade.PROVEN, "main.withdraw:body.amount")]
