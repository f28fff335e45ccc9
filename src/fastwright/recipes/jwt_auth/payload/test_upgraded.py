"""Hashes that are replaced."""

from httpx import AsyncClient

from .test_rows import STORED, Rows, sign_in


async def test_a_login_replaces_a_stored_hash(client: AsyncClient, rows: Rows) -> None:
    """The first login with an older hash leaves an argon2 one, which opens as well."""
    login = await rows.add(STORED)
    assert (await sign_in(client, login)).status_code == 200
    assert (await rows.hash_of(login)).startswith("$argon2id$")
    assert rows.decoy.startswith("$argon2id$")
    assert (await sign_in(client, login)).status_code == 200
