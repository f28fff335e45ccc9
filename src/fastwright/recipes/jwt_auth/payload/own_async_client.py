"""A client of the app, with a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from .host import AsyncSession, Base, app, get_session


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """The app, with an empty database in a file."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db", poolclass=NullPool)

    async def create_tables() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def session_of_test() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session
            await session.commit()  # when: not-released

    asyncio.run(create_tables())
    given = dict(app.dependency_overrides)
    app.dependency_overrides[get_session] = session_of_test
    yield TestClient(app)  # when: not-some-hosts
    yield TestClient(app, base_url="http://localhost")  # when: some-hosts
    app.dependency_overrides.clear()
    app.dependency_overrides.update(given)
