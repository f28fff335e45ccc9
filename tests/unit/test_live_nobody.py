"""An app that knows no users: what breaks it is proven, and kept as tests, all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.review.engine import find_all
from fastwright.review.live.examine import Examined, examine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import python_of

pytestmark = pytest.mark.slow
MAIN = PurePosixPath("main.py")
BAD = """
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel
from sqlalchemy import String, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite:///nobody.db")
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)


class ShelfIn(BaseModel):
    name: str


Base.metadata.create_all(engine)


@app.post("/shelves", status_code=201)
def add(body: ShelfIn) -> int:
    with Session(engine) as session:
        session.add(Shelf(name=body.name))
        session.commit()
    return 1


@app.get("/ratio")
def ratio(share: int = 1) -> float:
    return 1 / share


@app.get("/reports")
def reports() -> int:
    raise NotImplementedError
"""
REPAIRS = {
    "        session.commit()\n": (
        "        try:\n            session.commit()\n        except IntegrityError:\n"
        "            raise HTTPException(409) from None\n"
    ),
    "share: int = 1": "share: int = Query(default=1, ge=1)",
    "    raise NotImplementedError\n": "    raise HTTPException(501)\n",
}
"""The last one is what the rule's own fix writes."""

WANTED = {
    "test_unforeseen_input_get_ratio",
    "test_failing_route_get_reports",
    "test_unforeseen_input_post_shelves",
}


def repaired() -> str:
    """The app without its faults."""
    text = BAD
    for old, new in REPAIRS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A scratch world that holds the app."""
    folder: Path = tmp_path_factory.mktemp("nobody")
    (folder / MAIN).write_text(BAD)
    with World.open(WorldSpec(folder, python_of("newest"), target="main:app")) as opened:
        yield opened


@pytest.fixture(scope="module")
def seen(world: World) -> Examined:
    """What comes of examining the app."""
    app = static.read({MAIN: BAD.encode()})
    target = SturdyTarget(world.boot)
    try:
        return examine(target, app, find_all(app, every_rule().values()).findings, budget=60)
    finally:
        target.close()


def outcomes(world: World, text: str, written: Mapping[str, str]) -> dict[str, str]:
    """How each written test goes on an app of that text."""
    files = {PurePosixPath("review") / name: body.encode() for name, body in written.items()}
    world.overlay({MAIN: text.encode(), PurePosixPath("nobody.db"): None, **files})
    command = ("python", "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "review")
    result = world.run(command, env={"PYTHONPATH": "."}, timeout=120)
    world.overlay(dict.fromkeys(files))
    rows = (re.match(r"(PASSED|FAILED|ERROR) review/(\w+)\.py", x) for x in result.out.splitlines())
    return {found[2]: found[1] for found in rows if found}


def test_tests_are_written_where_nobody_logs_in(world: World, seen: Examined) -> None:
    """Each fails on the app as it is, and passes once what it is of was repaired."""
    before = outcomes(world, BAD, seen.tests.files)
    after = outcomes(world, repaired(), seen.tests.files)
    assert before.keys() >= WANTED, seen.tests.left_out
    assert set(before.values()) == {"FAILED"}
    assert {after[name] for name in WANTED} == {"PASSED"}


def test_a_value_that_is_served_is_not_said_to_break(seen: Examined) -> None:
    """SQLite keeps a NUL character: that the name was there before is another matter."""
    assert [p.message for p in seen.proofs if "NUL" in p.message] == []
    assert any("zero in `share`" in p.message for p in seen.proofs)
