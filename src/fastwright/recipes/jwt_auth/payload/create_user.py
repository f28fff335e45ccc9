"""Create somebody who can log in: ``python -m placeholder.create_user EMAIL``."""

import asyncio  # when: async
import getpass
import sys

from .host import Account, make_session
from .new_password import MIN_PASSWORD_LENGTH, hash_password


async def create_user(login: str, password: str) -> None:
    """A new account, ready to log in."""
    stored = await hash_password(password)
    async with make_session() as session:
        session.add(Account(login_name=login.lower(), stored_hash=stored))
        await session.commit()


def main() -> None:
    """Ask for a password, and create the account that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m placeholder.create_user EMAIL")
    password = getpass.getpass()
    if len(password) < MIN_PASSWORD_LENGTH:
        sys.exit(f"A password has at least {MIN_PASSWORD_LENGTH} characters")
    asyncio.run(create_user(sys.argv[1], password))  # when: async
    create_user(sys.argv[1], password)  # when: sync


if __name__ == "__main__":
    main()
