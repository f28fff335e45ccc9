"""Accounts that are switched off."""

from httpx import AsyncClient

from .test_rows import Rows, sign_in


async def test_an_inactive_account_is_refused(client: AsyncClient, rows: Rows) -> None:
    """Who is switched off does not get in, and is not told why."""
    login = await rows.add(active=False)
    answer = await sign_in(client, login)
    wrong = await sign_in(client, login, "not the password")
    assert answer.status_code == 401
    assert answer.content == wrong.content
