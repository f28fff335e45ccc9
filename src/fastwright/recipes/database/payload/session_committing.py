"""The session of a request."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from .host import new_session


async def get_session() -> AsyncIterator[AsyncSession]:
    """One session a request: committed at its end, rolled back where it failed."""
    async with new_session.begin() as session:
        yield session


# It ends before the answer is sent, so that a commit that fails is a 500.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
