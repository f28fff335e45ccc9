"""Generic relations: functions, calls, statements, flows, conventions, modules."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static
from fastwright.survey.codebase import Codebase
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts_source import read_facts
from fastwright.survey.names import Names
from fastwright.survey.values import Frame

APP = """
from fastapi import FastAPI, Depends
from sqlalchemy import select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, selectinload, Session
import crud
class Base(DeclarativeBase): ...
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
def get_db() -> Session: ...
app = FastAPI()
@app.get("/items")
def every(db: Session = Depends(get_db)):
    return db.execute(select(Item).options(selectinload(Item.owner))).scalars().all()
@app.get("/page")
def page(db: Session = Depends(get_db)):
    statement = select(Item).where(Item.owner_id == 3)
    statement = statement.limit(10)
    return db.scalars(statement).all()
@app.get("/items/{item_id}")
def one(item_id: int, db: Session = Depends(get_db)):
    return crud.get(db, item_id)
@app.get("/search")
def search(q: str, db: Session = Depends(get_db)):
    return crud.find(db, q)
@app.get("/raw")
async def raw(db: Session = Depends(get_db)):
    for _ in range(3):
        await db.execute(text("SELECT * FROM items WHERE id = :id LIMIT 5"))
    try:
        pass
    except ValueError:
        crud.get(db, 1)
"""
CRUD = """
from sqlalchemy import text
import app
def get(db, key): return db.get(app.Item, key)
def find(db, words):
    clause = f"SELECT * FROM items WHERE name = '{words}'"
    return db.execute(text(clause))
"""


def read(**files: str) -> AppMap:
    """The map of modules given by name."""
    named = {f"{n}.py" if "." not in n else n: t for n, t in files.items()}
    return static.read({PurePosixPath(p): t.encode() for p, t in named.items()})


def test_statements_reached_by_routes() -> None:
    """Many or one, bounded or not, filters, eager loads and raw SQL, through calls too."""
    app = read(app=APP, crud=CRUD)

    def only(path: str) -> tuple[object, ...]:
        route = app.route("GET", path)
        assert route is not None
        query = route.queries[0]
        return query.tables, query.many, query.bounded, query.filters, query.eager

    assert only("/items") == (("items",), True, False, (), ("Item.owner",))
    assert only("/page") == (("items",), True, True, ("items.owner_id",), ())
    assert only("/items/{item_id}") == (("items",), False, True, (), ())
    assert only("/raw") == (("items",), True, True, ("items.id",), ())


def test_a_question_whether_a_row_exists_is_a_statement() -> None:
    """``exists().where(…)`` names its table in its conditions alone, whoever selects it."""
    asked = "exists().where(Item.owner_id == 1)"
    for text in (f"select({asked})", f"db.query({asked}).scalar()", f"{asked}.select()"):
        asks = f"def is_there(db: Session = Depends(get_db)):\n    return db.scalar({text})\n"
        written = f"{APP}from sqlalchemy import exists\n@app.get('/there')\n{asks}"
        route = read(app=written, crud=CRUD).route("GET", "/there")
        assert route is not None
        found = [(q.tables, q.filters, q.many, q.kind) for q in route.queries]
        assert found == [(("items",), ("items.owner_id",), False, "select")]


def test_a_request_value_that_reaches_sql_text_is_a_flow() -> None:
    """From the query parameter through the call into ``text(…)``; bound values are none."""
    flows = read(app=APP, crud=CRUD).flows
    assert [(f.source, f.sink, len(f.path)) for f in flows] == [
        ("GET /search query `q`", "sqlalchemy.text", 2)
    ]
    assert read(app=APP.replace("q: str", "q: int"), crud=CRUD).flows[0].sanitizers == ("int",)


def test_names_that_look_like_terms_are_names() -> None:
    """Variables called ``c`` or ``s`` in comprehensions and dictionaries confuse nothing."""
    text = (
        "from fastapi import FastAPI\nimport os\napp = FastAPI()\n@app.get('/')\n"
        "def home(q: str):\n    c = [c for c in q]\n    s = {s: c for s in c}\n"
        "    d = {**s, 'c': c}\n    os.system(d)\n"
    )
    assert [f.sink for f in read(app=text).flows] == ["os.system"]


def test_calls_say_where_they_stand() -> None:
    """Awaited, in a loop, in an except clause; callees through imports and declared types."""
    calls = read(app=APP, crud=CRUD).calls
    execute = next(c for c in calls if c.caller == "app.raw" and c.text == "db.execute")
    assert (execute.awaited, execute.in_loop, execute.in_except) == (True, True, False)
    assert execute.callee == "sqlalchemy.orm.Session.execute"
    get = next(c for c in calls if c.caller == "app.raw" and c.text == "crud.get")
    assert (get.callee, get.in_except, get.arguments) == ("crud.get", True, ("db", "1"))


def test_functions_and_modules() -> None:
    """Functions have decorators and annotations; modules say what they import."""
    app = read(app=APP, crud=CRUD)
    raw = next(f for f in app.functions if f.name == "app.raw")
    assert (raw.is_async, raw.decorators, raw.annotations) == (
        True, ("app.app.get",), (("db", "Session"),),
    )  # fmt: skip
    assert app.modules["app"].third_party == ("fastapi", "sqlalchemy")
    assert app.modules["app"].imports["crud"] == "crud"


def test_conventions_are_counted() -> None:
    """The majority's habit, with how often it was seen."""
    tests = "def test_a(client): ...\nasync def test_b(client): ...\ndef test_c(client): ...\n"
    app = read(app=APP, crud=CRUD, **{"tests/test_app.py": tests})
    found = {c.topic: (c.value, c.count, c.total) for c in app.conventions}
    assert found["handlers"] == ("sync", 4, 5)
    assert found["dependency-style"] == ("default", 5, 5)
    assert found["test-style"] == ("sync", 2, 3)
    assert found["test-client"] == ("client", 3, 3)
    assert found["indentation"][0] == "4"
    assert found["layout"][0] == "one-file"


@pytest.mark.parametrize("deep", range(24, 32))
@pytest.mark.parametrize("given", ["Item.first", "Item().first", "[Item.first][0]"])
def test_what_a_class_inherits_is_whole_whoever_asks_first(deep: int, given: str) -> None:
    """A question that is given up for its depth leaves no half answer for those that come later."""
    chain = "".join(f"def f{n}():\n    return f{n + 1}()\n" for n in range(deep))
    text = (
        "from library import Model\n\n\nclass Base(Model): ...\n\n\nclass Item(Base): ...\n\n\n"
        f"{chain}def f{deep}():\n    return {given}\n\n\nmade = f0()\n"
    )
    codebase = Codebase(read_facts({PurePosixPath("main.py"): text.encode()}))
    evaluator = Evaluator(codebase, Names(codebase))
    (unit,) = codebase.units
    evaluator.values("made", Frame(unit))
    (item,) = evaluator.classes_in("Item", Frame(unit))
    found = [symbol.dotted() for symbol in evaluator.lineage(item)]
    assert found == ["main.Item", "main.Base", "library.Model"]


def test_a_module_is_found_by_its_file() -> None:
    """The map tells which module a file is, and of no other file."""
    app = read(app=APP, crud=CRUD)
    module = app.module_at(PurePosixPath("crud.py"))
    assert module is not None
    assert module.name == "crud"
    assert app.module_at(PurePosixPath("README.md")) is None
