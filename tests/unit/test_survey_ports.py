"""Calls of abstract methods, and of methods on what a class is lent, go on where they run."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): ...
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
ROUTE = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from shop.cases import ReadItem
from shop.stores import SqlItems
app = FastAPI()
def get_db() -> Session: ...
@app.get("/items/{item_id}")
def read(item_id: int, db: Session = Depends(get_db)):
    return ReadItem(SqlItems(db)).run(item_id)
"""
CASE = """
from shop.ports import Items
class ReadItem:
    def __init__(self, items: Items):
        self.items = items
    def run(self, item_id):
        return self.items.get(item_id)
"""
STORE = """
from sqlalchemy import select
from shop.models import Item
from shop.ports import Items
class SqlItems(Items):
    def __init__(self, db):
        self.db = db
    def get(self, item_id):
        return self.db.scalar(select(Item).where(Item.id == item_id))
    def drop(self, item_id): self.db.delete(self.get(item_id))
"""
ABSTRACT = """
from abc import ABC, abstractmethod
class Items(ABC):
    @abstractmethod
    def get(self, item_id): ...
    @abstractmethod
    def drop(self, item_id): ...
"""
PROTOCOL = """
from typing import Protocol
class Items(Protocol):
    def get(self, item_id):
        \"\"\"The item of that key.\"\"\"
    def drop(self, item_id) -> None: ...
"""
REFUSING = """
class Items:
    def get(self, item_id):
        raise NotImplementedError("for heirs")
"""


def read(**files: str) -> AppMap:
    """The map of a package ``shop`` of modules given by name; ``__`` in a name is a folder."""
    named = {f"shop/{n.replace('__', '/')}.py": t for n, t in files.items()}
    named |= {"shop/__init__.py": ""}
    return static.read({PurePosixPath(p): t.encode() for p, t in named.items()})


def asked(app: AppMap, path: str = "/items/{item_id}") -> list[tuple[str, ...]]:
    """The tables that a route asks of."""
    route = app.route("GET", path)
    assert route is not None
    return [query.tables for query in route.queries]


@pytest.mark.parametrize("port", [ABSTRACT, PROTOCOL, REFUSING])
def test_an_abstract_method_is_the_one_that_overrides_it(port: str) -> None:
    """What a use case calls on its port runs in the one class behind it."""
    app = read(main=ROUTE, cases=CASE, stores=STORE, ports=port, models=MODELS)
    assert asked(app) == [("items",)]
    callee = next(c.callee for c in app.calls if c.text == "self.items.get")
    assert callee == "shop.stores.SqlItems.get"


def test_a_protocol_is_met_by_a_class_that_does_not_name_it() -> None:
    """The one class that has all of its methods stands behind a ``Protocol``."""
    store = STORE.replace("SqlItems(Items)", "SqlItems")
    app = read(main=ROUTE, cases=CASE, stores=store, ports=PROTOCOL, models=MODELS)
    assert asked(app) == [("items",)]


def test_a_stand_in_of_the_tests_is_not_meant() -> None:
    """A class of the test suite does not count as one that may run."""
    fake = (
        "from shop.ports import Items\nclass Fake(Items):\n    def get(self, item_id): return 1\n"
    )
    app = read(
        main=ROUTE, cases=CASE, stores=STORE, ports=ABSTRACT, models=MODELS, tests__fake=fake
    )
    assert asked(app) == [("items",)]


def test_of_two_classes_the_one_that_is_made_is_meant() -> None:
    """Where two override a method, it is that of which the app makes an object."""
    other = (
        "from shop.ports import Items\nclass Memory(Items):\n    def get(self, item_id): return 1\n"
    )
    app = read(main=ROUTE, cases=CASE, stores=STORE, ports=ABSTRACT, models=MODELS, memory=other)
    assert asked(app) == [("items",)]
    both = ROUTE + "from shop.memory import Memory\nspare = Memory()\n"
    app = read(main=both, cases=CASE, stores=STORE, ports=ABSTRACT, models=MODELS, memory=other)
    assert asked(app) == []


def test_a_hook_that_does_nothing_is_not_abstract() -> None:
    """An empty method of a plain class is what runs unless an heir says otherwise."""
    port = "class Items:\n    def get(self, item_id):\n        pass\n"
    app = read(main=ROUTE, cases=CASE, stores=STORE, ports=port, models=MODELS)
    assert asked(app) == []


@pytest.mark.parametrize(
    "case",
    [
        "from dataclasses import dataclass\n@dataclass\nclass ReadItem:\n    items: SqlItems\n",
        "class ReadItem:\n    def __init__(self, items):\n        self.items = items\n",
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass Case(Generic[T]):\n"
        "    def __init__(self, items: T):\n        self.items = items\n"
        "class ReadItem(Case[SqlItems]):\n",
    ],
)
def test_what_a_class_is_lent_is_known(case: str) -> None:
    """A field's declared type, or what all who make objects of the class give them."""
    run = "    def run(self, item_id):\n        return self.items.get(item_id)\n"
    case = "from shop.stores import SqlItems\n" + case + run
    store = STORE.replace("SqlItems(Items)", "SqlItems")
    app = read(main=ROUTE, cases=case, stores=store, ports=ABSTRACT, models=MODELS)
    assert asked(app) == [("items",)]


def test_a_static_method_takes_no_object() -> None:
    """Its first parameter is of the type that it is declared to be."""
    main = (
        "from sqlalchemy.orm import Session\nclass Items:\n    @staticmethod\n"
        "    def keep(db: Session, name: str):\n        db.commit()\n"
    )
    callee = next(c.callee for c in read(main=main).calls if c.text == "db.commit")
    assert callee == "sqlalchemy.orm.Session.commit"
