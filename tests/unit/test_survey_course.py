"""The course of a function: its blocks, where it stops, and which results are lost."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.model.code import Call, Function
from fastwright.survey import static

COURSE = """
from asyncio import TimeoutError as Late
async def answer(session, rows):
    if first:
        left()
    elif second:
        kept = await right()
    else:
        raise Wrong()
    try:
        risky()
    except (ValueError, Late) as error:
        return None
    finally:
        last()
    async with session.begin() as held:
        yield held
    for key, row in rows:
        await each(row)
    return [made(row) for row in rows]
def still(rows):
    def inner():
        return await_nothing(rows)
    inner()
"""


def read() -> tuple[dict[str, Function], dict[str, Call]]:
    """The functions and calls of `COURSE` by their names."""
    app = static.read({PurePosixPath("course.py"): COURSE.encode()})
    return {f.name: f for f in app.functions}, {c.text: c for c in app.calls}


def test_blocks_say_what_governs_them() -> None:
    """Arms of one test share a group; loops name targets, handlers the dotted types they catch."""
    blocks = read()[0]["course.answer"].blocks
    assert [(b.kind, b.words, b.names) for b in blocks] == [
        ("arm", "first", ()),
        ("arm", "second", ()),
        ("arm", "", ()),
        ("try", "", ()),
        ("except", "(ValueError, Late) as error", ("builtins.ValueError", "asyncio.TimeoutError")),
        ("finally", "", ()),
        ("with", "session.begin() as held", ()),
        ("for", "rows", ("key", "row")),
        ("for", "rows", ("row",)),
    ]
    assert len({b.group for b in blocks if b.kind == "arm"}) == 1
    assert COURSE[blocks[0].start : blocks[0].end] == "left()"


def test_stops_are_those_of_the_function_itself() -> None:
    """Returns, raises and yields in the order of the text; a nested function has its own."""
    functions = read()[0]
    stops = [(s.kind, s.value) for s in functions["course.answer"].stops]
    assert stops == [
        ("raise", "Wrong()"),
        ("return", "None"),
        ("yield", "held"),
        ("return", "[made(row) for row in rows]"),
    ]
    assert functions["course.still"].stops == ()
    kept = functions["course.answer"].bindings
    assert [(b.name, COURSE[b.start : b.end]) for b in kept] == [("kept", "await right()")]
    assert (functions["course.answer"].awaits, functions["course.still"].awaits) == (True, False)


def test_calls_say_what_becomes_of_their_result() -> None:
    """A result is bound to a name, lost as a whole statement, or used in an expression."""
    calls = read()[1]
    assert (calls["right"].target, calls["right"].dropped) == ("kept", False)
    assert (calls["each"].dropped, calls["risky"].dropped) == (True, True)
    assert (calls["made"].target, calls["made"].dropped) == ("", False)


LOADED = """
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm import joinedload, load_only, selectinload
class Base(DeclarativeBase): ...
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
app = FastAPI()
def with_owner(): return selectinload(Item.owner)
@app.get("/items")
def read(db):
    return db.scalars(select(Item).options(
        selectinload(Item.owner).joinedload(User.team).load_only(Team.name), with_owner())).all()
"""


def test_chained_loaders_are_followed_and_foreign_ones_admitted() -> None:
    """Every step of a chain counts as loaded; an option that is made elsewhere is a ``?``."""
    (route,) = static.read({PurePosixPath("app.py"): LOADED.encode()}).routes
    assert route.queries[0].eager == ("Item.owner", "User.team", "?")


KEPT = """
from typing import NewType
from sqlalchemy.ext.asyncio import AsyncSession as Foreign
Reading = NewType("Reading", Foreign)
Writing = NewType("Writing", Reading)
class Repository:
    def __init__(self, session: Reading | Writing) -> None:
        self.session = session
class Items(Repository):
    async def all(self): return await self.session.execute("x")
    async def each(self, act): return await self.all()
class Service:
    def __init__(self): self.items = Items(None)
    async def read(self, session: Writing):
        await self.items.all()
        await session.commit()
        await Items(session).each(lambda: None)
"""


def test_callees_are_followed_through_what_an_object_keeps() -> None:
    """Attributes set in ``__init__``, inherited too, and ``NewType`` stand for their types."""
    app = static.read({PurePosixPath("kept.py"): KEPT.encode()})
    callees = {c.text: c.callee for c in app.calls}
    assert callees["self.session.execute"] == "sqlalchemy.ext.asyncio.AsyncSession.execute"
    assert callees["self.items.all"] == "kept.Items.all"
    assert callees["Items(session).each"] == "kept.Items.each"
    assert callees["session.commit"] == "sqlalchemy.ext.asyncio.AsyncSession.commit"
