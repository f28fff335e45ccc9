"""Logging in: who gets a token, who does not, and what a token is good for."""

import importlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import AsyncClient
from starlette.routing import Mount

from .moving import address
from .rows_app import rows_app

LOGIN = "/auth/login"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ME = "/auth/me"  # when: me
REFRESH = "/auth/refresh"  # when: refresh
LOGOUT = "/auth/logout"  # when: logout
MOUNT = "/rows-of-the-login-tests"
ROWS = f"{MOUNT}/row"  # when: not-based
ROWS = f"http://testserver{MOUNT}/row"  # when: based
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
# Hashes of PASSWORD: as new ones are made, and as they were stored before.
HASH = (  # when: not-keep
    "$argon2id$v=19$m=65536,t=3,p=4$+Q318JRSBBjdXdi5P+fg5Q"  # when: not-keep
    "$h0SB8mFq0sKeQYWjOYfTLbMNL+JeKbOhNxdDrKgTEAs"  # when: not-keep
)  # when: not-keep
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
        self.mounts: list[Mount] = []

    def open(self) -> None:
        """Serve the table's rows to these tests, beside the app's own routes."""
        app, routes = app_of(self.client), rows_app()
        routes.dependency_overrides = app.dependency_overrides
        routes.state = app.state
        self.mounts.append(Mount(MOUNT, routes))
        app.router.routes.insert(0, self.mounts[-1])

    async def add(self, stored: str = HASH, *, active: bool = True) -> str:
        """A new account with that password hash: what it logs in with."""
        probe = await self.client.post(address(self.client, LOGIN))
        assert probe.status_code not in (404, 405), f"there is no POST {LOGIN}"
        if not self.mounts:
            self.open()
        self.limit("BY_ADDRESS", burst=100)
        login = f"{uuid4().hex[:16]}@example.com"
        row = {"login": login, "stored": stored, "active": active}
        assert (await self.client.post(ROWS, json=row)).status_code == 200
        self.logins.append(login)
        return login

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
    table = Rows(client, monkeypatch)
    yield table
    await table.remove()


def app_of(client: AsyncClient) -> Any:
    """The app that `client` talks to."""
    return client._transport.app  # type: ignore[attr-defined]  # when: async-client
    return client.app  # when: sync-client


async def sign_in(client: AsyncClient, login: str, password: str = PASSWORD) -> Any:
    """The answer to one login."""
    form = {"username": login, "password": password}
    return await client.post(address(client, LOGIN), data=form, headers=FORM)


async def test_a_login_gives_a_token(client: AsyncClient, rows: Rows) -> None:
    """The right password is exchanged for a bearer token that nobody may cache."""
    login = await rows.add()
    answer = await sign_in(client, login)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] > 0
    assert answer.headers.get("cache-control") == "no-store"
    assert await rows.hash_of(login) not in answer.text


async def test_wrong_and_unknown_are_alike(client: AsyncClient, rows: Rows) -> None:
    """Nobody learns from an answer which accounts there are."""
    login = await rows.add()
    wrong = await sign_in(client, login, "not the password")
    unknown = await sign_in(client, f"{uuid4().hex}@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    for answer in (wrong, unknown):
        assert answer.headers.get("www-authenticate") == "Bearer"


async def test_every_login_verifies_once(
    client: AsyncClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody learns from the time of an answer which accounts there are."""
    login = await rows.add()
    hashes = importlib.import_module("placeholder.passwords").PasswordHash
    verify, verified = getattr(hashes, VERIFY), []

    def counted(self: Any, password: str, stored: str) -> Any:
        verified.append(stored)
        return verify(self, password, stored)

    monkeypatch.setattr(hashes, VERIFY, counted)
    for name in (login, f"{uuid4().hex}@example.com"):
        verified.clear()
        assert (await sign_in(client, name, "not the password")).status_code == 401
        assert len(verified) == 1


async def test_failures_meet_a_limit(client: AsyncClient, rows: Rows) -> None:
    """Guessing ends: even the right password then has to wait."""
    login = await rows.add()
    rows.limit("BY_ACCOUNT", burst=2)
    for _ in range(2):
        assert (await sign_in(client, login, "not the password")).status_code == 401
    answer = await sign_in(client, login)
    assert answer.status_code == 429
    assert 0 < int(answer.headers.get("retry-after", 0)) <= 60


async def test_an_address_meets_a_limit(client: AsyncClient, rows: Rows) -> None:
    """Trying one password on many accounts ends as well."""
    await rows.add()
    rows.limit("BY_ADDRESS", burst=1)
    assert (await sign_in(client, f"{uuid4().hex}@example.com")).status_code == 401
    assert (await sign_in(client, f"{uuid4().hex}@example.com")).status_code == 429


async def test_successes_are_not_counted(client: AsyncClient, rows: Rows) -> None:
    """Whoever knows the password can log in as often as they like."""
    login = await rows.add()
    rows.limit("BY_ACCOUNT", burst=1)
    for _ in range(2):
        assert (await sign_in(client, login)).status_code == 200


@pytest.mark.parametrize(
    "password",
    ["x" * 1_000_000, "with\x00nul", "' OR '1'='1"],
    ids=["megabyte", "nul", "quotes"],
)
async def test_hostile_passwords_are_wrong(client: AsyncClient, rows: Rows, password: str) -> None:
    """What cannot be a password is a wrong one, and costs nothing."""
    login = await rows.add()
    assert (await sign_in(client, login, password)).status_code == 401
    assert (await sign_in(client, password, PASSWORD)).status_code == 401


async def test_a_body_that_is_no_form_is_refused(client: AsyncClient, rows: Rows) -> None:
    """A body that cannot be read is the caller's fault, and no more than that."""
    await rows.add()
    for body in (b"", b'{"username": NaN}', b"\xff\xfe", b"username=%00"):
        answer = await client.post(address(client, LOGIN), content=body, headers=FORM)
        assert 400 <= answer.status_code < 500
