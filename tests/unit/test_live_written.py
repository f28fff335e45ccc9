"""Tests that a live review writes: of apps without tables, and on the loop of the app."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

import pytest
from ruff.__main__ import find_ruff_bin

from fastwright.agent.live_review import write_tests
from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.boot_tests import run_tests
from fastwright.lab.world import World, WorldSpec
from fastwright.review.live.examine import Examined, examine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import python_of


def examined(folder: Path, text: str) -> Examined:
    """What an examination of one module tells."""
    (folder / "main.py").write_text(text)
    app = static.read({PurePosixPath("main.py"): text.encode()})
    with World.open(WorldSpec(folder, python_of("newest"), target="main:app")) as world:
        return examine(SturdyTarget(lambda: world.boot("main:app")), app, ())


IN_MEMORY = """
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from pydantic import BaseModel

app = FastAPI()
bearer = HTTPBearer()
people: dict[str, str] = {}


class Credentials(BaseModel):
    username: str
    password: str


class Note(BaseModel):
    stars: int


def demand_member(given=Depends(bearer)):
    if given.credentials.removeprefix("the-token-of-") not in people:
        raise HTTPException(401)


@app.post("/signup")
def sign_up(body: Credentials) -> str:
    people[body.username] = body.password
    return body.username


@app.post("/login")
def login(body: Credentials) -> dict[str, str]:
    if people.get(body.username) != body.password:
        return {"error": "no"}
    return {"access_token": "the-token-of-" + body.username}


@app.post("/notes", dependencies=[Depends(demand_member)])
def add(body: Note) -> int:
    return body.stars
"""


@pytest.mark.slow
def test_what_is_proven_of_an_app_without_tables_is_kept_as_tests(tmp_path: Path) -> None:
    """Its users are made by its sign-up in the tests too, which need no SQLAlchemy.

    They are written as a project's own tests are: laid out, with docstrings and types.
    """
    seen = examined(tmp_path, IN_MEMORY)
    named = [name for name in seen.tests.files if "post_notes" in name]
    assert named
    assert "import sqlalchemy" not in seen.tests.files["review_stage.py"]
    assert "from sqlalchemy" not in seen.tests.files["review_stage.py"]
    write_tests(tmp_path, seen.tests.files, static.read({PurePosixPath("main.py"): b""}))
    for words in (
        ("format", "--check"),
        ("check", "--select", "E4,E7,E9,F,W,I,UP,B,SIM,RET,D101,D102,D103,ANN0,ANN2"),
    ):
        ruff = (find_ruff_bin(), *words, "--isolated", "--exclude", "main.py", ".")
        ended = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout
    command = (python_of("newest"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *named)
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"{len(named)} failed" in ended.stdout
    assert "assert 500 < 500" in ended.stdout
    assert "access_token" not in ended.stdout


ON_LOOPS = """
import os
from contextlib import asynccontextmanager
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ["DATABASE_URL"])


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class ShelfIn(BaseModel):
    name: str


@asynccontextmanager
async def lifespan(app):
    async with AsyncSession(engine) as session:
        await session.execute(text("SELECT 1"))
    yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost"])


@app.post("/shelves")
async def add(body: ShelfIn) -> int:
    async with AsyncSession(engine) as session:
        session.add(Shelf(name=body.name))
        await session.commit()
    return 1


@app.patch("/shelves/{shelf_id}")
async def rename(shelf_id: int, body: ShelfIn) -> int:
    async with AsyncSession(engine) as session:
        shelf = await session.get(Shelf, shelf_id)
        if shelf is None:
            raise HTTPException(404)
        shelf.name = body.name
        await session.commit()
    return 1
"""


@pytest.mark.slow
def test_written_tests_share_the_loop_of_an_app_whose_connections_are_bound_to_it(
    tmp_path: Path,
) -> None:
    """Several in one run fail by what they claim, where the app connects while it starts.

    They come from a host that the app trusts. Of what needs a row of the lab, none is written.
    """
    (tmp_path / "main.py").write_text(ON_LOOPS)
    app = static.read({PurePosixPath("main.py"): ON_LOOPS.encode()})
    env = {"DATABASE_URL": "postgresql+asyncpg://app:app@localhost:5432/app"}
    spec = WorldSpec(tmp_path, python_of("newest"), target="main:app", env=env)
    with World.open(spec) as world:
        world.prepare_schema(app)
        seen = examine(SturdyTarget(lambda: world.boot("main:app")), app, ())
        world.overlay({PurePosixPath(n): t.encode() for n, t in seen.tests.files.items()})
        names = [name for name in seen.tests.files if name.startswith("test_")]
        ran = run_tests(world, names)
    assert len(ran.outcomes) == len(names) > 1
    assert any("PATCH" in proof.operation for proof in seen.proofs)
    assert not any("patch" in name for name in names)
    assert {(one.outcome, one.kind) for one in ran.outcomes} == {("failed", "assertion")}


WALLETS = """
import os
from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_async_engine(os.environ["DATABASE_URL"])
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Wallet(Base):
    __tablename__ = "wallets"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(default=0)


@app.post("/wallets/{wallet_id}/payments")
async def pay(wallet_id: int) -> int:
    async with AsyncSession(engine) as session:
        wallet = await session.get(Wallet, wallet_id)
        if wallet is None or wallet.balance < 1:
            raise HTTPException(409)
        wallet.balance -= 1
        await session.commit()
        return 1
"""
MENDED = (
    ("Wallet, wallet_id)", "Wallet, wallet_id, with_for_update=True)"),
    ("wallet.balance -= 1", "wallet.balance = Wallet.balance - 1"),
)
PLAIN = (
    ("create_async_engine(", "create_engine("),
    ("async with Async", "with "),
    ("await ", ""),
    ("async def", "def"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("driver", "changes"), [("asyncpg", ()), ("psycopg", PLAIN)])
def test_a_lost_update_is_kept_as_a_test(
    tmp_path: Path, driver: str, changes: tuple[tuple[str, str], ...]
) -> None:
    """Of many requests at once some are lost before the repair, by assertion, and none after it."""
    text = _with(WALLETS, *changes)
    (tmp_path / "main.py").write_text(text)
    app = static.read({PurePosixPath("main.py"): text.encode()})
    env = {"DATABASE_URL": f"postgresql+{driver}://app:app@localhost:5432/app"}
    spec = WorldSpec(tmp_path, python_of("newest"), target="main:app", env=env)
    with World.open(spec) as world:
        world.prepare_schema(app)
        known = tuple(every_rule()["lost-update"].check(app))
        seen = examine(SturdyTarget(lambda: world.boot("main:app")), app, known)
        (name,) = [name for name in seen.tests.files if "lost_update" in name]
        world.overlay({PurePosixPath(n): t.encode() for n, t in seen.tests.files.items()})
        ran = [run_tests(world, [name])]
        for change in MENDED:
            world.overlay({PurePosixPath("main.py"): _with(text, change).encode()})
            ran.append(run_tests(world, [name]))
    told = [(one.outcome, one.kind) for run in ran for one in run.outcomes]
    assert told == [("failed", "assertion"), ("passed", ""), ("passed", "")]


def _with(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text
