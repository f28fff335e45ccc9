"""Give somebody a role: ``python -m placeholder.grant_role LOGIN``."""

import asyncio  # when: async
import sys

from .accounts import find_by_login
from .host import Account, make_session


async def grant_role(login: str) -> bool:
    """Make the account of `login` an administrator; false where there is none."""
    async with make_session() as session:
        account = await find_by_login(session, login)
        if account is None:
            return False
        account.role_name = "granted-role"
        await session.commit()
    return True


def main() -> None:
    """Give the role to the account that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m placeholder.grant_role LOGIN")
    found = asyncio.run(grant_role(sys.argv[1]))  # when: async
    found = grant_role(sys.argv[1])  # when: sync
    if not found:
        sys.exit("There is no such account")


if __name__ == "__main__":
    main()
