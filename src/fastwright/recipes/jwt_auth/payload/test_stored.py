"""Hashes from before."""

from httpx import AsyncClient

from .test_rows import STORED, Rows, sign_in


async def test_a_stored_hash_still_logs_in(client: AsyncClient, rows: Rows) -> None:
    """A password that was stored before opens the same account."""
    login = await rows.add(STORED)
    assert (await sign_in(client, login, "not the password")).status_code == 401
    assert (await sign_in(client, login)).status_code == 200
