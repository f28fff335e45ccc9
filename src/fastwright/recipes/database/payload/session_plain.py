"""The session of a request."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from .host import new_session


async def get_session() -> AsyncIterator[AsyncSession]:
    """One session a request; what is not committed is rolled back at its end."""
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]
