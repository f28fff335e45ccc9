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
    account = await find_by_login(session, login)
    stored = account.stored_hash if account else None
    current = await check_password(password, stored)
    if account is None or stored is None or current is None:
        return None
    if not account.is_enabled:  # when: active
        return None  # when: active
    subject = str(account.id)
    if current == stored or await replace_hash(session, account, stored, current):
        return issue_token(subject, current)  # when: not-refresh
        return await open_family(session, subject, current)  # when: refresh
    return await log_in(session, login, password)
