"""A success that is answered before its commit is proven, and one that is answered after it not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Grade
from fastwright.review.engine import find_all
from fastwright.review.live.examine import Examined, examine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, python_of

pytestmark = pytest.mark.slow
MAIN = PurePosixPath("main.py")
APP = """
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite:///commits.db", connect_args={"check_same_thread": False})
later = create_async_engine("sqlite+aiosqlite:///commits.db")
app = FastAPI()


class Base(DeclarativeBase): ...


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class NoteIn(BaseModel):
    title: str


"""
ENDING = "\n\nBase.metadata.create_all(engine)\n"
SYNC = """
def session_of() -> Iterator[Session]:
    with Session(engine) as session:
        yield session
        session.commit()


Db = Annotated[Session, Depends(session_of{scope})]
"""
ASYNC = """
async def session_of() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(later) as session, session.begin():
        yield session


Db = Annotated[AsyncSession, Depends(session_of{scope})]
"""
POST = """
@app.post("/notes", status_code=201)
def add(body: NoteIn, db: Db) -> str:
    db.add(Note(title=body.title))
    return body.title
"""
ADD = """
@app.post("/notes", status_code=201)
def add(body: NoteIn, db: Db) -> dict[str, int]:
    note = Note(title=body.title)
    db.add(note)
    db.flush()
    return {"id": note.id}
"""
LATER_POST = POST.replace("def add", "async def add")
PUT = """
@app.put("/notes/{note_id}")
def change(note_id: int, body: NoteIn, db: Db) -> str:
    note = db.get(Note, note_id)
    if note is None:
        raise HTTPException(404)
    note.title = body.title
    return body.title
"""
DELETE = """
@app.delete("/notes/{note_id}", status_code=204)
def remove(note_id: int, db: Db) -> None:
    note = db.get(Note, note_id)
    if note is None:
        raise HTTPException(404)
    db.delete(note)
"""
LISTED = """
@app.get("/notes/{note_id}")
def read(note_id: int, db: Db) -> str:
    note = db.get(Note, note_id)
    if note is None:
        raise HTTPException(404)
    return note.title
"""
IN_BACKGROUND = """
def store(title: str) -> None:
    with Session(engine) as session:
        session.add(Note(title=title))
        session.commit()


@app.post("/notes", status_code={status})
def add(body: NoteIn, tasks: BackgroundTasks) -> str:
    {how}
    return body.title
"""
ON_THE_WAY_OUT = """
class Storing:
    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        session = scope["session"] = Session(engine)
        {first}
        try:
            await self.app(scope, receive, send)
            session.commit()
        finally:
            session.close()


app.add_middleware(Storing)


@app.post("/notes", status_code=201)
def add(body: NoteIn, request: Request) -> str:
    request.scope["session"].add(Note(title=body.title))
    {then}
    return body.title
""".replace("{first}\n        ", "")
REQUEST = "from fastapi import Request\n"
NOW = ', scope="function"'


def scoped(session: str, *routes: str) -> tuple[str, str]:
    """An app whose sessions commit late, and its twin."""
    text = "\n".join(routes)
    return session.replace("{scope}", "") + text, session.replace("{scope}", NOW) + text


CASES = {
    "a session": (*scoped(SYNC, POST), "POST /notes"),
    "an async block": (*scoped(ASYNC, LATER_POST), "POST /notes"),
    "a change": (*scoped(SYNC, ADD, LISTED, PUT), "PUT /notes/{note_id}"),
    "a deletion": (*scoped(SYNC, ADD, LISTED, DELETE), "DELETE /notes/{note_id}"),
    "a background task": (
        IN_BACKGROUND.format(status=201, how="tasks.add_task(store, body.title)"),
        IN_BACKGROUND.format(status=201, how="store(body.title)"),
        "POST /notes",
    ),
    "a middleware": (
        REQUEST + ON_THE_WAY_OUT.replace("{then}\n    ", ""),
        REQUEST + ON_THE_WAY_OUT.replace("{then}", 'request.scope["session"].commit()'),
        "POST /notes",
    ),
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A scratch world for apps that are written into it."""
    spec = WorldSpec(REPOSITORY / "tests/apps/examined", python_of("newest"), target="main:app")
    with World.open(spec) as opened:
        yield opened


def examined(world: World, text: str) -> Examined:
    """What comes of examining the app with that end, on a new database."""
    whole = f"{APP}{text}{ENDING}"
    world.overlay({MAIN: whole.encode(), PurePosixPath("commits.db"): None})
    app = static.read({MAIN: whole.encode()})
    target = SturdyTarget(world.boot)
    try:
        return examine(target, app, find_all(app, every_rule().values()).findings, budget=60)
    finally:
        target.close()


@pytest.mark.parametrize("case", CASES)
def test_a_late_commit_is_proven_and_its_twin_is_not(world: World, case: str) -> None:
    """A success is answered, its commit fails, and nothing is written; the twin is silent."""
    bad, good, operation = CASES[case]
    seen = examined(world, bad)
    (proof,) = [p for p in seen.proofs if p.rule == "late-commit"
                and operation in (p.operation, *p.beside)]  # fmt: skip
    failed, control = (exchange for exchange, _ in proof.shown)
    assert failed.worked
    assert control.worked
    assert seen.faults == ()
    found = [f for f in seen.findings if f.rule == "late-commit"]
    assert [f.grade for f in found] == [Grade.PROVEN] * len(found)
    assert [p.message for p in examined(world, good).proofs if p.rule == "late-commit"] == []


def test_what_is_only_taken_in_promises_nothing(world: World) -> None:
    """An answer of 202 says that the work is still to be done."""
    text = IN_BACKGROUND.format(status=202, how="tasks.add_task(store, body.title)")
    assert [p for p in examined(world, text).proofs if p.rule == "late-commit"] == []


def test_a_dependency_that_commits_late_is_one_finding(world: World) -> None:
    """What a rule knew of the dependency is proven there, however many routes use it."""
    other = POST.replace("/notes", "/others").replace("def add", "def add_other")
    third = POST.replace("/notes", "/thirds").replace("def add", "def add_third")
    bad, _ = scoped(SYNC, POST, other, third)
    seen = examined(world, bad)
    (found,) = [f for f in seen.findings if f.rule == "late-commit"]
    assert (found.symbol, found.grade) == ("main.session_of", Grade.PROVEN)
    assert re.search("and 2 more", next(p for p in seen.proofs if p.rule == found.rule).message)
