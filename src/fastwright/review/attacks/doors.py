"""What an attack on a login needs to know of it, read from a promise's plain strings.

========================  =============================  ==========================================
key                       default                        meaning
========================  =============================  ==========================================
``login``                 (required)                     operation: ``POST /auth/login``
``encoding``              ``form``                       ``form`` or ``json``
``login_field``           ``username``                   field that names the account; in JSON a
                                                         dotted place, ``user.email``
``password_field``        ``password``                   likewise
``extra``                 ``{}``                         JSON object of further fields
``token``                 ``access_token``               dotted place in the answer, or
                                                         ``cookie:name``
``carry``                 ``bearer``                     how a request carries it: ``bearer``,
                                                         ``header:Name``, ``header:Name:Prefix``,
                                                         ``cookie:name``
``protected``             (most attacks)                 operation that asks for the token and says
                                                         who is calling: ``GET /auth/me``
``table``                                                table of accounts, to put rows in
``login_column``          the login field                column that names the account
``hash_column``           ``password_hash``              column of the stored hash
``key_column``            ``id``
``columns``               ``{}``                         JSON object of further columns, with
                                                         ``{n}`` in it
``hash``                  what the app has               ``argon2``, ``bcrypt`` or ``pbkdf2``
``hash_by``                                              dotted function or hasher of the app's own
                                                         that makes the hash, instead of ``hash``
``sign_up``                                              operation that makes an account, where
                                                         there is no ``table``
``sign_up_body``                                         its JSON body, with ``{login}`` and
                                                         ``{password}`` in it
``accounts``              ``table`` where there is one   ``sign_up``: accounts are made by it though
                                                         there is a ``table``
``bodies``              ``{}``                         JSON object: operations that take JSON, and a
                                                         body of each, with ``{login}``,
                                                         ``{password}`` and ``{n}`` in it
``login_shape``           ``fw{n}@example.com``          login names to use; ``{n}`` is replaced
``password``              a long one                     the password to use
``refresh``                                              operation: ``POST /auth/refresh``
``refresh_token``         ``refresh_token``              its place in the answer of a login
``refresh_field``         ``refresh_token``              the field to send it in
``refresh_encoding``      ``json``                       ``json``, ``form``, ``cookie`` or
                                                         ``carry``: as an access token is
``tries``                 ``30``                         failed logins within which 429 must come
``secrets``                                              settings (environment variables, by comma)
                                                         whose values no answer may hold
``clocks``                                               ``yes`` to measure times as well
========================  =============================  ==========================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastwright.review.attack import CannotStrike, Needs

PASSWORD = "Fw-attack-password-7"  # noqa: S105 - of accounts that live in a scratch database


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and a path, as in ``POST /auth/login``."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @classmethod
    def read(cls, text: str) -> Operation:
        """From its text.

        Raises:
            CannotStrike: It is not of that form.
        """
        method, _, path = text.strip().partition(" ")
        if not path.startswith("/"):
            raise CannotStrike(f"`{text}` is not a method and a path")
        return cls(method.upper(), path)


@dataclass(frozen=True, slots=True)
class Doors:
    """The needs of an attack, with their defaults."""

    needs: Needs

    def __getitem__(self, name: str) -> str:
        """The need `name`, which the attack cannot do without."""
        if not self.needs.get(name):
            raise CannotStrike(f"the attack needs to know `{name}`")
        return self.needs[name]

    def get(self, name: str, default: str = "") -> str:
        """The need `name`, else `default`."""
        return self.needs.get(name) or default

    def operation(self, name: str) -> Operation:
        """The operation called `name`."""
        return Operation.read(self[name])

    def mapping(self, name: str) -> Mapping[str, Any]:
        """The JSON object called `name`; empty where there is none."""
        return _object(name, self.get(name, "{}"))

    @property
    def password(self) -> str:
        """The right password of accounts that an attack makes."""
        return self.get("password", PASSWORD)

    @property
    def tries(self) -> int:
        """Failed logins within which a limit must be met."""
        return int(self.get("tries", "30"))

    def credentials(self, login: str, password: str) -> dict[str, Any]:
        """The fields of a login request."""
        fields = dict(self.mapping("extra"))
        is_json = self.get("encoding", "form") == "json"
        for place, value in ((self.login_field, login), (self.password_field, password)):
            _put(fields, place.split(".") if is_json else [place], value)
        return fields

    @property
    def login_field(self) -> str:
        """The field of a login request that names the account."""
        return self.get("login_field", "username")

    @property
    def password_field(self) -> str:
        """The field of a login request that holds the password."""
        return self.get("password_field", "password")

    def carried(self, token: str) -> tuple[tuple[str, str], ...]:
        """The headers that a request carries `token` in."""
        kind, _, name = self.get("carry", "bearer").partition(":")
        if kind == "cookie":
            return (("cookie", f"{name}={token}"),)
        if kind == "header":
            header, _, prefix = name.partition(":")
            return ((header.lower(), f"{prefix} {token}".strip()),)
        return (("authorization", f"Bearer {token}"),)


def _put(fields: dict[str, Any], place: Sequence[str], value: str) -> None:
    """Put `value` at a place in nested objects, each made where it is not there; others stay."""
    for part in place[:-1]:
        inner = fields.get(part)
        fields[part] = dict(inner) if isinstance(inner, dict) else {}
        fields = fields[part]
    fields[place[-1]] = value


def _object(name: str, text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CannotStrike(f"`{name}` is not a JSON object")
    return value


def found_at(place: str, value: Any) -> str | None:
    """The text at a dotted `place` in JSON, None where there is none."""
    for part in place.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
