from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.survey import static

DATABASE = b"""
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

new_session = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


@asynccontextmanager
async def session_scope() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


def numbers():
    yield 1
"""
MAIN = b"from fastapi import FastAPI\napp = FastAPI()\n"


def test_a_session_that_no_route_uses_yet_is_a_dependency() -> None:
    """A plain generator of sessions is what later steps of a plan can bind to."""
    app = static.read({PurePosixPath("main.py"): MAIN, PurePosixPath("database.py"): DATABASE})
    kinds = {session.symbol: session.kind for session in app.sessions}
    assert kinds["database.get_session"] == "dependency"
    assert kinds["database.session_scope"] == "context"
    assert "database.numbers" not in kinds
    found = app.capability("db.session")
    assert found is not None
    assert found.symbol == "database.get_session"
