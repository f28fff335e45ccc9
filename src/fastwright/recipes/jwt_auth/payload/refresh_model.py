"""Refresh tokens, of which only digests are kept."""

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .host import AccountKey, Base


class RefreshToken(Base):
    """One refresh token; its family is every token that one login led to.

    `replaces` is the digest of the token that it was exchanged for: each can be exchanged once.
    `expires_at` and `ends_at` count seconds since 1970; the latter is the same for a family.
    """

    __tablename__ = "refresh_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, index=True)
    replaces: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)
    family: Mapped[str] = mapped_column(String(32), index=True)
    account_id: Mapped[AccountKey] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    password: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    ends_at: Mapped[int] = mapped_column(BigInteger)
