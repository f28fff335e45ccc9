"""How the guest drives an app: requests, failures, time limits, SQL, rows, evaluated functions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastwright.lab.boot import App
from fastwright.lab.boot_answer import make_request
from fastwright.lab.boot_failure import AppFailed
from fastwright.lab.world import World, WorldSpec
from fastwright.testing.environments import environment

LOCKS = Path(__file__).parents[1] / "locks"

APP = '''
import asyncio, datetime, time, uuid
from contextlib import asynccontextmanager
from fastapi import BackgroundTasks, FastAPI, Form, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///./rows.db")

class Base(DeclarativeBase): ...

class Team(Base):
    __tablename__ = "teams"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(8))

class Player(Base):
    __tablename__ = "players"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teams.id"))
    email: Mapped[str]
    born: Mapped[datetime.date]
    active: Mapped[bool]
    nick: Mapped[str | None]

beats = []

@asynccontextmanager
async def lifespan(app):
    async def beat():
        while True:
            beats.append(1)
            await asyncio.sleep(0.01)
    task = asyncio.create_task(beat())
    app.state.started = True
    yield {"given": "by the life span"}
    task.cancel()

app = FastAPI(lifespan=lifespan)

@app.get("/state")
async def state(request: Request):
    return {"started": app.state.started, "given": request.state.given,
            "client": request.client.host, "header": request.headers.get("x-one"),
            "q": request.url.query}

@app.get("/beats")
async def count_beats():
    return len(beats)

@app.post("/echo")
async def echo(request: Request):
    body = await request.body()
    return {"size": len(body), "type": request.headers.get("content-type")}

@app.post("/form")
async def form(name: str = Form()):
    return name

@app.get("/boom")
def boom():
    raise ValueError("it broke here")

@app.get("/slow")
async def slow():
    await asyncio.sleep(30)

@app.get("/meet")
async def meet(request: Request):
    """Answers only when four requests are here at the same time."""
    app.state.here = getattr(app.state, "here", 0) + 1
    while app.state.here < 4:
        await asyncio.sleep(0.005)
    return app.state.here

@app.get("/stream")
async def stream():
    async def parts():
        for number in range(5):
            yield f"{number},"
    return StreamingResponse(parts())

@app.get("/players")
async def players():
    async with AsyncSession(engine) as session:
        return [p.email for p in (await session.scalars(select(Player))).all()]
'''


@pytest.fixture(scope="module", params=["newest", "floor"])
def app(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app above, started in a world on one of the locks."""
    tree = tmp_path_factory.mktemp("driven")
    (tree / "main.py").write_text(APP)
    spec = WorldSpec(tree, environment(LOCKS / f"{request.param}.txt"))
    with World.open(spec) as world, world.boot("main:app") as live:
        yield live


def test_a_request_carries_all_its_parts(app: App) -> None:
    """Query, headers, client address and the life span's state reach the handler."""
    answer = app.request("GET", "/state?a=1", headers={"X-One": "1"}, client=("10.1.2.3", 5))
    assert answer.json() == {
        "started": True,
        "given": "by the life span",
        "client": "10.1.2.3",
        "header": "1",
        "q": "a=1",
    }
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert 0 < answer.seconds < 5


def test_bodies_of_every_kind(app: App) -> None:
    """Bytes of many chunks, JSON and form fields arrive whole, with their content type."""
    assert app.request("POST", "/echo", body=b"x" * 1_000_000).json()["size"] == 1_000_000
    assert app.request("POST", "/echo", json={"a": 1}).json()["type"] == "application/json"
    assert app.request("POST", "/form", form={"name": "a&b ü"}).json() == "a&b ü"
    assert app.request("GET", "/stream").text == "0,1,2,3,4,"


def test_an_exception_is_an_answer(app: App) -> None:
    """A handler that raises gives 500 and its traceback, and the app goes on."""
    answer = app.request("GET", "/boom")
    assert answer.status == 500
    assert "ValueError: it broke here" in (answer.error or "")
    assert app.request("GET", "/state").status == 200


def test_a_late_answer_is_given_up(app: App) -> None:
    """A handler that takes too long gives 504 after the time allowed, and the app goes on."""
    answer = app.request("GET", "/slow", timeout=0.2)
    assert (answer.status, answer.error) == (504, "no answer in 0.2 s")
    assert answer.seconds < 2
    assert app.request("GET", "/state").status == 200


def test_requests_are_sent_at_the_same_moment(app: App) -> None:
    """Four requests that wait for each other all answer."""
    wanted = [make_request("GET", "/meet")] * 4
    assert [answer.json() for answer in app.requests(wanted)] == [4, 4, 4, 4]


def test_the_app_lives_between_commands(app: App) -> None:
    """Its own tasks go on while nobody asks anything."""
    before = app.request("GET", "/beats").json()
    app.evaluate("__import__('time').sleep(0)")
    given = time.monotonic() + 30
    while app.request("GET", "/beats").json() <= before + 3:
        assert time.monotonic() < given, "the background task stands still"
        time.sleep(0.01)  # the requests alone may all be answered between two beats


def test_functions_are_evaluated_in_the_app(app: App) -> None:
    """An expression, a function and a coroutine see the app's own objects and give JSON."""

    def double(number: Any) -> object:
        return {"twice": number * 2}

    assert app.evaluate("app.title") == "FastAPI"
    assert app.evaluate("load('main.Player').__tablename__") == "players"
    assert app.evaluate(double, number=4) == {"twice": 8}
    text = "async def f(a):\n    import asyncio\n    await asyncio.sleep(0)\n    return {a, 2.5}"
    assert sorted(app.evaluate(text, a=1)) == [1, 2.5]
    with pytest.raises(AppFailed, match="ZeroDivisionError"):
        app.evaluate("1 / 0")


def test_rows_are_made_with_what_they_need(app: App) -> None:
    """Required columns and the row of a foreign key are filled by type; given values are kept."""
    assert set(app.create_all()) == {"teams", "players"}
    row = app.seed("players", email="a@b.co", born="2001-02-03")
    assert (row["email"], row["born"], row["active"]) == (
        "a@b.co",
        "2001-02-03",
        True,
    )
    assert row["nick"] is None
    second = app.seed("players", email="c@d.co")
    assert second["id"] == row["id"] + 1
    with pytest.raises(AppFailed, match="the app has no table `nothing`"):
        app.seed("nothing")


def test_sql_is_traced_for_one_request_alone(app: App) -> None:
    """A traced request tells the statements that it ran, with their time; others tell none."""
    app.create_all()
    app.seed("players", email="traced@b.co")
    traced = app.request("GET", "/players", traced=True)
    assert "traced@b.co" in traced.json()
    (statement,) = traced.statements
    assert statement.sql.lstrip().startswith("SELECT players.id")
    assert statement.seconds is not None
    assert 0 <= statement.seconds < 5
    assert app.request("GET", "/players").statements == ()
    plain = make_request("GET", "/state")
    assert all(answer.statements == () for answer in app.requests([plain, plain]))
