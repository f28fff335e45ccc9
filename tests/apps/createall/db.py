import os
from typing import Annotated, AsyncIterator

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine(os.getenv("RECIPES_DB", "sqlite+aiosqlite:///recipes.db"))
new_session = async_sessionmaker(engine, expire_on_commit=False)


async def get_async_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session, session.begin():
        yield session


DB = Annotated[AsyncSession, Depends(get_async_session)]
