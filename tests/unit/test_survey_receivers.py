"""Statements of general repositories are of the class that their object has."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.review.writing import writing_of
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
ROUTES = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from shop.stores import Items, Users
app = FastAPI()
def get_db() -> Session: ...
@app.get("/items/{item_id}")
def item(item_id: int, db: Session = Depends(get_db)):
    return Items(db).get(item_id)
@app.get("/users")
def users(db: Session = Depends(get_db)):
    store = Users(db)
    return store.every(active=True)
"""
BASE = """
from sqlalchemy import select
from shop.models import Item, User
class Store:
    model = None
    def __init__(self, db):
        self.db = db
    def get(self, key):
        return self.db.get(self.model, key)
    def every(self, **words):
        return self.db.scalars(select(self.model).filter_by(**words)).all()
"""
NAMED = (
    BASE
    + """
class Items(Store):
    model = Item
class Users(Store):
    model = User
"""
)
HANDED_ON = (
    BASE.replace("    model = None\n", "").replace(
        "def __init__(self, db):", "def __init__(self, model, db):\n        self.model = model"
    )
    + """
class Items(Store):
    def __init__(self, db):
        super().__init__(Item, db)
class Users(Store):
    def __init__(self, db):
        super().__init__(model=User, db=db)
    def every(self, **words):
        return super().every(**words)
"""
)


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


@pytest.mark.parametrize("stores", [NAMED, HANDED_ON])
def test_a_statement_on_self_is_of_the_class_of_the_object(stores: str) -> None:
    """What an heir names, or hands on to its base, is asked of."""
    app = read(main=ROUTES, stores=stores, models=MODELS)
    assert asked(app) == [("items",)]
    assert asked(app, "/users") == [("users",)]
    route = app.route("GET", "/users")
    assert route is not None
    assert route.queries[0].filters == ("?",)


def test_a_repository_is_told_its_class_where_it_is_made() -> None:
    """``Store(Item, db)`` asks of items, and ``Store(User, db)`` of users."""
    stores = HANDED_ON.partition("\nclass Items")[0]
    routes = ROUTES.replace("import Items, Users", "import Item, Store, User")
    routes = routes.replace("Items(db)", "Store(Item, db)").replace("Users(db)", "Store(User, db)")
    app = read(main=routes, stores=stores, models=MODELS)
    assert asked(app) == [("items",)]
    assert asked(app, "/users") == [("users",)]


def test_a_service_goes_on_to_the_repository_that_its_object_has() -> None:
    """A general service over general repositories, each made for one table."""
    services = (
        "class Service:\n    def __init__(self, store):\n        self.store = store\n"
        "    def read(self, key):\n        return self.store.get(key)\n"
        "class ItemService(Service): ...\nclass UserService(Service): ...\n"
    )
    routes = ROUTES.replace("Items(db).get", "ItemService(Items(db)).read")
    routes = routes.replace("store = Users(db)\n    return store.every(active=True)",
                            "return UserService(Users(db)).read(1)")  # fmt: skip
    routes = "from shop.services import ItemService, UserService\n" + routes
    app = read(main=routes, stores=NAMED, services=services, models=MODELS)
    assert asked(app) == [("items",)]
    assert asked(app, "/users") == [("users",)]


def test_a_function_asks_of_the_class_that_it_is_handed() -> None:
    """``find(db, Item, key)``, through a function that hands the class on."""
    stores = (
        "from shop.models import Item\n"
        "def find(db, model, key):\n    return db.get(model, key)\n"
        "class Items:\n    def __init__(self, db): self.db = db\n"
        "    def get(self, key): return find(self.db, Item, key)\n"
        "class Users:\n    def __init__(self, db): self.db = db\n"
        "    def every(self, active): return None\n"
    )
    app = read(main=ROUTES, stores=stores, models=MODELS)
    assert asked(app) == [("items",)]


def test_an_inherited_constructor_by_class_makes_the_heir() -> None:
    """``Items.of(db)`` of a classmethod in the base is an ``Items``."""
    stores = NAMED.replace("    def get(", "    @classmethod\n    def of(cls, db):\n"
                           "        return cls(db)\n    def get(", 1)  # fmt: skip
    app = read(main=ROUTES.replace("(db).get", ".of(db).get"), stores=stores, models=MODELS)
    assert asked(app) == [("items",)]


def test_a_statement_that_is_given_to_the_caller_may_ask_for_more() -> None:
    """Who is given a statement may add conditions, which its place does not tell."""
    stores = NAMED.replace(
        "self.db.get(self.model, key)",
        "self.db.scalar(self.base().where(self.model.id == key))\n"
        "    def base(self):\n        return select(self.model)",
    )
    app = read(main=ROUTES, stores=stores, models=MODELS)
    route = app.route("GET", "/items/{item_id}")
    assert route is not None
    assert [(query.tables, query.filters) for query in route.queries] == [(("items",), ("?",))]


def test_a_place_that_asks_of_several_tables_is_not_taken_for_one() -> None:
    """What a function writes is not told of a statement that each heir makes another."""
    stores = NAMED.replace("self.db.get(self.model, key)", "self.every(id=key)")
    app = read(main=ROUTES, stores=stores, models=MODELS)
    assert asked(app) == [("items",)]
    writing = writing_of(app)
    every = next(f for f in app.functions if f.name == "shop.stores.Store.every")
    assert not [t for t in writing.touches(every) if t.asks]


FETCHES = [
    "db.get(Item, 1)",
    "db.scalar(select(Item).where(Item.id == 1))",
    "db.execute(select(Item)).scalar_one_or_none()",
    "db.query(Item).filter(Item.id == 1).first()",
]


@pytest.mark.parametrize("fetch", FETCHES)
@pytest.mark.parametrize("how", ["{}", "find(db)"])
def test_what_a_session_gives_is_a_row(fetch: str, how: str) -> None:
    """A method of the row is known, and adding what was there before is no insert."""
    main = (
        "from fastapi import Depends, FastAPI\nfrom sqlalchemy import select\n"
        "from sqlalchemy.orm import Session\nfrom shop.models import Item\napp = FastAPI()\n"
        "def get_db() -> Session: ...\n"
        f"def find(db: Session) -> Item | None:\n    return {fetch}\n"
        "@app.get('/items')\ndef take(db: Session = Depends(get_db)):\n"
        f"    item = {how.format(fetch)}\n    item.take()\n    db.add(item)\n"
    )
    models = MODELS.replace("class User(", "    def take(self): ...\nclass User(")
    app = read(main=main, models=models)
    assert "shop.models.Item.take" in [c.callee for c in app.calls]
    route = app.route("GET", "/items")
    assert route is not None
    assert {query.kind for query in route.queries} == {"select"}


def test_a_row_of_several_classes_is_of_none() -> None:
    """What ``select(Item.id)`` and ``select(Item, User)`` give are no rows of a class."""
    main = (
        "from sqlalchemy import select\nfrom sqlalchemy.orm import Session\n"
        "from shop.models import Item, User\n"
        "def take(db: Session):\n"
        "    one = db.scalar(select(Item.id))\n    one.take()\n"
        "    both = db.execute(select(Item, User)).first()\n    both.take()\n"
    )
    app = read(main=main, models=MODELS)
    assert not [c for c in app.calls if c.callee == "shop.models.Item.take"]


def test_the_columns_of_a_general_class_are_of_its_heirs_table() -> None:
    """``select(self.model.__table__.columns)`` asks of the table that the heir names."""
    columns = BASE.replace("select(self.model)", "select(self.model.__table__.columns)")
    app = read(main=ROUTES, stores=NAMED.replace(BASE, columns), models=MODELS)
    assert {q.tables for route in app.routes for q in route.queries} == {("items",), ("users",)}


def test_a_loader_option_names_the_class_of_the_heir() -> None:
    """``selectinload(self.model.rows)`` loads the relationship of that class and no other."""
    loading = BASE.replace(
        "select(self.model)", "select(self.model).options(selectinload(self.model.rows))"
    )
    app = read(main=ROUTES, stores=NAMED.replace(BASE, loading), models=MODELS)
    assert [q.eager for route in app.routes for q in route.queries if q.many] == [("User.rows",)]
