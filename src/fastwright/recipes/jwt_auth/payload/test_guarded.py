"""What a token is good for, by the route that says who is logged in."""

import importlib
import time
from typing import Any

from httpx import AsyncClient

from .moving import address
from .test_rows import FORGERIES, HASH, ME, OTHER_KEY, Rows, sign_in


async def who(client: AsyncClient, token: str | None) -> Any:
    """The answer to asking who is logged in."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await client.get(address(client, ME), headers=headers)


def forged(kind: str, token: str) -> str:
    """`token` with one thing about it changed."""
    import jwt

    key = importlib.import_module("placeholder.tokens").signing_key()
    claims = jwt.decode(token, options={"verify_signature": False})
    now = int(time.time())
    if kind == "unsigned":
        return jwt.encode(claims, None, algorithm="none")
    if kind == "changed":
        other = jwt.encode({**claims, "jti": "another"}, OTHER_KEY, algorithm="HS256")
        return other.rpartition(".")[0] + "." + token.rpartition(".")[2]
    changes: dict[str, Any] = {
        "another key": {},
        "expired": {"iat": now - 7200, "exp": now - 3600},
        "another audience": {"aud": "another"},
        "another issuer": {"iss": "another"},
        "no expiry": {},
    }
    claims.update(changes[kind])
    if kind == "no expiry":
        del claims["exp"]
    key = OTHER_KEY if kind == "another key" else key
    return jwt.encode(claims, key, algorithm="HS256")


async def test_a_token_says_who_is_calling(client: AsyncClient, rows: Rows) -> None:
    """The token of a login opens what is guarded, as the account that logged in."""
    login = await rows.add()
    token = (await sign_in(client, login)).json()["access_token"]
    me = await who(client, token)
    assert me.status_code == 200
    assert me.json()["login_name"] == login
    assert await rows.hash_of(login) not in me.text


async def test_no_token_is_refused(client: AsyncClient, rows: Rows) -> None:
    """Without a token there is nobody."""
    await rows.add()
    answer = await who(client, None)
    assert answer.status_code == 401
    assert answer.headers.get("www-authenticate") == "Bearer"


async def test_a_forged_token_is_refused(client: AsyncClient, rows: Rows) -> None:
    """A token holds only as it was issued."""
    token = await rows.token()
    assert (await who(client, token)).status_code == 200
    for kind in FORGERIES:
        answer = await who(client, forged(kind, token))
        assert answer.status_code == 401, kind
        assert answer.headers.get("www-authenticate") == "Bearer"


async def test_garbage_is_no_token(client: AsyncClient, rows: Rows) -> None:
    """A header that holds no token is refused, and nothing breaks."""
    await rows.add()
    for garbage in ("", "a.b.c", "e30.e30.", "x" * 5000):
        assert (await who(client, garbage)).status_code == 401


async def test_a_changed_password_ends_tokens(client: AsyncClient, rows: Rows) -> None:
    """A token is good for no longer than the password that it was issued for."""
    login = await rows.add()
    token = (await sign_in(client, login)).json()["access_token"]
    assert (await who(client, token)).status_code == 200
    await rows.change_hash(login, HASH[:-4] + "AAAA")
    assert (await who(client, token)).status_code == 401
