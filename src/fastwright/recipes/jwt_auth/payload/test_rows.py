"""What the tests of a login share: rows of the user table, and a way to log in."""

import importlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx import AsyncClient
from starlette.routing import Mount

from .moving import address
from .rows_app import rows_app

LOGIN = "/auth/login"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ME = "/auth/me"  # when: me
REFRESH = "/auth/refresh"  # when: refresh
LOGOUT = "/auth/logout"  # when: logout
REGISTER = "/auth/register"  # when: registration
MOUNT = "/rows-of-the-login-tests"
ROWS = f"{MOUNT}/row"  # when: not-based
ROWS = f"http://testserver{MOUNT}/row"  # when: based
DOORS = f"{MOUNT}-roles"  # when: roles
DOOR = DOORS  # when: roles
DOOR = f"http://testserver{DOORS}"  # when: based-roles
OTHER_KEY = "another-key-of-48-characters-that-nobody-has-0"  # when: me
FORGERIES = (  # when: me
    "unsigned",  # when: me
    "changed",  # when: me
    "another key",  # when: me
    "expired",  # when: me
    "another audience",  # when: me
    "another issuer",  # when: me
    "no expiry",  # when: me
)  # when: me
PASSWORD = "correct horse battery staple"
# Hashes of PASSWORD: as new ones are made here, and as they were stored before.
LITTLE_WORK = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}  # when: light-argon
ENOUGH_KIB = 19 * 1024  # what OWASP asks of argon2id at the least  # when: own-argon
LITTLE_WORK = {"rounds": 4}  # when: light-bcrypt
HASH = (  # when: light-argon
    "$argon2id$v=19$m=8,t=1,p=1$dnXTYGZiNdHlnsNkI8NErA"  # when: light-argon
    "$/4hN+ed5H+0RXCNCb4hDlgv7TJy27KI3mAWe2lpDGjc"  # when: light-argon
)  # when: light-argon
HASH = "$2b$04$dbwODVtIE1y4JHafWQg1eex0FDX9FioZb25rg0O.0kUAEJZyhqMDq"  # when: light-bcrypt
STORED = "STORED-PLACEHOLDER"  # when: stored-scheme
HASH = STORED  # when: keep
VERIFY = "verify_and_update"
pytestmark = pytest.mark.anyio  # when: anyio
pytestmark = pytest.mark.asyncio  # when: pytest-asyncio


class Rows:
    """Rows of the user table, written and read through the app's own session."""

    def __init__(self, client: AsyncClient, patch: pytest.MonkeyPatch) -> None:
        self.client = client
        self.patch = patch
        self.logins: list[str] = []
        self.decoy = ""
        self.mounts: list[Mount] = []

    def open(self) -> None:
        """Serve the table's rows to these tests, beside the app's own routes."""
        if not self.mounts:
            self.hash_quickly()
            self.serve(MOUNT, rows_app())

    def hash_quickly(self) -> None:
        """Hash with little work, once it is seen that the app itself does the whole of it."""
        passwords = importlib.import_module("placeholder.passwords")
        hashes = passwords._hashes  # when: not-keep
        self.decoy = passwords._decoy
        assert not hashes.current_hasher.check_needs_rehash(self.decoy)  # when: not-keep
        memory = int(self.decoy.partition("m=")[2].partition(",")[0])  # when: own-argon
        assert memory >= ENOUGH_KIB  # when: own-argon
        assert any(one.identify(self.decoy) for one in passwords._hashes.hashers)  # when: keep
        self.patch.setattr(passwords, "_decoy", HASH)
        argon2 = importlib.import_module("pwdlib.hashers.argon2")  # when: light-argon
        quick = argon2.Argon2Hasher(**LITTLE_WORK)  # when: light-argon
        bcrypt = importlib.import_module("pwdlib.hashers.bcrypt")  # when: light-bcrypt
        quick = bcrypt.BcryptHasher(**LITTLE_WORK)  # when: light-bcrypt
        self.patch.setattr(hashes, "hashers", (quick, *hashes.hashers))  # when: not-keep
        self.patch.setattr(hashes, "current_hasher", quick)  # when: not-keep

    def serve(self, path: str, routes: FastAPI) -> None:
        """Serve `routes` at `path`, over the same database."""
        app = app_of(self.client)
        routes.dependency_overrides = app.dependency_overrides
        routes.state = app.state
        self.mounts.append(Mount(path, routes))
        app.router.routes.insert(0, self.mounts[-1])

    async def add(self, stored: str = HASH, *, active: bool = True) -> str:
        """A new account with that password hash: what it logs in with."""
        await self.probe()
        self.open()
        self.limit("BY_ADDRESS", burst=100)
        login = f"{uuid4().hex[:16]}@example.com"
        row = {"login": login, "stored": stored, "active": active}
        assert (await self.client.post(ROWS, json=row)).status_code == 200
        self.logins.append(login)
        return login

    async def probe(self) -> None:
        """Ask for a login: what stands behind all routes may break where there is none."""
        try:
            answer = await self.client.post(address(self.client, LOGIN))
        except Exception as error:
            raise AssertionError(f"nothing answers POST {LOGIN}") from error
        assert answer.status_code not in (404, 405), f"there is no POST {LOGIN}"

    async def change_hash(self, login: str, stored: str) -> None:
        """Set the password hash of an account, as a change of its password does."""
        row = {"login": login, "stored": stored}
        assert (await self.client.put(ROWS, json=row)).status_code == 200

    async def hash_of(self, login: str) -> str:
        """The password hash that an account has now."""
        answer = await self.client.get(ROWS, params={"login": login})
        return str(answer.json())

    async def token(self) -> str:
        """The token of a new account."""
        answer = await sign_in(self.client, await self.add())
        assert answer.status_code == 200
        return str(answer.json()["access_token"])

    def limit(self, name: str, burst: int) -> None:
        """Count from zero, `burst` failures at once."""
        limits = importlib.import_module("placeholder.limits")
        self.patch.setattr(limits, name, limits.Limit(burst=burst, interval=60))

    async def remove(self) -> None:
        """Take away what was added."""
        for login in self.logins:
            await self.client.delete(ROWS, params={"login": login})
        for mount in self.mounts:
            app_of(self.client).router.routes.remove(mount)


@pytest_asyncio.fixture  # when: pytest-asyncio
@pytest.fixture  # when: not-pytest-asyncio
async def rows(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rows]:
    """The user table, reached through the app under test."""
    # The app's own limits count the requests of each test from zero.  # when: limited
    app_of(client).middleware_stack = None  # when: limited
    table = Rows(client, monkeypatch)
    yield table
    await table.remove()
    app_of(client).middleware_stack = None  # when: limited


def app_of(client: AsyncClient) -> Any:
    """The app that `client` talks to."""
    return client._transport.app  # type: ignore[attr-defined]  # when: async-client
    return client.app  # when: sync-client


async def sign_in(client: AsyncClient, login: str, password: str = PASSWORD) -> Any:
    """The answer to one login."""
    form = {"username": login, "password": password}
    return await client.post(address(client, LOGIN), data=form, headers=FORM)
