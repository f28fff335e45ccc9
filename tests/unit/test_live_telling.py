"""An error that tells what the app is made of is proven with the passage; a plain one is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Grade
from fastwright.review.live.examine import Examined, examine
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, python_of

pytestmark = pytest.mark.slow
MAIN = PurePosixPath("main.py")
SECRET = "of-a-key-that-nobody-may-read"
APP = """
import os
import sqlite3
import traceback
from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")
app = FastAPI({options})


def broken() -> Exception:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT secret FROM nowhere"))
    except Exception as error:
        return error
    raise AssertionError


@app.get("/one")
def one() -> None:
    raise HTTPException(503, {expression})
"""
CASES = {
    "a traceback": (
        "a traceback",
        "''.join(traceback.format_exception(broken()))",
        "'Traceback of your parcel: in Leipzig since noon'",
    ),
    "a statement": (
        "the text of a statement",
        "'[SQL: ' + str(broken().statement) + ']'",
        "'Select a book from the list, then update your order and set a date'",
    ),
    "a driver": (
        "what the database's driver said",
        "str(broken()).split('[SQL')[0]",
        "'Not unique: there is one of that name'",
    ),
    "an address": (
        "the address of a database",
        "'postgresql://shop:hidden@db.internal:5432/shop'",
        "'See https://example.com/status for postgres and redis'",
    ),
    "a path": (
        "a path of the server's files",
        "'cannot read ' + os.path.abspath('settings/local.toml')",
        "'cannot read settings/local.toml'",
    ),
    "a secret": (
        "the value of `SHOP_SECRET_KEY`",
        "'wrong key: ' + os.environ['SHOP_SECRET_KEY']",
        "'wrong key: SHOP_SECRET_KEY'",
    ),
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A scratch world for apps that are written into it."""
    folder = REPOSITORY / "tests/apps/examined"
    env = {"SHOP_SECRET_KEY": SECRET}
    with World.open(WorldSpec(folder, python_of("newest"), env=env, target="main:app")) as opened:
        yield opened


def examined(world: World, expression: str, options: str = "") -> Examined:
    """What comes of examining an app whose one route answers 503 with what is given."""
    text = APP.replace("{expression}", expression).replace("{options}", options)
    world.overlay({MAIN: text.encode()})
    target = SturdyTarget(world.boot)
    try:
        return examine(target, static.read({MAIN: text.encode()}), budget=60)
    finally:
        target.close()


@pytest.mark.parametrize("case", CASES)
def test_a_telling_error_is_proven_and_a_plain_one_is_not(world: World, case: str) -> None:
    """The finding names the kind of thing and shows the passage; the twin is silent."""
    what, bad, good = CASES[case]
    seen = examined(world, bad)
    (finding,) = seen.findings
    assert finding.message == f"`GET /one` tells whoever calls {what} in an answer of 503"
    assert finding.grade is Grade.PROVEN
    rule = "settings-in-answer" if case == "a secret" else "exception-text-to-client"
    assert finding.rule == rule
    assert seen.proofs[0].forbidden != ""
    assert examined(world, good).findings == ()


def test_no_secret_is_in_the_evidence(world: World) -> None:
    """What an answer tells of a secret is not told again."""
    seen = examined(world, CASES["a secret"][1])
    assert SECRET not in repr(seen.findings)


def test_debug_mode_is_a_question(world: World) -> None:
    """An app that is told to show tracebacks may be told otherwise where strangers call."""
    seen = examined(world, "1 / 0", "debug=True")
    told = [f for f in seen.findings if f.rule == "exception-text-to-client"]
    assert [f.grade for f in told] == [Grade.POSSIBLE]
    assert "is `debug` off" in told[0].message


def test_what_was_sent_is_no_news(world: World) -> None:
    """An answer that repeats the request tells nothing that its sender does not know."""
    sent = "def one(q: Annotated[str, Query(examples=['[SQL: 1]'])]) -> None"
    text = APP.replace("def one() -> None", sent).replace("{options}", "")
    text = "from typing import Annotated\nfrom fastapi import Query\n" + text
    for expression, told in (("'no such thing: ' + q", 0), ("'no such thing: [SQL: 2]' + q", 1)):
        whole = text.replace("{expression}", expression).encode()
        world.overlay({MAIN: whole})
        target = SturdyTarget(world.boot)
        try:
            assert len(examine(target, static.read({MAIN: whole}), budget=60).findings) == told
        finally:
            target.close()
