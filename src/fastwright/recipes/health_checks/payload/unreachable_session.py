"""A database that nothing answers for."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def unreachable() -> AsyncIterator[AsyncSession]:
    """A session on a database that is not there."""
    engine = create_async_engine("UNREACHABLE_URL")
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()
