"""Sessions that are held while a large answer is sent."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.source import edits
from fastwright.survey import static
from fastwright.tune import scopes
from fastwright.tune.idea import Gain, Idea
from fastwright.tune.seen import Observation, Visit

MAIN, DEPS = PurePosixPath("main.py"), PurePosixPath("deps.py")
FILES = {
    DEPS: b"""from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")


def get_db() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def other() -> int:
    return 1


Db = Annotated[Session, Depends(get_db)]
""",
    MAIN: b"""from fastapi import Depends, FastAPI

from deps import Db, get_db, other

app = FastAPI()


@app.get("/a")
def a(db: Db, one: int = Depends(other)):
    return []


@app.get("/b")
def b(db=Depends(get_db)):
    return []
""",
}


def found(size: int, sending: int, locked: str = "") -> list[Idea]:
    """The ideas where `/a` answers with `size` bytes and holds `sending` connections."""
    files = {**FILES}
    if locked:
        files[PurePosixPath("requirements.txt")] = f"fastapi=={locked}\n".encode()
    visit = Visit("GET /a", 200, b"x" * size, None, 0.1, (), (), {}, frozenset(), (), 1, sending)
    seen = Observation(500, {"GET /a": visit}, {}, {})
    return list(scopes.ideas(static.read(files), [seen]))


def test_a_session_ends_before_a_large_answer_wherever_it_is_asked_for() -> None:
    """The alias and the default alike; other dependencies stay as they are."""
    (idea,) = found(scopes.LARGE, 1)
    assert idea.gain is Gain.HELD
    after = edits.apply(FILES, idea.variants[0].changes)
    assert b'Depends(get_db, scope="function")]' in after[DEPS]
    assert b'def b(db=Depends(get_db, scope="function")):' in after[MAIN]
    assert b"Depends(other))" in after[MAIN]


@pytest.mark.parametrize(("size", "sending"), [(1000, 1), (scopes.LARGE, 0)])
def test_nothing_is_said_where_nobody_waits(size: int, sending: int) -> None:
    """A small answer is out of the app at once; and some sessions end before theirs."""
    assert found(size, sending) == []


def test_an_older_fastapi_is_told_what_a_newer_one_can() -> None:
    """Without the parameter there is nothing to write."""
    (idea,) = found(scopes.LARGE, 1, "0.119.0")
    assert idea.variants == ()
    assert "from FastAPI 0.121 on" in idea.because
