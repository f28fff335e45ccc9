"""Refresh tokens, of which only digests are kept."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from .host import AccountKey


class RefreshToken(SQLModel, table=True):
    """One refresh token; its family is every token that one login led to.

    `replaces` is the digest of the token that it was exchanged for: each can be exchanged once.
    `expires_at` and `ends_at` count seconds since 1970; the latter is the same for a family.
    """

    __tablename__ = "refresh_tokens"

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(max_length=64, unique=True, index=True)
    replaces: str | None = Field(default=None, max_length=64, unique=True, index=True)
    family: str = Field(max_length=32, index=True)
    account_id: AccountKey = Field(foreign_key="accounts.id", index=True)
    password: str = Field(max_length=32)
    expires_at: int = Field(sa_type=BigInteger)
    ends_at: int = Field(sa_type=BigInteger)
