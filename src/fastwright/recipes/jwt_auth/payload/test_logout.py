"""Ending a login."""

from httpx import AsyncClient

from .moving import address
from .test_refresh import renew
from .test_rows import LOGOUT, Rows, sign_in


async def test_a_logout_ends_refreshing(client: AsyncClient, rows: Rows) -> None:
    """After a logout its refresh token, and those that replaced it, renew nothing."""
    login = await rows.add()
    first = (await sign_in(client, login)).json()["refresh_token"]
    second = (await renew(client, first)).json()["refresh_token"]
    body = {"refresh_token": second}
    answer = await client.post(address(client, LOGOUT), json=body)
    assert answer.status_code == 204
    assert (await renew(client, second)).status_code == 401
    again = await client.post(address(client, LOGOUT), json=body)
    assert again.status_code == 204
