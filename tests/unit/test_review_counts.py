"""What a message counts: each handler once, and nothing that is not counted in truth."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.model.finding import Finding
from fastwright.review.rule import find_rule
from fastwright.survey import static

TWICE = """\
from fastapi import APIRouter, FastAPI

router = APIRouter()
ROWS = [1]


@router.get("/constant")
def constant():
    return {"done": True}


@router.get("/typed")
def typed() -> list[int]:
    return ROWS

"""
ROWS = "".join(
    f'\n@router.get("/rows{n}")\ndef rows{n}():\n    return {{"rows": ROWS}}\n\n' for n in range(6)
)
INCLUDED = """
app = FastAPI()
app.include_router(router, prefix="/a")
app.include_router(router, prefix="/b")
"""
FOREIGN = """\
from fastapi import FastAPI
from fastapi_users import FastAPIUsers
from pydantic import BaseModel

app = FastAPI()
users = FastAPIUsers()


class Item(BaseModel):
    price: float


@app.post("/items")
def add_item(item: Item) -> float:
    return item.price


app.include_router(users.get_register_router(Item, Item))
"""
WHOLE_ROW = """\
from fastapi import APIRouter, FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite://")
router = APIRouter()


class Base(DeclarativeBase): ...


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    hashed_password: Mapped[str]


@router.get("/users/{user_id}")
def read_user(user_id: int):
    with Session(engine) as session:
        user = session.scalars(select(User).where(User.id == user_id)).first()
        return {"user": user}

"""


GUARDED = """\
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer

bearer = OAuth2PasswordBearer(tokenUrl="login")
router = APIRouter()
ROWS: list[str] = []


def caller(token: str = Depends(bearer)) -> str:
    if not token:
        raise HTTPException(401)
    return token


@router.post("/one")
def one(name: str, user: str = Depends(caller)) -> None:
    ROWS.append(name)


@router.post("/two")
def two(name: str, user: str = Depends(caller)) -> None:
    ROWS.append(name)


@router.post("/three")
def three(name: str) -> None:
    ROWS.append(name)

"""


def _found(rule: str, text: str) -> list[Finding]:
    app = static.read({PurePosixPath("main.py"): text.encode()})
    return list(find_rule(rule).check(app))


def test_a_habit_counts_every_handler_of_the_contract_once() -> None:
    """A router that is included twice has eight handlers, of which one declares its answer."""
    (found,) = _found("missing-response-model", TWICE + ROWS + INCLUDED)
    assert found.message == "7 of 8 routes declare no response model"


def test_bodies_of_another_package_are_not_counted_as_none() -> None:
    """Where another package makes a router, no number of bodies is named."""
    (found,) = _found("unanswerable-body", FOREIGN)
    assert found.message.endswith("in the body of `POST /items` and others")


def test_a_row_with_a_secret_is_told_once_for_a_handler() -> None:
    """The router is included twice, and one change of the handler mends both paths."""
    found = _found("leaked-secret-field", WHOLE_ROW + INCLUDED)
    assert [one.message.partition(" answers")[0] for one in found] == ["`GET /a/users/{user_id}`"]


def test_siblings_of_an_open_route_are_counted_by_their_handlers() -> None:
    """Two handlers ask, under four paths."""
    (found,) = _found("unguarded-route", GUARDED + INCLUDED)
    assert found.message == "`POST /a/three` does not ask who is calling, where 2 siblings ask"
