"""A request's session keeps what it wrote, or nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from .host import SessionDep, engine, new_session

metadata = MetaData()
things = Table("things", metadata, Column("id", Integer, primary_key=True))
api = FastAPI()


@api.post("/things/{thing_id}", status_code=201)
async def write(thing_id: int, session: SessionDep) -> None:
    """Writes one thing."""
    await session.execute(insert(things).values(id=thing_id))
    await session.commit()  # when: not-commits


@api.post("/broken/{thing_id}", status_code=201)
async def write_and_fail(thing_id: int, session: SessionDep) -> None:
    """Writes one thing, and fails then."""
    await session.execute(insert(things).values(id=thing_id))
    raise RuntimeError("after the statement")


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the driver runs on."""
    return "asyncio"


@pytest.fixture
async def requests(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose database is a file of this test's own."""
    scratch = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/things.db")
    async with scratch.begin() as connection:
        await connection.run_sync(metadata.create_all)
    new_session.configure(bind=scratch)
    transport = httpx.ASGITransport(app=api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    new_session.configure(bind=engine)
    await scratch.dispose()


async def count() -> int:
    """How many things there are."""
    async with new_session() as session:
        return await session.scalar(select(func.count()).select_from(things)) or 0


@pytest.mark.anyio
async def test_a_request_keeps_what_it_wrote(requests: httpx.AsyncClient) -> None:
    """What a request wrote is there for the next one."""
    assert (await requests.post("/things/1")).status_code == 201
    assert await count() == 1


@pytest.mark.anyio
async def test_a_failed_request_leaves_nothing(requests: httpx.AsyncClient) -> None:
    """What a request wrote before it failed is not there."""
    assert (await requests.post("/broken/1")).status_code == 500
    assert await count() == 0
