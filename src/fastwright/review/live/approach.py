"""What attacks need to know of a login that the app has of its own, learnt by going through it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.review.attack import CannotStrike, Needs, Target
from fastwright.review.attacks.assault import Assault, refused
from fastwright.review.live.accounts import account_values
from fastwright.review.live.contract import contract_of, why_none
from fastwright.review.live.credentials import User, cookies_in, json_of
from fastwright.review.live.entrances import find_entrances
from fastwright.review.live.people import People
from fastwright.review.requests import Contract, Ready

_EMAIL, _NAME, _SECRET = "{email}", "{login}", "{password}"
_SOMEBODY = User("somebody", _EMAIL, _NAME)
_MARK = "fw-attack"
_SETTING = re.compile(r"(?i)secret|passw|signing|private|jwt_key|api_?key")
_RENEWS = re.compile(r"(?i)refresh|renew")
_LOGINS = MappingProxyType({True: ("{login}", "fw{n}"), False: ("fw{n}@example.com", "{login}")})
"""What an address and what a user name hold, where people log in by address, and by name."""


@dataclass(frozen=True, slots=True)
class Approach:
    """The way to a login.

    Attributes:
        login: The operation that logs in; empty where none let a user in.
        needs: What attacks on it need to know, tried out: with it an account can be made that
            logs in.
        because: Why there is no way, where there is none.
    """

    login: str = ""
    needs: Needs | None = None
    because: str = ""

    def lacks(self, attack: str) -> str:
        """Why `attack` cannot be tried on this app; empty where nothing is known against it."""
        known = self.needs or {}
        missing = (why for name, why in _ASKED.get(attack, ()) if name not in known)
        return next(missing, "")


_PROTECTED = ("protected", "no operation answers to a token alone")
_TABLE = ("table", "no table of accounts is known")
_ASKED: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "secret-leak": (_PROTECTED,),
        "token-forgery": (_PROTECTED,),
        "token-after-password-change": (_PROTECTED, _TABLE),
        "other-users-token": (_PROTECTED,),
        "refresh-reuse": (_PROTECTED, ("refresh", "no operation renews a login")),
        "open-registration": (("sign_up", "no operation that makes accounts worked"), _TABLE),
        "hostile-bodies": (
            ("bodies", "no operation beside the login takes JSON without a caller"),
        ),
    }
)


def approach(target: Target, app: AppMap) -> Approach:
    """Make a user of a live app and log them in; what was learnt on the way.

    Args:
        target: The app, on a scratch database that may be written to.
        app: Its map, merged with what runs.
    """
    contract = contract_of(target)
    if contract is None:
        return Approach(because=why_none(target))
    people = People(target, app, find_entrances(app, contract), contract)
    user = people.make("attacked")
    if user is None or not people.login:
        nobody = "no user could be made who gets in"
        return Approach(because=": ".join(filter(None, (nobody, people.refusals))))
    scout = _Scout(target, app, people, user, contract)
    needs, because = scout.settled()
    return Approach(people.login, needs, because)


@dataclass(frozen=True, slots=True)
class _Scout:
    """Somebody who is in, and looks around."""

    target: Target
    app: AppMap
    people: People
    user: User
    contract: Contract

    def settled(self) -> tuple[Needs | None, str]:
        """The needs with which a new account logs in; else None, and why not.

        The first with which the token also opens what it should, if any are such.
        """
        because, good = "no account could be made", None
        for needs in self._ways():
            try:
                assault = Assault(self.target, needs)
                token = assault.token(assault.account())
                good = good or needs
                if "protected" in needs:
                    assault.control(token)
            except CannotStrike as error:
                because = error.because
            except FastwrightError as error:
                because = error.because.partition("\n")[0]
            else:
                return needs, ""
        return good, because if good is None else ""

    def _ways(self) -> Iterator[Needs]:
        """Accounts as rows, with the app's own hashing and without; then by its sign-up."""
        login, stored = self._login(), self._stored()
        joining = self._joined(login)
        capability = self.app.capability("auth.password_hash")
        if stored:
            if capability is not None:
                yield {**login, **stored, **joining, "hash_by": capability.symbol}
            yield {**login, **stored, **joining}
        if joining:
            yield {**login, **stored, **joining, "accounts": "sign_up"}

    def _joined(self, login: Needs) -> Mapping[str, str]:
        """The sign-up as it works; empty where it does not."""
        for one in self._joining():
            assault = Assault(self.target, {**login, **one})
            with suppress(CannotStrike):
                assault.signed_up(assault.unknown_login(), assault.doors.password)
                return one
        return {}

    # ------------------------------------------------------------------------------- login

    def _login(self) -> dict[str, str]:
        """How to log in, and what the token that it gives opens."""
        request = self._request
        fields, is_form = _fields(request)
        places = {value: place for place, value in _places(fields)}
        name = places.get(_EMAIL) or places.get(_NAME) or ""
        needs = {
            "login": f"POST {request.path}",
            "encoding": "form" if is_form else "json",
            "login_field": name,
            "password_field": places.get(_SECRET, ""),
            "extra": json.dumps(fields),
            "login_shape": "fw{n}@example.com" if self._by_email else "fw{n}",
            **self._token(),
        }
        protected = self._protected()
        secrets = sorted({s.name for s in self.app.settings if _SETTING.search(s.name)})
        return {
            **needs,
            **({"protected": protected} if protected else {}),
            **({"secrets": ",".join(secrets)} if secrets else {}),
        }

    @property
    def _request(self) -> Ready:
        """A login of somebody, with places for who they are."""
        return self.people.request(self.people.login, _SOMEBODY, _SECRET)

    @property
    def _by_email(self) -> bool:
        return _EMAIL in {value for _, value in _places(_fields(self._request)[0])}

    def _token(self) -> dict[str, str]:
        """Where the token stands in the answer of a login, and how a request carries it."""
        name, value = self.user.headers[0]
        answer = self.people.send(self.people.login, self.user)
        if name == "cookie":
            cookie = value.partition("=")[0]
            return {"token": f"cookie:{cookie}", "carry": f"cookie:{cookie}"}
        told = dict(_places(json_of(answer)))
        place = _ending_in(self.people.token_key, told)
        prefix = value.removesuffix(self.user.token).strip()
        carry = f"header:{name}:{prefix}".rstrip(":") if prefix != "Bearer" else "bearer"
        renews = {p: v for p, v in told.items() if _RENEWS.search(p) and len(v) > 8}
        cookies = {c: v for c, v in cookies_in(answer) if _RENEWS.search(c)}
        return {"token": place, "carry": carry, **self._refresh(renews, cookies)}

    def _refresh(self, told: Mapping[str, str], cookies: Mapping[str, str]) -> dict[str, str]:
        """The operation that renews a login, by the token that the login gave for it."""
        found = [
            f"{m} {p}"
            for m, p in self.contract.operations()
            if _RENEWS.search(p) and m in ("GET", "POST") and "{" not in p
        ]
        if not found or not (told or cookies):
            return {}
        operation = found[0]
        needs = {"refresh": operation, "refresh_token": next(iter(told), "")}
        if cookies and not told:
            name = next(iter(cookies))
            return {**needs, "refresh_token": f"cookie:{name}", "refresh_encoding": "cookie"}
        method, _, path = operation.partition(" ")
        fields, is_form = _fields(self.contract.request(method, path, _marked))
        names = [place for place, value in _places(fields) if value == _MARK]
        if not names:
            return {**needs, "refresh_encoding": "carry"}
        encoding = "form" if is_form else "json"
        return {**needs, "refresh_field": names[0], "refresh_encoding": encoding}

    def _protected(self) -> str:
        """The reading operation that opens to the token alone; best, one that names the user."""
        opened: list[tuple[bool, str]] = []
        for operation in (*self.people.entrances.whoami[:6], *self.people.entrances.guarded[:4]):
            method, _, path = operation.partition(" ")
            if method != "GET" or "{" in path:
                continue
            request = self.contract.request(method, path, lambda _name, _path: None)
            answers = [
                self.target.request("GET", request.path, headers=(*request.headers, *headers))
                for headers in (self.user.headers, ())
            ]
            if 200 <= answers[0].status < 300 and refused(answers[1]):
                name = self.user.email if self._by_email else self.user.login
                opened.append((name.encode() not in answers[0].body, f"GET {request.path}"))
        return min(opened, key=lambda one: one[0])[1] if opened else ""

    # ---------------------------------------------------------------------------- accounts

    def _stored(self) -> dict[str, str]:
        """The table of accounts, and what a row of it holds; empty where that is not known."""
        people, table = self.people, self.people.table
        columns = [c for c in people.login_columns if ("mail" in c) is self._by_email]
        if table is None or not people.key or not people.secret_column or not columns:
            return {}
        values = account_values(table, _SOMEBODY, "")
        further = {
            name: self._named(value)
            for name, value in values.items()
            if name not in (columns[0], people.secret_column)
        }
        secret = table.column(people.secret_column)
        return {
            "table": table.name,
            "login_column": columns[0],
            "hash_column": secret.name if secret else people.secret_column,
            "key_column": people.key,
            "columns": json.dumps(further),
        }

    def _joining(self) -> Iterator[dict[str, str]]:
        """The sign-up with its body: what it requires, else all that it takes."""
        doors = (self.people.sign_up_door,) if self.people.sign_up_door else ()
        for operation in doors or self.people.entrances.sign_ups[:1]:
            for contract in (self.contract, replace(self.contract, full=True)):
                request = self.people.request(operation, _SOMEBODY, _SECRET, contract)
                body, is_form = _fields(request)
                if not is_form and body:
                    own = self._named(body)
                    renewing = self._renewing()
                    yield {
                        "sign_up": f"POST {request.path}",
                        "sign_up_body": json.dumps(own),
                        "bodies": json.dumps({f"POST {request.path}": own, **renewing}),
                    }

    def _renewing(self) -> Mapping[str, Any]:
        """The body of the operation that renews a login, where it takes JSON."""
        for method, path in self.contract.operations():
            if method == "POST" and _RENEWS.search(path) and "{" not in path:
                fields, is_form = _fields(self.contract.request(method, path, _marked))
                if fields and not is_form:
                    return {f"{method} {path}": _filled(fields, {_MARK: "token-{n}"})}
        return {}

    def _named(self, value: Any) -> Any:
        """`value` with the places of an address and of a user name as attacks fill them."""
        email, name = _LOGINS[self._by_email]
        return _filled(value, {_EMAIL: email, _NAME: name})


def _fields(request: Ready) -> tuple[dict[str, Any], bool]:
    """The fields of a request's body, and whether they are sent as a form."""
    kind = dict(request.headers).get("content-type", "")
    if "urlencoded" in kind:
        return dict(parse_qsl(request.body.decode())), True
    try:
        told = json.loads(request.body or b"{}")
    except ValueError:
        told = {}
    return (told if isinstance(told, dict) else {}), False


def _places(value: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Each text in nested objects with its dotted place."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str):
            yield f"{above}{name}", inner
        else:
            yield from _places(inner, f"{above}{name}.")


def _ending_in(key: str, told: Mapping[str, str]) -> str:
    """The place whose last part is `key`."""
    return next((place for place in told if place.rpartition(".")[2] == key), key)


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, given) for name, inner in value.items()}
    return given.get(value, value) if isinstance(value, str) else value


def _marked(name: str, _path: str) -> str | None:
    """A mark in the field that asks for the token to renew by."""
    return _MARK if re.search(r"(?i)refresh|token", name) else None
