"""Tuning where things are not as they should be: what is left out, what is named, what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.tuning import uninterrupted
from fastwright.lab.world import World, WorldSpec
from fastwright.model.app import AppMap
from fastwright.model.tuning import Fate, Tuning
from fastwright.survey import merge, static
from fastwright.testing.samples import python_of
from fastwright.tune import telling
from fastwright.tune.bench import Bench
from fastwright.tune.caching import CAUSE, Keeper
from fastwright.tune.tuner import Course, Tuner

pytestmark = pytest.mark.slow

MODELS = """
import os
from collections.abc import Iterator
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import CheckConstraint, ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

engine = create_engine("sqlite:///hard.db")

class Base(DeclarativeBase): ...

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(back_populates="author", order_by="Post.id")

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    author: Mapped[User] = relationship(back_populates="posts")

class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    __table_args__ = (CheckConstraint("code LIKE 'T__-%' AND length(code) = 9", "code_is_ours"),)

def get_db() -> Iterator[Session]:
    with Session(engine) as session:
        yield session

app = FastAPI()
"""

LISTS = """
@app.get("/posts")
def posts(db: Session = Depends(get_db)):
    return [{"title": p.title, "by": p.author.name} for p in db.scalars(select(Post)).all()]

@app.get("/users")
def users(db: Session = Depends(get_db)):
    every = db.scalars(select(User)).all()
    return [{"name": u.name, "posts": [p.title for p in u.posts]} for u in every]
"""


@dataclass(frozen=True, slots=True)
class Ready:
    """A tuner in its world, and the course that it has begun."""

    tuner: Tuner
    course: Course

    def told(self) -> Tuning:
        """What the course came to."""
        return telling.told(self.course)


@contextmanager
def begun(
    folder: Path, text: str, tell: Callable[[str], None] = lambda _text: None
) -> Iterator[Ready]:
    """An app of one module, observed at three small sizes."""
    (folder / "main.py").write_text(text)
    files = {PurePosixPath("main.py"): text.encode()}
    app = static.read(files)
    with World.open(WorldSpec(folder, python_of("newest"), target="main:app")) as world:
        world.prepare_schema(app)
        with world.boot() as live:
            description = live.description

        def remap(files: Mapping[PurePosixPath, bytes]) -> AppMap:
            return merge.merge(static.read(files), description)

        bench = Bench(world, app, time.time(), (6, 18, 60))
        tuner = Tuner(bench, remap, time.monotonic, time.monotonic() + 300, tell)
        yield Ready(tuner, tuner.begin(files))


def test_a_route_that_differs_from_itself_leaves_the_byte_gate_and_is_named(tmp_path: Path) -> None:
    """Random answers are no reason to drop the repair of another route, and are told of."""
    odd = '\n@app.get("/odd")\ndef odd():\n    return os.urandom(8).hex()\n'
    with begun(tmp_path, MODELS + LISTS + odd) as ready:
        ready.tuner.run(ready.course)
        assert ready.course.unsteady == {"GET /odd"}
        assert any(note.startswith("GET /odd differs from itself") for note in ready.told().notes)
        assert {a.routes for a in ready.told().kept} == {("GET /posts",), ("GET /users",)}


def test_a_target_that_differs_from_itself_is_never_kept(tmp_path: Path) -> None:
    """No gate can hold its answer, so its repair is dropped, for that reason."""
    odd = LISTS.replace('"by": p.author.name', '"by": p.author.name, "odd": os.urandom(8).hex()')
    with begun(tmp_path, MODELS + odd) as ready:
        ready.tuner.run(ready.course)
        dropped = [a for a in ready.told().attempts if a.routes == ("GET /posts",)]
        assert {a.fate for a in dropped if a.title} == {Fate.DROPPED}
        assert "differs from itself" in dropped[0].because[0]


def test_a_route_that_fails_before_is_named_and_not_gained(tmp_path: Path) -> None:
    """A failure of its own stays what it was, with its reason."""
    broken = '\n@app.get("/broken")\ndef broken():\n    raise RuntimeError("no such luck")\n'
    with begun(tmp_path, MODELS + LISTS + broken) as ready:
        ready.tuner.run(ready.course)
        told = ready.told()
        assert any(
            "GET /broken fails as it is: RuntimeError: no such luck" in n for n in told.notes
        )
        assert all("GET /broken" not in a.routes for a in told.kept)


AWAITED = """
from collections.abc import AsyncIterator
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

engine = create_async_engine("sqlite+aiosqlite:///hard.db")

class Base(DeclarativeBase): ...

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(order_by="Post.id")

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)

class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)

class PostRead(Read):
    id: int
    title: str

class UserRead(Read):
    id: int
    posts: list[PostRead]

class Nameless(Read):
    posts: list[PostRead]

async def get_db() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session

app = FastAPI()

@app.get("/users", response_model=list[UserRead])
async def users(db: AsyncSession = Depends(get_db)):
    return (await db.scalars(select(User).order_by(User.id))).all()

@app.get("/nameless", response_model=list[Nameless])
async def nameless(db: AsyncSession = Depends(get_db)):
    return (await db.scalars(select(User).order_by(User.id))).all()
"""


def test_a_route_that_failed_counts_as_gained_only_with_rows_that_a_query_gives(
    tmp_path: Path,
) -> None:
    """One answers 200 with rows that can be found again; of the other nobody can say."""
    with begun(tmp_path, AWAITED) as ready:
        ready.tuner.run(ready.course)
        told = ready.told()
        assert {r for a in told.kept for r in a.routes} == {"GET /users"}
        (dropped, *_) = [a for a in told.attempts if a.routes == ("GET /nameless",)]
        assert dropped.fate is Fate.DROPPED
        assert "no key by which its row could be found" in " ".join(dropped.because)


def test_a_table_that_takes_no_row_is_named_with_its_constraint(tmp_path: Path) -> None:
    """Which constraint refused the rows, and what would help; and then each of them does."""
    tickets = (
        '\n@app.get("/tickets")\ndef tickets(db: Session = Depends(get_db)):\n'
        "    return [t.code for t in db.scalars(select(Ticket)).all()]\n"
    )
    with begun(tmp_path, MODELS + tickets) as ready:
        (note,) = [n for n in ready.told().notes if n.startswith("`tickets` stayed empty")]
        assert "code_is_ours" in note
        assert "--seed" in note
        (tmp_path / "seeds.py").write_text(
            "def row(table, number):\n"
            "    return {'code': f'T01-{number:05}'} if table == 'tickets' else None\n"
        )
        (tmp_path / "dump.sql").write_text("INSERT INTO tickets VALUES(7,'T01-00001');\n")
    with World.open(WorldSpec(tmp_path, python_of("newest"), target="main:app")) as world:
        world.prepare_schema(ready.tuner.remap(ready.course.now.files))
        app = ready.tuner.remap(ready.course.now.files)
        for seed in ("seeds.py:row", "dump.sql"):
            (seen,) = Bench(world, app, time.time(), (6,), seed=seed).observe()
            assert (dict(seen.refused), seen.rows["tickets"]) == ({}, 6)
            assert seen.visits["GET /tickets"].body.startswith(b'["T01-00001"')


RAW = """
@app.get("/raw")
def raw():
    connection = sqlite3.connect("hard.db")
    keys = [key for (key,) in connection.execute("SELECT id FROM users").fetchall()]
    count = "SELECT count(*) FROM posts WHERE author_id = ?"
    return [connection.execute(count, (key,)).fetchone()[0] for key in keys]
"""


def test_statements_that_go_to_a_driver_are_proved_to_grow_and_not_rewritten(
    tmp_path: Path,
) -> None:
    """An app that speaks to its driver itself gets the counts, the line and the advice."""
    with begun(tmp_path, "import sqlite3\n" + MODELS + RAW) as ready:
        ready.tuner.run(ready.course)
        (looped,) = [a for a in ready.told().attempts if a.cause == "query for each row"]
        assert looped.fate is Fate.PROPOSED
        assert "GET /raw: 6 → 18 → 60 executions at `main.py:" in looped.seen[0]
        assert "FROM posts WHERE author_id = ?" in looped.seen[0]
        assert "is not rewritten" in looped.because[0]


def test_a_dear_answer_for_everybody_is_proposed_to_be_kept_with_what_that_gains(
    tmp_path: Path,
) -> None:
    """What it takes from memory is measured, and whoever changes its tables is named."""
    more = """
@app.get("/sums")
def sums(db: Session = Depends(get_db)):
    every = db.scalars(select(User).order_by(User.id)).all()
    return {"sum": sum(i * u.id for u in every for i in range(20000))}

@app.post("/users")
def add(db: Session = Depends(get_db)):
    db.add(User(name="new"))
    db.commit()
    return {"done": True}

@app.post("/posts")
def post(db: Session = Depends(get_db)):
    db.add(Post(title="new", author_id=1))
    db.commit()
    return {"done": True}

@app.post("/nothing")
def nothing():
    return {"done": True}
"""
    with begun(tmp_path, MODELS + more) as ready:
        Keeper(ready.tuner).run(ready.course)
        (told,) = ready.told().attempts
        assert (told.cause, told.fate, told.routes) == (CAUSE, Fate.PROPOSED, ("GET /sums",))
        assert "ms of CPU time and 1 statements for an answer that is the same" in told.seen[0]
        assert told.because[0].startswith("POST /users would have to drop it")


BLOCKED = """
shared = Session(engine)

@app.get("/posts")
async def posts(db: Session = Depends(get_db)):
    return [p.title for p in db.scalars(select(Post).order_by(Post.id).limit(5)).all()]

@app.get("/users")
async def users():
    return [u.name for u in shared.scalars(select(User).order_by(User.id).limit(5)).all()]
"""


def test_a_blocking_driver_goes_to_a_thread_unless_requests_share_its_session(
    tmp_path: Path,
) -> None:
    """`async` is taken away where the loop then never stands still, and nothing is shared."""
    with begun(tmp_path, MODELS + BLOCKED) as ready:
        ready.tuner.run(ready.course)
        after = ready.course.now.files[PurePosixPath("main.py")].decode()
        assert "\ndef posts(" in after
        assert "\nasync def users(" in after
        assert ready.course.now.observed[-1].visits["GET /posts"].stops == 0
        (kept,) = ready.told().kept
        assert "1 → 0 statements and lines that stop the event loop" in kept.because[0]


def test_a_repair_that_changes_what_a_write_leaves_is_dropped(tmp_path: Path) -> None:
    """A POST that enters the edited function leaves the very same rows, or the edit goes."""
    shared = """
class Log(Base):
    __tablename__ = "logs"
    id: Mapped[int] = mapped_column(primary_key=True)
    loaded: Mapped[int]

def everything(db):
    return db.scalars(select(Post).order_by(Post.id)).all()

@app.get("/posts")
def posts(db: Session = Depends(get_db)):
    return [{"title": p.title, "by": p.author.name} for p in everything(db)]

@app.post("/logs")
def log(db: Session = Depends(get_db)):
    kept = everything(db)
    db.add(Log(loaded=len(db.identity_map)))
    db.commit()
    return {"done": True}
"""
    with begun(tmp_path, MODELS + shared) as ready:
        ready.tuner.run(ready.course)
        reasons = [r for a in ready.told().attempts if a.fate is Fate.DROPPED for r in a.because]
        assert "POST /logs: leaves other rows in `logs`" in reasons
        after = ready.course.now.files[PurePosixPath("main.py")].decode()
        assert "select(Post).order_by(Post.id)).all()" in after or "*options" in after


def test_an_interruption_keeps_what_was_proven(tmp_path: Path) -> None:
    """Ctrl-C in the second repair: the first stands, and the report says why there is no more."""
    seen: list[str] = []

    def tell(text: str) -> None:
        seen.append(text)
        if sum("each row" in one for one in seen) == 2:
            raise KeyboardInterrupt

    with begun(tmp_path, MODELS + LISTS, tell) as ready:
        uninterrupted(ready.course, (ready.tuner.run,))
        told = ready.told()
        assert len(told.kept) == 1
        assert "interrupted" in told.interrupted
        assert ready.course.now.files != ready.course.first.files


def test_an_app_without_a_database_still_shows_its_loop_and_its_answers(tmp_path: Path) -> None:
    """Blocking the event loop and encoding without a model have nothing to do with a database."""
    text = (
        "import time\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n"
        '@app.get("/large")\nasync def large():\n'
        '    time.sleep(0.1)\n    return [{"n": n, "text": "x" * 50} for n in range(1000)]\n'
    )
    with begun(tmp_path, text) as ready:
        ready.tuner.run(ready.course)
        causes = {a.cause for a in ready.told().attempts}
        assert "no response model" in causes
        assert "event loop held up" in causes
        assert telling.NOTHING_FILLED in ready.told().notes
