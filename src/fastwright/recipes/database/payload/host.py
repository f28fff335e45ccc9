"""Stands for the app: what the payload takes from it. Never written."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

app = FastAPI()
database_url = "postgresql+asyncpg://localhost/app"
new_session: async_sessionmaker[AsyncSession] = async_sessionmaker()


class Base(DeclarativeBase):
    """The base of the app's models."""


async def get_session() -> AsyncIterator[AsyncSession]:
    """The session of a request."""
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]
