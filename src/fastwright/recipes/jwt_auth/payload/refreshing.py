"""Sessions that outlive an access token: each refresh token is good once."""

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from .accounts import find_by_subject
from .host import AccountKey, AsyncSession, select
from .refresh_model import RefreshToken
from .tokens import Claims, fingerprint, issue_token

DAY = 24 * 60 * 60
IDLE_DAYS = 14
MOST_DAYS = 60


@dataclass(frozen=True)
class Pair:
    """An access token, and the refresh token that is exchanged for the next one."""

    access: str
    refresh: str


async def open_family(session: AsyncSession, subject: str, stored_hash: str) -> Pair:
    """The tokens of a new login; the session is committed."""
    ends_at = int(time.time()) + MOST_DAYS * DAY
    claims = Claims(subject, fingerprint(stored_hash))
    refresh = _add(session, claims, secrets.token_hex(16), ends_at)
    await session.commit()
    return Pair(issue_token(subject, stored_hash), refresh)


async def exchange(session: AsyncSession, token: str) -> Pair | None:
    """The next tokens for `token`, or `None`; one that was exchanged before ends its family."""
    found = await _find(session, token)
    if found is None or found.expires_at < time.time():
        return None
    successor = select(RefreshToken).where(RefreshToken.replaces == found.digest)
    if (await session.scalars(successor)).first() is not None:
        await close_family(session, token)
        return None
    account = await find_by_subject(session, str(found.account_id))
    claims = Claims(str(found.account_id), found.password)
    if account is None or not claims.fit(account.stored_hash):
        return None
    if not account.is_enabled:  # when: active
        return None  # when: active
    await _hold(session, found.family)
    if await _find(session, token) is None:
        return None  # Its login was ended meanwhile.
    pair = Pair(
        issue_token(claims.subject, account.stored_hash),
        _add(session, claims, found.family, found.ends_at, replaces=found.digest),
    )
    try:
        await session.commit()
    except IntegrityError:
        # Somebody else exchanged it at this very moment.
        await session.rollback()
        return None
    return pair


async def close_family(session: AsyncSession, token: str) -> None:
    """End the login that `token` came from; the session is committed."""
    found = await _find(session, token)
    if found is not None:
        await _hold(session, found.family)
        family = RefreshToken.family == found.family  # when: not-exec
        family = col(RefreshToken.family) == found.family  # when: exec
        await session.execute(delete(RefreshToken).where(family))
        await session.commit()


async def _hold(session: AsyncSession, family: str) -> None:
    """Keep others from adding to `family`, and from ending it, until the session is committed.

    Its first row is what all of them write to, so that one waits for the other.
    """
    first = (RefreshToken.family == family, RefreshToken.replaces.is_(None))  # when: not-exec
    first = (col(RefreshToken.family) == family, col(RefreshToken.replaces).is_(None))  # when: exec
    kept = update(RefreshToken).where(*first).values(family=family)
    await session.execute(kept.execution_options(synchronize_session=False))


async def _find(session: AsyncSession, token: str) -> RefreshToken | None:
    wanted = select(RefreshToken).where(RefreshToken.digest == _digest(token))
    return (await session.scalars(wanted)).first()


def _add(
    session: AsyncSession,
    claims: Claims,
    family: str,
    ends_at: int,
    replaces: str | None = None,
) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            digest=_digest(token),
            replaces=replaces,
            family=family,
            account_id=AccountKey(claims.subject),
            password=claims.password,
            expires_at=min(int(time.time()) + IDLE_DAYS * DAY, ends_at),
            ends_at=ends_at,
        )
    )
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
