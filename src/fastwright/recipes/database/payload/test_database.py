"""A request's session keeps what it wrote, or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

metadata = MetaData()
things = Table("things", metadata, Column("id", Integer, primary_key=True))


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the driver runs on."""
    return "asyncio"


def opened() -> Any:
    """The module of the database."""
    assert find_spec("placeholder.database"), "the app has no database"
    return import_module("placeholder.database")


def writing(database: Any) -> FastAPI:
    """An app that writes things, with the session that the app's own routes get."""
    api, of_request = FastAPI(), get_args(database.SessionDep)[1]

    @api.post("/things/{thing_id}", status_code=201)
    async def write(thing_id: int, session: Any = of_request) -> None:
        await session.execute(insert(things).values(id=thing_id))
        await session.commit()  # when: not-commits

    @api.post("/broken/{thing_id}", status_code=201)
    async def write_and_fail(thing_id: int, session: Any = of_request) -> None:
        await session.execute(insert(things).values(id=thing_id))
        raise RuntimeError("after the statement")

    return api


@asynccontextmanager
async def requests(database: Any, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose database is a file of this test's own."""
    scratch = create_async_engine(f"sqlite+aiosqlite:///{folder}/things.db")
    async with scratch.begin() as connection:
        await connection.run_sync(metadata.create_all)
    database.new_session.configure(bind=scratch)
    transport = httpx.ASGITransport(app=writing(database), raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client
    finally:
        database.new_session.configure(bind=database.engine)
        await scratch.dispose()


async def count(database: Any) -> int:
    """How many things there are."""
    async with database.new_session() as session:
        return await session.scalar(select(func.count()).select_from(things)) or 0


@pytest.mark.anyio
async def test_a_request_keeps_what_it_wrote(tmp_path: Path) -> None:
    """What a request wrote is there for the next one."""
    database = opened()
    async with requests(database, tmp_path) as client:
        assert (await client.post("/things/1")).status_code == 201
        assert await count(database) == 1


@pytest.mark.anyio
async def test_a_failed_request_leaves_nothing(tmp_path: Path) -> None:
    """What a request wrote before it failed is not there."""
    database = opened()
    async with requests(database, tmp_path) as client:
        assert (await client.post("/broken/1")).status_code == 500
        assert await count(database) == 0
