"""Accounts that made themselves."""

from typing import Any

from httpx import AsyncClient

from .doors_app import doors_app
from .test_register import newcomer, register
from .test_roles import at_the_door
from .test_rows import DOORS, Rows


async def test_nobody_registers_with_a_role(rows: Rows) -> None:
    """A role is given by somebody who may, and never chosen."""
    login = await newcomer(rows)
    powers: dict[str, Any] = {"role_name": "granted-role"}
    assert (await register(rows, login, **powers)).status_code == 201
    rows.serve(DOORS, doors_app())
    assert (await at_the_door(rows, login)).status_code == 403
