"""The queries of authentication, in one place."""

from .host import Account, AccountKey, AsyncSession, select


async def find_by_login(session: AsyncSession, login: str) -> Account | None:
    """The account that logs in as `login`."""
    login = login.lower()  # when: lowercase
    wanted = select(Account).where(Account.login_name == login)
    return (await session.exec(wanted)).first()  # when: exec
    return (await session.scalars(wanted)).first()  # when: not-exec


async def find_by_subject(session: AsyncSession, subject: str) -> Account | None:
    """The account that a token's subject names."""
    try:  # when: not-text-key
        key = AccountKey(subject)  # when: not-text-key
    except ValueError:  # when: not-text-key
        return None  # when: not-text-key
    return await session.get(Account, key)  # when: not-text-key
    return await session.get(Account, subject)  # when: text-key


async def replace_hash(session: AsyncSession, account: Account, old: str, new: str) -> bool:
    """Store `new`, unless the hash is no longer `old`; true where it was stored."""
    await session.refresh(account, ["stored_hash"], with_for_update=True)
    if account.stored_hash != old:
        return False
    account.stored_hash = new
    await session.commit()  # when: not-refresh
    await session.flush()  # when: refresh
    return True
