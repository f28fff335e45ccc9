"""Roles, for tests."""

import importlib
from typing import Any

from fastapi import Depends, FastAPI

from .host import Account, SessionDep, select


def doors_app() -> FastAPI:
    """A route for one role alone, and one that gives it, for these tests alone."""
    from .user_model import User as Account  # when: new-users

    try:
        roles = importlib.import_module("placeholder.roles")
    except ModuleNotFoundError:
        roles = None
    assert hasattr(roles, "require_role"), "nothing asks for a role"
    guard = roles.require_role("granted-role")
    routes = FastAPI()

    @routes.get("/door", dependencies=[Depends(guard)])
    async def door() -> str:
        return "open"

    @routes.put("/role")
    async def grant(session: SessionDep, row: dict[str, Any]) -> None:
        wanted = select(Account).where(Account.login_name == row["login"])
        account = (await session.execute(wanted)).scalars().one()
        account.role_name = "granted-role"
        await session.commit()

    return routes
