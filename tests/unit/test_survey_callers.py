"""What the map says of each use of the caller: compared, filtered by, stored, handed on."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static

APP = '''
from typing import Annotated
import logging
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
import crud
logger = logging.getLogger(__name__)
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
def get_db() -> Session: ...
def get_current_user(token: str = Depends(OAuth2PasswordBearer(tokenUrl="/login"))) -> User:
    if token != "x":
        raise HTTPException(401)
    return User()
Me = Annotated[User, Depends(get_current_user)]
Db = Annotated[Session, Depends(get_db)]
def own_item(item_id: int, who: Me, db: Db) -> Item:
    item = db.get(Item, item_id)
    if item.owner_id != who.id:
        raise HTTPException(404)
    return item
app = FastAPI()
@app.get("/compared")
def compared(me: Me, db: Db):
    user_id = me.id
    item = db.get(Item, 1)
    if item.owner_id != user_id:
        raise HTTPException(403)
@app.get("/filtered")
def filtered(me: Me, db: Db):
    return db.scalars(select(Item).where(Item.owner_id == str(me.id))).all()
@app.get("/below")
def below(me: Me, db: Db):
    return crud.mine(db, owner=me.id)
@app.post("/stored")
def stored(me: Me, db: Db):
    db.add(Item(owner_id=me.id))
@app.get("/passed")
def passed(me: Me, service=Depends()):
    return service.find(me)
@app.get("/logged")
def logged(me: Me, db: Db):
    """Nothing turns on me here."""
    # me.id is not used
    logger.info("called by %s", me.id)
    return db.get(Item, 1)
@app.get("/dependency/{item_id}")
def dependency(item: Annotated[Item, Depends(own_item)]):
    return item
@app.get("/unused")
def unused(_: Me, db: Db):
    return crud.refuse(db)
'''
CRUD = """
from fastapi import HTTPException
from sqlalchemy import select
import app
def mine(db, owner):
    return db.scalars(select(app.Item).where(app.Item.owner_id == owner)).all()
def refuse(db):
    raise HTTPException(status_code=403)
"""


@pytest.fixture(scope="module")
def app() -> AppMap:
    """The map of an app that does a different thing with its caller on each route."""
    return static.read(
        {PurePosixPath("app.py"): APP.encode(), PurePosixPath("crud.py"): CRUD.encode()}
    )


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/compared", ["read"]),
        ("/filtered", ["filtered"]),
        ("/below", ["filtered"]),
        ("/stored", ["stored"]),
        ("/passed", ["passed"]),
        ("/logged", []),
        ("/dependency/{item_id}", ["read", "read"]),
        ("/unused", []),
    ],
)
def test_each_use_of_the_caller_is_told_by_its_kind(
    app: AppMap, path: str, kinds: list[str]
) -> None:
    """A use is found through names, calls and dependencies; logs and remarks are none."""
    route = next(r for r in app.routes if r.path == path)
    assert [use.kind for use in route.caller_uses] == kinds


def test_a_use_carries_the_line_that_it_stands_in(app: AppMap) -> None:
    """What the caller is compared with can be read from the use."""
    route = next(r for r in app.routes if r.path == "/compared")
    assert route.caller_uses[0].text == "if item.owner_id != user_id:"


def test_what_a_handler_refuses_itself_is_known(app: AppMap) -> None:
    """401 and 403 that a handler, or a function below it, raises are told apart from guards."""
    refused = {r.path: r.refuses for r in app.routes}
    assert (refused["/compared"], refused["/unused"], refused["/logged"]) == ((403,), (403,), ())
