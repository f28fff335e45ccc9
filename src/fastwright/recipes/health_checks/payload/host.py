"""Stands for the app: what the payload takes from it. Never written."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncSession

app = FastAPI()


async def get_session() -> AsyncIterator[AsyncSession]:
    """The app's own session."""
    async with AsyncSession() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def get_connection(request: Request) -> AsyncIterator[Any]:
    """The app's own connection of a driver."""
    yield request
