"""Logging in."""

from .accounts import find_by_login, replace_hash
from .host import AsyncSession
from .passwords import check_password, is_text
from .tokens import issue_token


async def log_in(session: AsyncSession, login: str, password: str) -> str | None:
    """A new access token, or `None`: unknown, wrong and switched off are not told apart."""
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
        return issue_token(subject, current)
    return await log_in(session, login, password)
