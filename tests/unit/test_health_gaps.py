"""What is said of a health check that an app has already, and how gates count."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.prove.gate import counted
from fastwright.recipes.health_checks.recipe import HealthChecks
from fastwright.survey import static

PING = """
from fastapi import Depends, FastAPI
app = FastAPI()
@app.get("/ping")
def ping(): ...
"""
SESSION = """
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
engine = create_engine("sqlite://")
def get_session():
    with Session(engine) as session:
        yield session
"""


def gaps(text: str) -> tuple[str, ...]:
    """What a health check of the app lacks."""
    app = static.read({PurePosixPath("main.py"): text.encode()})
    return HealthChecks().detect(app).gaps


def test_only_an_app_with_a_database_has_one_to_ask() -> None:
    """An app without a session is not told that it does not ask its database."""
    assert gaps(PING) == ()
    assert gaps(PING + SESSION) == ("no health check of the app asks its database",)


def test_one_is_not_told_as_many() -> None:
    """`1 operation`, and no other way."""
    assert [counted(n, "call") for n in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]
