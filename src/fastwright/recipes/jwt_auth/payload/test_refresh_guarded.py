"""Tokens and what they are for."""

from httpx import AsyncClient

from .test_guarded import who
from .test_refresh import renew
from .test_rows import Rows, sign_in


async def test_a_refresh_token_is_no_access_token(client: AsyncClient, rows: Rows) -> None:
    """Each kind of token opens only what it is for."""
    answer = (await sign_in(client, await rows.add())).json()
    assert (await who(client, answer["refresh_token"])).status_code == 401
    assert (await renew(client, answer["access_token"])).status_code == 422
    renewed = await renew(client, answer["refresh_token"])
    assert (await who(client, renewed.json()["access_token"])).status_code == 200
