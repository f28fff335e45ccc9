"""Making an account."""

import importlib
import json
import threading
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from .moving import address
from .test_rows import PASSWORD, REGISTER, Rows, sign_in


def somebody() -> str:
    """A login that nobody has."""
    return f"{uuid4().hex[:8]}@example.com"  # when: email-login
    return f"n{uuid4().hex[:7]}"  # when: other-login


async def register(rows: Rows, login: str, password: Any = PASSWORD, **more: Any) -> Any:
    """The answer to one registration."""
    body = {
        "login_name": login,
        "further": login,  # when: asks-more
        "password": password,
        **more,
    }
    answer = await rows.client.post(address(rows.client, REGISTER), json=body)
    if answer.status_code == 201:
        rows.logins.append(answer.json()["login_name"])
    return answer


async def newcomer(rows: Rows, burst: int = 100) -> str:
    """What somebody new registers with, where `burst` of them may at once."""
    probe = await rows.client.post(address(rows.client, REGISTER))
    assert probe.status_code not in (404, 405), f"there is no POST {REGISTER}"
    rows.open()
    rows.limit("BY_ADDRESS", burst=100)
    rows.limit("REGISTRATIONS", burst=burst)
    return somebody()


async def test_whoever_registers_can_log_in(client: AsyncClient, rows: Rows) -> None:
    """A registration is answered with who it is for, and keeps a hash of the password."""
    login = await newcomer(rows)
    answer = await register(rows, login)
    assert answer.status_code == 201
    assert answer.json()["login_name"] == login
    stored = await rows.hash_of(login)
    assert stored not in answer.text
    assert PASSWORD not in answer.text + stored
    assert (await sign_in(client, login)).status_code == 200


async def test_a_taken_login_is_a_conflict(client: AsyncClient, rows: Rows) -> None:
    """A login belongs to whoever registered it first, and their password stays."""
    login = await newcomer(rows)
    assert (await register(rows, login)).status_code == 201
    assert (await register(rows, login, "another password")).status_code == 409
    assert (await register(rows, login.upper())).status_code == 409
    assert (await sign_in(client, login, "another password")).status_code == 401
    assert (await sign_in(client, login)).status_code == 200


@pytest.mark.parametrize(
    ("password", "status"),
    [
        pytest.param("x" * 11, 422, id="short"),
        pytest.param("x" * 12, 201, id="long enough"),
        pytest.param("é" * 37, 422, id="beyond the hash"),  # when: keep-bcrypt
        pytest.param("x" * 5000, 422, id="too long"),
        pytest.param("with\x00a nul in it", 422, id="nul"),
    ],
)
async def test_a_password_has_limits(rows: Rows, password: str, status: int) -> None:
    """A password is long enough not to be guessed, and short enough to be hashed."""
    answer = await register(rows, await newcomer(rows), password)
    assert answer.status_code == status


async def test_a_password_is_text(rows: Rows) -> None:
    """What is no text is not taken for one."""
    answer = await register(rows, await newcomer(rows), ["x" * 12])
    assert answer.status_code == 422


async def test_registrations_meet_a_limit(rows: Rows) -> None:
    """One address makes a few accounts at once, and no more."""
    login = await newcomer(rows, burst=1)
    assert (await register(rows, login)).status_code == 201
    answer = await register(rows, somebody())
    assert answer.status_code == 429
    assert 0 < int(answer.headers.get("retry-after", 0)) <= 60


async def test_a_password_is_hashed_off_the_event_loop(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registration does not keep other requests waiting."""
    login = await newcomer(rows)
    passwords = importlib.import_module("placeholder.passwords")
    owner, name = type(vars(passwords)["_hashes"]), "hash"  # when: not-keep
    owner, name = passwords.bcrypt, "hashpw"  # when: keep
    hashed, threads = getattr(owner, name), []

    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return hashed(*arguments)

    monkeypatch.setattr(owner, name, noted)
    assert (await register(rows, login)).status_code == 201
    assert [thread.partition("_")[0] for thread in threads] == ["passwords"]


async def test_nobody_chooses_more_than_they_are_asked(rows: Rows) -> None:
    """What else is sent, a key or a power, is not taken."""
    login = await newcomer(rows)
    powers = dict.fromkeys(("is_admin", "is_superuser", "is_staff"), True)
    answer = await register(rows, login, id=987654, role="granted-role", **powers)
    assert answer.status_code == 201
    assert 987654 not in answer.json().values()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(json.dumps({"login_name": float("nan")}).encode(), id="nan login"),
        pytest.param(json.dumps({"password": "\ud800"}).encode(), id="half a pair"),
        pytest.param(b"\xff", id="no utf-8"),
        pytest.param(b"[", id="cut short"),
    ],
)
async def test_an_odd_registration_is_refused(client: AsyncClient, rows: Rows, body: bytes) -> None:
    """A body that cannot be read is the caller's fault, and no more than that."""
    await newcomer(rows)
    headers = {"Content-Type": "application/json"}
    answer = await client.post(address(client, REGISTER), content=body, headers=headers)
    assert 400 <= answer.status_code < 500
