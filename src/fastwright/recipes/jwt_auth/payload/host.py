"""What the user's app has: its settings, session and user table. Never written, only bound to."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pwdlib import PasswordHash
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["AsyncSession", "select"]


class Settings(BaseSettings):
    """The app's settings."""

    database_url: str = "sqlite+aiosqlite://"
    redis_url: str = "redis://localhost:6379/0"
    jwt_secret: SecretStr
    jwt_access_minutes: int = 15


settings = Settings()  # type: ignore[call-arg]
engine = create_async_engine(settings.database_url)
make_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The app's declarative base."""


class Account(Base):
    """The app's user table."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    login_name: Mapped[str] = mapped_column(unique=True)
    stored_hash: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(default=True)


async def get_session() -> AsyncIterator[AsyncSession]:
    """The app's session dependency."""
    async with make_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]

app = FastAPI()
AccountKey = int
ROUNDS = 12
own_hasher = PasswordHash.recommended()
Given = Any
Answer = Any


def verify_stored(password: str, stored_hash: str) -> bool:
    """The app's own way to verify a password."""
    return password == stored_hash
