"""Renewing a login."""

from typing import Any

import pytest
from httpx import AsyncClient

from .moving import address
from .test_rows import HASH, REFRESH, Rows, sign_in


async def renew(client: AsyncClient, token: str) -> Any:
    """The answer to one refresh."""
    return await client.post(address(client, REFRESH), json={"refresh_token": token})


async def test_a_refresh_token_is_exchanged_once(client: AsyncClient, rows: Rows) -> None:
    """Each refresh gives another token; using one twice ends the whole login."""
    login = await rows.add()
    first = (await sign_in(client, login)).json()["refresh_token"]
    elsewhere = (await sign_in(client, login)).json()["refresh_token"]
    answer = await renew(client, first)
    assert answer.status_code == 200
    second = answer.json()["refresh_token"]
    assert second != first
    assert (await renew(client, first)).status_code == 401
    assert (await renew(client, second)).status_code == 401
    assert (await renew(client, elsewhere)).status_code == 200


async def test_a_changed_password_ends_refreshing(client: AsyncClient, rows: Rows) -> None:
    """A login ends with the password that it was made with."""
    login = await rows.add()
    token = (await sign_in(client, login)).json()["refresh_token"]
    await rows.change_hash(login, HASH[:-4] + "AAAA")
    assert (await renew(client, token)).status_code == 401


async def test_an_unknown_refresh_token_is_refused(client: AsyncClient, rows: Rows) -> None:
    """What was never given out renews nothing."""
    await rows.add()
    for token in ("unknown", "\u00fc", "with\x00a nul"):
        assert (await renew(client, token)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"refresh_token": NaN}', id="nan"),
        pytest.param(b'{"refresh_token": "\\ud800"}', id="half a pair"),
        pytest.param(b'{"refresh_token": ["x"]}', id="list"),
        pytest.param(b'{"refresh_token": "' + b"x" * 1_000_000 + b'"}', id="megabyte"),
        pytest.param(b"NaN", id="no object"),
    ],
)
async def test_an_odd_refresh_is_refused(client: AsyncClient, rows: Rows, body: bytes) -> None:
    """A body that holds no refresh token is the caller's fault, and no more than that."""
    await rows.add()
    headers = {"Content-Type": "application/json"}
    answer = await client.post(address(client, REFRESH), content=body, headers=headers)
    assert answer.status_code == 422
