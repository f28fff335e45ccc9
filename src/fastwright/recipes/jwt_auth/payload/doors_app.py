"""Roles, for tests."""

from typing import Any

from fastapi import Depends, FastAPI

from .host import Account, SessionDep, select


def doors_app() -> FastAPI:
    """A route for one role alone, and one that gives it, for these tests alone."""
    from .roles import require_role
    from .user_model import User as Account  # when: new-users

    routes = FastAPI()

    @routes.get("/door", dependencies=[Depends(require_role("granted-role"))])
    async def door() -> str:
        return "open"

    @routes.put("/role")
    async def grant(session: SessionDep, row: dict[str, Any]) -> None:
        wanted = select(Account).where(Account.login_name == row["login"])
        account = (await session.execute(wanted)).scalars().one()
        account.role_name = "granted-role"
        await session.commit()

    return routes
