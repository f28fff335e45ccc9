import asyncio
import os
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from fastapi.testclient import TestClient


async def run(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def client(monkeypatch):
    configured = os.environ["DATABASE_URL"]
    parts = urlsplit(configured)
    name = parts.path.strip("/") + "_test"
    asyncio.run(
        run(configured, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    )
    monkeypatch.setenv("DATABASE_URL", urlunsplit(parts._replace(path="/" + name)))
    from sensors.main import app

    with TestClient(app) as client:
        yield client
