"""Logging in."""

from .accounts import find_by_login, replace_hash
from .host import AsyncSession, Given
from .passwords import check_password, is_text
from .refreshing import Pair, open_family
from .tokens import issue_token


async def log_in(session: AsyncSession, login: str, password: str) -> Given | None:
    """What a login gives, or `None`: unknown, wrong and inactive are not told apart."""
    if not (is_text(login) and is_text(password)):
        return None
    # Where another login replaces the hash meanwhile, it is read once more.
    for _ in range(2):
        subject, stored = await _credentials(session, login)
        current = await check_password(password, stored)
        if stored is None or current is None:
            return None
        if current == stored or await replace_hash(session, subject, stored, current):
            return issue_token(subject, current)  # when: not-refresh
            return await open_family(session, subject, current)  # when: refresh
    return None


async def _credentials(session: AsyncSession, login: str) -> tuple[str, str | None]:
    """The subject and the hash of the account; no hash where nobody may log in as `login`."""
    account = await find_by_login(session, login)
    subject = str(account.id) if account else ""
    stored = account.stored_hash if account else None
    if account is None or not account.is_enabled:  # when: active
        stored = None  # when: active
    # A hash takes a while: others have the connection meanwhile.  # when: released
    await session.commit()  # when: released
    return subject, stored
