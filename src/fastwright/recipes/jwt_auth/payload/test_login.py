"""Logging in: who gets a token, who does not, and what a token is good for."""

import importlib
import threading
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from .moving import address
from .test_rows import FORM, HASH, LOGIN, VERIFY, Rows, sign_in


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
    assert (await sign_in(client, login, HASH)).status_code == 401
    unknown = await sign_in(client, f"{uuid4().hex}@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    for answer in (wrong, unknown):
        assert answer.headers.get("www-authenticate") == "Bearer"


def verifications(patch: pytest.MonkeyPatch) -> list[str]:
    """The pool of each thread that has verified a password from now on."""
    hashes = type(vars(importlib.import_module("placeholder.passwords"))["_hashes"])
    pools: list[str] = []

    def noting(verify: Any) -> Any:
        def noted(self: Any, password: str, stored: str) -> Any:
            found = verify(self, password, stored)
            pools.append(threading.current_thread().name.partition("_")[0])
            return found

        return noted

    for name in {VERIFY, "verify"}:
        patch.setattr(hashes, name, noting(getattr(hashes, name)))
    return pools


async def test_every_login_verifies_once(
    client: AsyncClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody learns from the time of an answer which accounts there are, or waits for another's."""
    login, broken = await rows.add(), await rows.add("$argon2-broken")
    verified = verifications(monkeypatch)
    for name in (login, broken, f"{uuid4().hex}@example.com"):
        verified.clear()
        assert (await sign_in(client, name, "not the password")).status_code == 401
        assert verified == ["passwords"]


async def test_a_broken_hash_opens_nothing(client: AsyncClient, rows: Rows) -> None:
    """Where no password can be compared with what is stored, none is right, and nothing breaks."""
    login = await rows.add("$argon2-broken")
    assert (await sign_in(client, login)).status_code == 401
    await rows.change_hash(login, "$2b$12$broken")
    assert (await sign_in(client, login)).status_code == 401


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


@pytest.mark.parametrize("text", ["x" * 1_000_000, "with\x00nul"], ids=["megabyte", "nul"])
async def test_what_is_no_password_costs_nothing(
    client: AsyncClient, rows: Rows, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """What cannot be a password or a login is a wrong one, and nothing is hashed for it."""
    login = await rows.add()
    verified = verifications(monkeypatch)
    assert (await sign_in(client, login, text)).status_code == 401
    assert (await sign_in(client, text)).status_code == 401
    assert verified == []


async def test_a_login_is_no_piece_of_sql(client: AsyncClient, rows: Rows) -> None:
    """What looks like SQL is a name that nobody has, and a password that is wrong."""
    login, sql = await rows.add(), "' OR '1'='1"
    assert (await sign_in(client, login, sql)).status_code == 401
    assert (await sign_in(client, sql)).status_code == 401


async def test_a_body_that_is_no_form_is_refused(client: AsyncClient, rows: Rows) -> None:
    """A body that cannot be read is the caller's fault, and no more than that."""
    await rows.add()
    for body in (b"", b'{"username": NaN}', b"\xff\xfe", b"username=%00"):
        answer = await client.post(address(client, LOGIN), content=body, headers=FORM)
        assert 400 <= answer.status_code < 500
