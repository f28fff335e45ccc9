"""The user table, for tests."""

from typing import Any

from fastapi import FastAPI

from .host import Account, SessionDep, select


def rows_app() -> FastAPI:
    """Routes over the user table, for these tests alone."""
    from .user_model import User as Account  # when: new-users

    routes = FastAPI()

    async def account_of(session: Any, login: str) -> Any:
        wanted = select(Account).where(Account.login_name == login)
        return (await session.execute(wanted)).scalars().one()

    @routes.post("/row")
    async def add(session: SessionDep, row: dict[str, Any]) -> None:
        login, active = row["login"], row["active"]  # when: active
        login = row["login"]  # when: not-active
        account = Account(
            login_name=login,
            stored_hash=row["stored"],
            is_enabled=active,  # when: active
            required_columns=None,  # when: required
        )
        session.add(account)
        await session.commit()

    @routes.put("/row")
    async def change(session: SessionDep, row: dict[str, Any]) -> None:
        account = await account_of(session, row["login"])
        account.stored_hash = row["stored"]
        await session.commit()

    @routes.get("/row")
    async def read(session: SessionDep, login: str) -> str:
        account = await account_of(session, login)
        await session.refresh(account)
        return str(account.stored_hash)

    @routes.delete("/row")
    async def remove(session: SessionDep, login: str) -> None:
        await session.delete(await account_of(session, login))
        await session.commit()

    return routes
