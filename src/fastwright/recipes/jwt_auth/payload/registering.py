"""Logging in, and making accounts to log in with."""

from datetime import datetime, timezone
from uuid import uuid4

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from .host import Account, AccountKey, AsyncSession, select
from .new_password import hash_password


async def open_account(
    session: AsyncSession,
    login: str,
    password: str,
    further: str,  # when: asks-more
) -> AccountKey | None:
    """The key of a new account, or `None` where what must be unique is taken; committed."""
    account = Account(
        login_name=login,
        stored_hash=await hash_password(password),
        further=further,  # when: asks-more
        given=None,  # when: gives-more
    )
    spelled = Account.login_name  # when: in-any-case
    spelled = col(Account.login_name)  # when: in-any-case-exec
    # Two logins that differ in capitals alone could be taken for each other.  # when: any-case
    taken = select(Account.id).where(func.lower(spelled) == login.lower())  # when: any-case
    if (await session.scalars(taken)).first() is not None:  # when: any-case
        return None  # when: any-case
    session.add(account)
    try:
        await session.flush()
        key = account.id
        await session.commit()
    except IntegrityError:
        await session.rollback()
        return None
    return key
