"""Who calls, and what lets them in: names, passwords, tokens and cookies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastwright.review.attack import Answer, Headers

PASSWORD = "Fw-Review-password-7!"  # noqa: S105 - of accounts that live in a scratch database
_TOKEN_KEYS = ("access_token", "accessToken", "token", "jwt", "id_token", "key")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can call.

    Attributes:
        name: How they are told apart in notes.
        email: Their address; `login` is their user name.
        headers: What their requests carry; empty where nothing lets them in.
        row: Their row, each value as text; empty where it is not known.
        token: Their token, where they have one.
        signed_up: They were made through the app's own sign-up.
    """

    name: str
    email: str
    login: str
    headers: Headers = ()
    row: Mapping[str, str | None] = field(default_factory=dict)
    token: str = ""
    signed_up: bool = False


def credential(name: str, user: User, password: str, *, email: bool) -> str | None:
    """What `user` writes into a field called `name`; None where it asks for no credential."""
    if "password" in name or name in ("pwd", "pass", "repeat", "confirm"):
        return password
    if "mail" in name:
        return user.email
    if name in ("username", "user_name", "login", "name", "nickname", "identifier"):
        return user.email if email else user.login
    return None


def as_stored(value: str | None) -> int | str | None:
    """A key as its column takes it: rows are told as text."""
    return int(value) if value is not None and value.isdigit() else value


def carried(token: str, cookie: str, ways: Iterable[str]) -> Iterator[Headers]:
    """The headers in which a token may travel; `ways` are ``header:prefix``."""
    if cookie:
        yield (("cookie", f"{cookie}={token}"),)
        return
    for way in ways:
        name, _, prefix = way.partition(":")
        yield ((name, f"{prefix}{token}"),)


def basic(user: User) -> Iterator[Headers]:
    """The headers of HTTP's basic authentication, by user name and by address."""
    for name in (user.login, user.email):
        pair = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        yield (("authorization", f"Basic {pair}"),)


def tokens_in(value: Any) -> Iterator[tuple[str, str]]:
    """What may be a token in an answer, with its key, the likeliest first."""
    found = list(_texts(value))
    for key in _TOKEN_KEYS:
        yield from ((name, text) for name, text in found if name == key and len(text) > 8)
    yield from ((n, t) for n, t in found if t.startswith("eyJ") and t.count(".") == 2)


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str):
            yield name, inner
        else:
            yield from _texts(inner)


def cookies_in(answer: Answer) -> Iterator[tuple[str, str]]:
    """The cookies that an answer sets."""
    for header, value in answer.headers:
        if header == "set-cookie" and (pair := value.partition(";")[0]).partition("=")[2]:
            name, _, content = pair.partition("=")
            yield name, content


def json_of(answer: Answer) -> Any:
    """The body of an answer as JSON; None where it is none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return None
