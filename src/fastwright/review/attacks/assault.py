"""One attack in progress: accounts, logins and calls on a live app, all of them noted."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fastwright.model.errors import FastwrightError
from fastwright.review.attack import Answer, CannotStrike, Client, Headers, Needs, Strike, Target
from fastwright.review.attacks.doors import Doors, Operation, found_at
from fastwright.review.attacks.notes import Notes
from fastwright.review.attacks.probes import cheapening, hashing, own_hashing, reading, rows

MOST_TOLD = 4
"""Of requests that end alike, how many a verdict names."""

_NUMBER = 'next(modules.setdefault("fastwright_numbers", __import__("itertools").count(1)))'
_PROCESS = '__import__("os").getpid()'


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in; `key` is the primary key where the account was put in as a row."""

    login: str
    password: str
    key: Any = None


class Assault:
    """A live app, what is known of its login, and the notes.

    Every call comes from an address of its own unless one is given, so that a limit for each
    address is met only by the attack that looks for it.
    """

    def __init__(self, target: Target, needs: Needs) -> None:
        self.target = target
        self.doors = Doors(needs)
        self.notes = Notes()
        self._numbers = itertools.count(1)
        self._hashes: dict[str, str] = {}

    # ------------------------------------------------------------------------------ verdict

    def held(self, because: str) -> Strike:
        """The app withstood everything."""
        return Strike(True, because, self.notes.evidence())

    def struck(self, because: str) -> Strike:
        """The app gave way."""
        return Strike(False, self.notes.mask(because), self.notes.evidence())

    def cannot(self, because: str) -> CannotStrike:
        """The attack could not be carried out: to be raised."""
        return CannotStrike(self.notes.mask(because), self.notes.evidence())

    # ----------------------------------------------------------------------------- accounts

    def account(self, password: str | None = None) -> Account:
        """A new account that can log in.

        Raises:
            CannotStrike: Neither a table nor a sign-up is known, or the app refused.
        """
        secret = password or self.doors.password
        self.notes.hide(secret)
        login = self.unknown_login()
        if self.doors.get("table") and self.doors.get("accounts") != "sign_up":
            return self._put_in(login, secret)
        return self.signed_up(login, secret)

    def unknown_login(self) -> str:
        """A login name that no account has."""
        shape = self.doors.get("login_shape", "fw{n}@example.com")
        return shape.replace("{n}", self._unmet())

    def _unmet(self) -> str:
        """What no other attack on the same databases has used."""
        process, number = self.target.evaluate(_PROCESS), self.target.evaluate(_NUMBER)
        return f"{process}x{number}"

    def _put_in(self, login: str, password: str) -> Account:
        values = {self.login_column: login, self.hash_column: self.hash_of(password)}
        further = self.filled(self.doors.mapping("columns"), login=login)
        row = self.target.seed(self.doors["table"], **{**further, **values})
        return Account(login, password, row.get(self.key_column))

    def signed_up(self, login: str, password: str) -> Account:
        """A new account, made by the app's own sign-up.

        Raises:
            CannotStrike: No sign-up is known, or the app refused.
        """
        operation = self.doors.operation("sign_up")
        self.notes.hide(password)
        body = json.loads(self.doors["sign_up_body"])
        fields = self.filled(body, login=login, password=password)
        answer = self.target.request(
            operation.method, operation.path, json=fields, client=self.address()
        )
        self.notes.exchange("sign up", operation, answer)
        if not is_done(answer):
            raise self.cannot(f"{operation} answered {answer.status}: no account could be made")
        key = self.row_of(login).get(self.key_column)
        return Account(login, password, int(key) if key and key.isdigit() else key)

    def row_of(self, login: str) -> Mapping[str, str | None]:
        """The row of the account that `login` names; empty where it is not found."""
        if not self.doors.get("table"):
            return {}
        try:
            found = self.probe(
                reading, table=self.doors["table"], column=self.login_column, value=login
            )
        except FastwrightError:  # an app may have tables that SQLAlchemy does not know of
            return {}
        return dict(found or {})

    def filled(
        self, fields: Mapping[str, Any], *, login: str = "", password: str = ""
    ) -> Mapping[str, Any]:
        """A body with ``{login}``, ``{password}`` and ``{n}`` in its texts replaced.

        ``{n}`` is a number of its own; a login that is not given is one that no account has.
        """
        given = {
            "{login}": login or self.unknown_login(),
            "{password}": password or self.doors.password,
            "{n}": self._unmet(),
        }
        return {name: _with(value, given) for name, value in fields.items()}

    @property
    def login_column(self) -> str:
        """The column that names an account."""
        return self.doors.get("login_column", self.doors.login_field)

    @property
    def hash_column(self) -> str:
        """The column of the stored hash."""
        return self.doors.get("hash_column", "password_hash")

    @property
    def key_column(self) -> str:
        """The primary key of the accounts' table."""
        return self.doors.get("key_column", "id")

    def hash_of(self, password: str) -> str:
        """A hash of `password` that the app can verify."""
        if password not in self._hashes:
            own = self.doors.get("hash_by")
            if own:
                made = self.probe(own_hashing, symbol=own, password=password)
            else:
                made = self.probe(hashing, password=password, scheme=self.doors.get("hash"))
            self._hashes[password] = str(made)
            self.notes.hide(str(made))
        return self._hashes[password]

    def hash_quickly(self) -> None:
        """Have the app hash with little work from now on, for an attack of many attempts.

        Whatever is hashed is verified as before; no attack that reads a clock may ask for this.
        """
        self.probe(cheapening)

    def set_password(self, account: Account, password: str) -> None:
        """Give an account that was put in as a row another password.

        Raises:
            CannotStrike: The row could not be found again.
        """
        self.notes.hide(password)
        if account.key is None:
            raise self.cannot("the account's row is not known, so its password cannot be changed")
        changed = self.probe(
            rows,
            table=self.doors["table"],
            key_column=self.key_column,
            key=account.key,
            column=self.hash_column,
            value=self.hash_of(password),
        )
        if changed != 1:
            raise self.cannot(f"changing the password changed {changed} rows")

    # -------------------------------------------------------------------------------- calls

    def address(self) -> Client:
        """An address that nothing has come from yet."""
        number = next(self._numbers)
        return (f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}", 40000)

    def log_in(
        self,
        login: str,
        password: str,
        *,
        what: str = "",
        client: Client | None = None,
        headers: Headers = (),
    ) -> Answer:
        """Try to log in; `what` is noted, and nothing where it is empty."""
        operation = self.doors.operation("login")
        answer = self.send(
            operation,
            self.doors.credentials(login, password),
            encoding=self.doors.get("encoding", "form"),
            client=client,
            headers=headers,
        )
        self.notes.hide(self.token_in(answer), self.token_in(answer, "refresh_token"))
        if what:
            self.notes.exchange(what, operation, answer)
        return answer

    def send(
        self,
        operation: Operation,
        fields: Mapping[str, Any],
        *,
        encoding: str,
        client: Client | None = None,
        headers: Headers = (),
    ) -> Answer:
        """Send `fields` as a form or as JSON."""
        form = {name: str(value) for name, value in fields.items()} if encoding == "form" else None
        return self.target.request(
            operation.method,
            operation.path,
            headers=headers,
            form=form,
            json=None if form is not None else dict(fields),
            client=client or self.address(),
        )

    def token_in(self, answer: Answer, name: str = "token") -> str | None:
        """The token that an answer gives; `name` is the need that says where it stands."""
        place = self.doors.get(name, "access_token" if name == "token" else name)
        if place.startswith("cookie:"):
            return _cookie(answer, place.removeprefix("cookie:"))
        try:
            return found_at(place, json.loads(answer.body))
        except ValueError:
            return None

    def lets_in(self, answer: Answer) -> bool:
        """Whether an answer of the login gives a token: some say 200 and refuse all the same."""
        return answer.status < 400 and self.token_in(answer) is not None

    def token(self, account: Account, what: str = "right password") -> str:
        """The token of a login that works: without it no attack proves anything.

        Raises:
            CannotStrike: The login did not give one.
        """
        answer = self.log_in(account.login, account.password, what=what)
        token = self.token_in(answer)
        if not 200 <= answer.status < 300 or token is None:
            raise self.cannot(f"a login with the right password was answered {answer.status}")
        return token

    def call(self, token: str | None, what: str) -> Answer:
        """Call the protected operation with `token`, or without any."""
        operation = self.doors.operation("protected")
        headers = self.doors.carried(token) if token is not None else ()
        self.notes.hide(token)
        answer = self.target.request(
            operation.method, operation.path, headers=headers, client=self.address()
        )
        self.notes.exchange(what, operation, answer)
        return answer

    def believes(self, token: str, what: str) -> bool:
        """Whether the protected operation does what it is asked with `token`.

        Raises:
            CannotStrike: It failed, which says neither.
        """
        answer = self.call(token, what)
        self.judge(answer, what)
        return is_done(answer)

    def judge(self, answer: Answer, what: str) -> None:
        """Nothing where an answer says yes or no.

        Raises:
            CannotStrike: The app failed: whether it would have refused is not known.
        """
        if failed(answer):
            raise self.cannot(f"{what} is answered {answer.status}, which is no refusal")

    def control(self, token: str) -> None:
        """The protected operation answers to a true token, and not to none.

        Raises:
            CannotStrike: It does not, so that a refusal of a false one would prove nothing.
        """
        if not 200 <= self.call(token, "a true token").status < 300:
            raise self.cannot(f"{self.doors['protected']} does not answer to a true token")
        if not refused(self.call(None, "no token")):
            raise self.cannot(f"{self.doors['protected']} answers without a token")

    # ------------------------------------------------------------------------------- probes

    def probe(self, module: ModuleType, **arguments: Any) -> Any:
        """Run a probe's last function in the app's process."""
        return self.target.evaluate(inspect.getsource(module), **arguments)

    @contextmanager
    def watching(self, module: ModuleType) -> Iterator[None]:
        """A probe at work, from ``start`` to ``stop``."""
        self.probe(module, action="start")
        try:
            yield
        finally:
            self.probe(module, action="stop")


def refused(answer: Answer) -> bool:
    """The answer turns the caller away: 401 or 403, or a redirection to a login page."""
    return answer.status in (401, 403, 302, 303, 307)


def failed(answer: Answer) -> bool:
    """The app broke, or gave no answer: it neither did what was asked nor turned anybody away."""
    return not 200 <= answer.status < 500


def is_done(answer: Answer) -> bool:
    """The app did what it was asked for."""
    return 200 <= answer.status < 300


def several(told: Sequence[str]) -> str:
    """The first of what is `told`, and how many more there are: the notes have all of it."""
    more = len(told) - MOST_TOLD
    shown = ", ".join(told[:MOST_TOLD])
    return f"{shown} and {more} more" if more > 0 else shown


def says_when(answer: Answer) -> bool:
    """The answer says after how many seconds to try again."""
    wait = dict(answer.headers).get("retry-after", "")
    return wait.isdigit() and int(wait) > 0


def _with(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in given.items():
            value = value.replace(name, text)
    if isinstance(value, dict):
        return {name: _with(inner, given) for name, inner in value.items()}
    return value


def _cookie(answer: Answer, name: str) -> str | None:
    for header, value in answer.headers:
        if header == "set-cookie" and value.startswith(f"{name}="):
            return value.partition("=")[2].partition(";")[0] or None
    return None
