"""A database that nothing answers for."""

from collections.abc import AsyncIterator

import asyncpg


async def unreachable(*_request: object) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database that is not there."""
    yield await asyncpg.connect("postgresql://nobody@127.0.0.1:1/nothing")
