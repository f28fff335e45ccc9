import os
from pathlib import Path

import asyncpg
from fastapi import Request

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()


async def open_pool() -> asyncpg.Pool:
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=5)
    await pool.execute(SCHEMA)
    return pool


async def get_connection(request: Request):
    async with request.app.state.pool.acquire() as connection:
        yield connection
