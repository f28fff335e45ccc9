"""How the guest lets the first user in, and what rows it makes where the app declares limits."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastwright.guest import claims
from fastwright.lab.boot import App
from fastwright.lab.world import World, WorldSpec
from fastwright.testing.environments import environment

NEWEST = Path(__file__).parents[1] / "locks" / "newest.txt"

APP = '''
from dataclasses import dataclass, field
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer, OAuth2PasswordBearer
from sqlmodel import Column, Field, Session, SQLModel, String, create_engine

engine = create_engine("sqlite:///admitted.db")

class User(SQLModel, table=True):
    __tablename__ = "users"
    id: int | None = Field(default=None, primary_key=True)
    username: str
    role: str = Field(sa_column=Column(String, nullable=False, server_default="staff"))
    stars: int = Field(ge=1, lt=4)

SQLModel.metadata.create_all(engine)

class Verified(HTTPBearer):
    """A scheme of the project's own, which reads the token itself."""
    async def __call__(self, request) -> dict:
        raise HTTPException(401)

@dataclass
class Caller:
    """What callers are told of; it is no mapped class."""
    id: int = field(init=False)
    username: str
    stars: int

def current_caller(token: str = Depends(OAuth2PasswordBearer("login"))) -> Caller:
    raise HTTPException(403)

def current_claims(token: str = Depends(OAuth2PasswordBearer("login"))) -> dict[str, int] | None:
    raise HTTPException(403)

app = FastAPI()

@app.get("/verified")
def verified(token: dict = Depends(Verified())):
    return {"user": token["user"]["username"], "uid": token["user_id"], "sub": token["sub"]}

@app.get("/caller")
def caller(given: Caller = Depends(current_caller)):
    return {"id": given.id, "username": given.username}

@app.get("/claims")
def told(given = Depends(current_claims)):
    return given["username"]

@app.get("/stars")
def stars():
    with Session(engine) as session:
        return [[user.stars, user.role] for user in session.query(User)]
'''


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, dict[str, Any]]]:
    """The app above with eighteen rows in its table, and what `fill` told of them."""
    tree = tmp_path_factory.mktemp("admitted")
    (tree / "main.py").write_text(APP)
    with (
        World.open(WorldSpec(tree, environment(NEWEST))) as world,
        world.boot("main:app") as live,
    ):
        live.tune("ready", at=1_700_000_000.0)
        yield live, live.tune("fill", size=18)


def answer(app: App, path: str) -> Any:
    """The JSON that a GET without any credential gives."""
    request = {"method": "GET", "path": path, "headers": [], "body": "", "timeout": 20.0}
    (visit,) = app.tune("watch", requests=[request])
    assert visit["status"] == 200, visit
    return json.loads(b64decode(visit["body"]))


def test_a_scheme_that_verifies_by_itself_yields_the_claims_of_the_first_user(
    filled: tuple[App, dict[str, Any]],
) -> None:
    """Claims are found below ``user``, with a prefix, and as ``sub``."""
    app, _ = filled
    assert answer(app, "/verified") == {"user": "username1", "uid": 1, "sub": "1"}


def test_a_caller_that_is_no_mapped_class_is_made_from_the_row(
    filled: tuple[App, dict[str, Any]],
) -> None:
    """A dataclass with the columns of a user, and a dictionary, stand for the first user."""
    app, told = filled
    assert answer(app, "/caller") == {"id": 1, "username": "username1"}
    assert answer(app, "/claims") == "username1"
    assert {"main.current_caller", "main.current_claims", "main.Verified"} <= set(told["admitted"])


def test_rows_keep_to_what_a_model_declares(filled: tuple[App, dict[str, Any]]) -> None:
    """Bounds that only pydantic knows, and texts that the database would give."""
    app, _ = filled
    rows = answer(app, "/stars")
    assert len(rows) == 18
    assert {stars for stars, _ in rows} <= {1, 2, 3}
    assert {role for _, role in rows} == {"staff"}


def test_what_has_few_columns_of_a_user_does_not_tell_of_one() -> None:
    """A model of settings is not taken for a user because both have a name."""

    class Settings:
        model_fields = {"name": None, "debug": None, "url": None}  # noqa: RUF012 - as pydantic

    assert not claims.resembles(Settings, ["id", "name", "email"])


BARE = """
import sqlite3
import datetime as dt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel
from sqlalchemy import (
    Column, DateTime, ForeignKey, Integer, MetaData, String, Table, TypeDecorator, create_engine,
)

engine = create_engine("sqlite:///bare.db")
metadata = MetaData()

class Undeclared(TypeDecorator):
    impl = DateTime
    cache_ok = True

    @property
    def python_type(self):
        return object

users = Table("users", metadata, Column("id", Integer, primary_key=True),
              Column("email", String, unique=True), Column("made", Undeclared, nullable=False))
follows = Table("follows", metadata,
                Column("by", ForeignKey("users.id"), primary_key=True),
                Column("of", ForeignKey("users.id"), primary_key=True))
metadata.create_all(engine)

class Public(BaseModel):
    id: int
    email: str

async def caller(token: str = Depends(OAuth2PasswordBearer("login"))) -> Public:
    raise HTTPException(401)

app = FastAPI()

@app.get("/me")
def me(given: Public = Depends(caller)):
    return given.email

@app.get("/raw")
def raw():
    connection = sqlite3.connect("bare.db")
    connection.execute("BEGIN")
    keys = [key for (key,) in connection.execute("SELECT id FROM users").fetchall()]
    return [connection.execute("SELECT email FROM users WHERE id = ?", (key,)).fetchone()
            for key in keys]
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app on Core tables alone, that speaks to its driver itself."""
    tree = tmp_path_factory.mktemp("bare")
    (tree / "main.py").write_text(BARE)
    with (
        World.open(WorldSpec(tree, environment(NEWEST))) as world,
        world.boot("main:app") as live,
    ):
        live.tune("ready", at=1_700_000_000.0)
        yield live


def test_a_table_that_no_class_is_mapped_to_tells_of_the_first_user(bare: App) -> None:
    """A pydantic model of its columns stands for row 1, and a type may hide another."""
    told = bare.tune("fill", size=5)
    assert (told["refused"], told["tables"]["users"]["rows"]) == ({}, 5)
    assert told["admitted"] == ["main.caller"]
    assert answer(bare, "/me") == "user1@example.com"


def test_statements_of_a_driver_are_told_with_their_place_and_without_their_framing(
    bare: App,
) -> None:
    """What SQLAlchemy sends is not told twice, and BEGIN is no statement."""
    bare.tune("fill", size=5)
    request = {"method": "GET", "path": "/raw", "headers": [], "body": "", "timeout": 20.0}
    (visit,) = bare.tune("watch", requests=[request])
    told = [(g["kind"], g["count"], g["distinct"], g["stack"][0][0]) for g in visit["groups"]]
    assert told == [("raw", 1, 1, "main.py"), ("raw", 5, 5, "main.py")]


def test_a_table_that_joins_two_others_grows_as_large_as_was_asked_for(bare: App) -> None:
    """Its parents, and those above them, become many enough for all its pairs."""
    grown = bare.tune("grow", table="follows", size=20_000, timeout=120.0)
    assert grown["rows"] == 20_000


KEYED = """
import uuid
from fastapi import FastAPI
from sqlalchemy import CHAR, ForeignKey, Uuid, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

engine = create_engine("sqlite:///keyed.db")


class Version4(uuid.UUID):
    pass


class Guid(TypeDecorator):
    class Char(CHAR):
        python_type = Version4

    impl = Char
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return str(uuid.UUID(str(value))) if value is not None else None


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"
    account_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    email: Mapped[str]


class Visit(Base):
    __tablename__ = "visits"
    id: Mapped[uuid.UUID] = mapped_column(Guid, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))


Base.metadata.create_all(engine)
app = FastAPI()


@app.get("/accounts")
def accounts() -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Account.account_id)))
"""


def test_keys_that_are_uuids_as_texts_or_of_a_type_of_ones_own_are_made(tmp_path: Path) -> None:
    """``Uuid(as_uuid=False)`` takes texts, and a decorator may say a class below `uuid.UUID`."""
    (tmp_path / "main.py").write_text(KEYED)
    with (
        World.open(WorldSpec(tmp_path, environment(NEWEST))) as world,
        world.boot("main:app") as live,
    ):
        live.tune("ready", at=1_700_000_000.0)
        told = live.tune("fill", size=5)
        assert told["refused"] == {}
        assert {name: table["rows"] for name, table in told["tables"].items()} == {
            "accounts": 5, "visits": 5,
        }  # fmt: skip
        assert live.seed("visits")["id"]


ROUTED = """
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_engine("sqlite:///routed.db")
scheme = HTTPBasic()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def current_user(given=Depends(scheme)) -> User:
    raise HTTPException(401)


Base.metadata.create_all(engine)
router = APIRouter(dependencies=[Depends(scheme)])


@router.get("/me")
def me(user: User = Depends(current_user)) -> int:
    return user.id


app = FastAPI()
app.include_router(router)
"""


def test_a_scheme_that_stands_before_a_whole_router_lets_the_first_user_through(
    tmp_path: Path,
) -> None:
    """Nobody takes what it yields, so that any credentials will do; who calls is the user."""
    (tmp_path / "main.py").write_text(ROUTED)
    with (
        World.open(WorldSpec(tmp_path, environment(NEWEST))) as world,
        world.boot("main:app") as live,
    ):
        live.tune("ready", at=1_700_000_000.0)
        assert live.tune("fill", size=5)["admitted"] == ["main.current_user"]
        assert answer(live, "/me") == 1


WORDED = """
import enum
from typing import Literal, Optional
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite:///worded.db")


class Role(str, enum.Enum):
    ADMIN = "admin"
    USER = "user"


class MemberOut(BaseModel):
    id: int
    role: Optional[Role]
    state: Literal["open", "shut"]
    name: str


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str]
    state: Mapped[str]
    name: Mapped[str]


Base.metadata.create_all(engine)
app = FastAPI()


@app.get("/members")
def members() -> list[MemberOut]:
    with Session(engine) as session:
        rows = session.scalars(select(Member)).all()
        return [MemberOut.model_validate(row, from_attributes=True) for row in rows]
"""


def test_a_text_holds_the_words_that_the_models_of_its_table_allow(tmp_path: Path) -> None:
    """A column of plain text whose answers know an enumeration or literals alone."""
    (tmp_path / "main.py").write_text(WORDED)
    with (
        World.open(WorldSpec(tmp_path, environment(NEWEST))) as world,
        world.boot("main:app") as live,
    ):
        live.tune("ready", at=1_700_000_000.0)
        live.tune("fill", size=5)
        told = answer(live, "/members")
    assert {row["role"] for row in told} == {"admin", "user"}
    assert {row["state"] for row in told} == {"open", "shut"}
