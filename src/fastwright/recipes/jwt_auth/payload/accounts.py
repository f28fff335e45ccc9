"""The queries of authentication, in one place."""

from sqlalchemy import update
from sqlmodel import col

from .host import Account, AccountKey, AsyncSession, select


async def find_by_login(session: AsyncSession, login: str) -> Account | None:
    """The account that logs in as `login`."""
    login = login.lower()  # when: lowercase
    found = select(Account).where(Account.login_name == login)
    # As it is now, whatever this session has read of it before.
    wanted = found.execution_options(populate_existing=True)
    return (await session.exec(wanted)).first()  # when: exec
    return (await session.scalars(wanted)).first()  # when: not-exec


async def find_by_subject(session: AsyncSession, subject: str) -> Account | None:
    """The account that a token's subject names."""
    try:  # when: not-text-key
        key = AccountKey(subject)  # when: not-text-key
    except ValueError:  # when: not-text-key
        return None  # when: not-text-key
    return await session.get(Account, key)  # when: whole-key
    return await session.get(Account, subject)  # when: text-key
    found = select(Account).where(Account.id == key)  # when: part-key
    return (await session.exec(found)).first()  # when: part-key-exec
    return (await session.scalars(found)).first()  # when: part-key-not-exec


async def replace_hash(session: AsyncSession, subject: str, old: str, new: str) -> bool:
    """Store `new`, unless the hash is no longer `old`; true where it was stored."""
    its_own = Account.id == AccountKey(subject)  # when: not-exec
    unchanged = Account.stored_hash == old  # when: not-exec
    its_own = col(Account.id) == AccountKey(subject)  # when: exec
    unchanged = col(Account.stored_hash) == old  # when: exec
    await session.execute(update(Account).where(its_own, unchanged).values(stored_hash=new))
    stored = select(Account.stored_hash).where(its_own)
    kept = (await session.scalars(stored)).first()
    await session.commit()  # when: commits
    return kept == new
