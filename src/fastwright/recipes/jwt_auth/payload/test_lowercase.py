"""Logins however they are written."""

from httpx import AsyncClient

from .test_rows import Rows, sign_in


async def test_capitals_make_no_difference(client: AsyncClient, rows: Rows) -> None:
    """Logins are stored in lower case, and found however they are typed."""
    login = await rows.add()
    assert (await sign_in(client, login.upper())).status_code == 200
