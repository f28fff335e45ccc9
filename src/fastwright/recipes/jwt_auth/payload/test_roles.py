"""Routes for one role alone."""

from typing import Any

from httpx import AsyncClient

from .doors_app import doors_app
from .test_rows import DOOR, DOORS, Rows, sign_in


async def at_the_door(rows: Rows, login: str | None) -> Any:
    """The answer of a route that is for one role, to the account of `login`."""
    headers = {}
    if login is not None:
        token = (await sign_in(rows.client, login)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
    return await rows.client.get(f"{DOOR}/door", headers=headers)


async def test_a_role_opens_what_asks_for_it(client: AsyncClient, rows: Rows) -> None:
    """Nobody is asked who they are, whoever lacks the role is turned away, and others are not."""
    login, other = await rows.add(), await rows.add()
    rows.serve(DOORS, doors_app())
    nobody = await at_the_door(rows, None)
    assert nobody.status_code == 401
    assert nobody.headers.get("www-authenticate") == "Bearer"
    assert (await at_the_door(rows, login)).status_code == 403
    assert (await client.put(f"{DOOR}/role", json={"login": login})).status_code == 200
    assert (await at_the_door(rows, login)).status_code == 200
    assert (await at_the_door(rows, other)).status_code == 403
