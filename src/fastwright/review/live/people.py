"""Users of a live app: made as the app makes them where that works, else as rows; logged in."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.model.storage import Table
from fastwright.review.answers import is_secret
from fastwright.review.attack import Answer, Client, Headers, Target
from fastwright.review.attacks.notes import Notes
from fastwright.review.attacks.probes import hashing, minting, own_hashing, reading, rows
from fastwright.review.live.entrances import Entrances
from fastwright.review.ownership import Ownership
from fastwright.review.requests import Contract, Ready

PASSWORD = "Fw-Review-password-7!"  # noqa: S105 - of accounts that live in a scratch database
_LOGIN_COLUMNS = re.compile(r"(?i)^(e_?mail(_address)?|user_?name|login|phone(_number)?)$")
_ON = re.compile(r"(?i)^(is_)?(active|verified|confirmed|enabled|approved|email_verified)$")
_OFF = re.compile(
    r"(?i)^(is_)?(admin|super_?user|staff|disabled|deleted|banned|blocked|locked|root|moderator)$"
)
PRIVILEGES = re.compile(r"(?i)^(is_)?(admin|super_?user|staff|root|moderator)$|^(user_)?role$")
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


class People:
    """Makes users of one live app and logs them in."""

    def __init__(
        self, target: Target, app: AppMap, entrances: Entrances, contract: Contract
    ) -> None:
        self._target = target
        self._app = app
        self.entrances = entrances
        self.notes = Notes()
        self.remarks: dict[str, None] = {}
        self.table: Table | None = Ownership(app).accounts
        self.contract = contract
        self._full = replace(contract, full=True)
        self._carry: str = ""
        self._sign_up = ""
        self.login = ""
        self.token_key = ""
        self._count = 0

    def make(self, name: str) -> User | None:
        """A new user who can call, or None where the app lets nobody in that we can make."""
        self.notes.hide(PASSWORD)
        self._count += 1
        user = User(name, f"fw-{name}-{self._count}@example.com", f"fw{name}{self._count}")
        for make in (self._by_sign_up, self._by_row):
            made = make(user)
            if made is None:
                continue
            entered = self._entered(made)
            if entered is not None:
                return entered
        self.remarks["no user could be made who gets in, so all was called by nobody alone"] = None
        return None

    def promoted(self, user: User) -> User | None:
        """The same user with what the app's accounts call a higher role; None where none is."""
        key, column = self.key, self.privilege
        if self.table is None or key is None or column is None or not user.row.get(key):
            return None
        value = self.highest(column)
        if value is None or self._set(user, column, value) != 1:
            return None
        return self._entered(self._with_row(user))

    # ---------------------------------------------------------------------------- accounts

    @property
    def key(self) -> str | None:
        """The column that tells accounts apart."""
        keys = [c.name for c in self.table.columns if c.primary_key] if self.table else []
        return keys[0] if len(keys) == 1 else None

    @property
    def sign_up_door(self) -> str:
        """The operation that made the accounts; empty where rows were put in."""
        return self._sign_up

    @property
    def login_columns(self) -> list[str]:
        """The columns of accounts that name who logs in."""
        columns = self.table.columns if self.table else ()
        return [c.name for c in columns if _LOGIN_COLUMNS.match(c.attribute)]

    @property
    def privilege(self) -> str | None:
        """The column of accounts that gives more rights."""
        columns = self.table.columns if self.table else ()
        return next((c.name for c in columns if PRIVILEGES.match(c.attribute)), None)

    @property
    def secret_column(self) -> str | None:
        """The column of the password's hash."""
        columns = self.table.columns if self.table else ()
        return next((c.name for c in columns if is_secret(c.attribute)), None)

    def is_unchanged(self, user: User) -> bool:
        """Whether the row of `user` can be found by their name and is what it was."""
        fresh = self._with_row(replace(user, row={}))
        return bool(fresh.row) and fresh.row == user.row

    def row_of(self, user: User) -> Mapping[str, str | None]:
        """The row of `user` as it stands; empty where it cannot be found."""
        return self._with_row(user).row

    def highest(self, column: str) -> object:
        """The value of a privilege column that gives most: True, or a word the guards ask for."""
        found = self.table.column(column) if self.table else None
        if found is None or "role" not in found.attribute:
            return True
        guards = {g.name for r in self._app.routes for g in r.guards if g.role == "permission"}
        spans = [f.span for f in self._app.functions if f.name in guards]
        text = " ".join((*(self._app.text(s) for s in spans), *self._admin_words()))
        words = re.findall(r"\b(super_?admin|admin(?:istrator)?|super_?user|staff|owner)\b", text)
        return words[0] if words else None

    def _admin_words(self) -> Iterator[str]:
        for span in (r.span for r in self._app.routes if r.span is not None):
            yield from re.findall(r"[\"'](?:super)?admin\w*[\"']", self._app.text(span))

    def _set(self, user: User, column: str, value: object) -> int:
        assert self.table is not None
        try:
            key = as_stored(user.row[self.key or ""])
            changed = self.probe(
                rows, table=self.table.name, key_column=self.key, key=key, column=column,
                value=value,
            )  # fmt: skip
            return int(changed)
        except FastwrightError:
            return 0

    def _by_sign_up(self, user: User) -> User | None:
        """Through the app's own door; what keeps the new account out is then set in its row."""
        for operation in (self._sign_up,) if self._sign_up else self.entrances.sign_ups[:3]:
            answer = self._post(operation, user, self.contract)
            if not 200 <= answer.status < 300:
                answer = self._post(operation, user, self._full)
            if 200 <= answer.status < 300:
                self._sign_up = operation
                made = replace(self._with_row(user), signed_up=True)
                for name, value in made.row.items():
                    if _ON.match(name) and value in ("False", "0"):
                        self._set(made, name, True)
                return made
        return None

    def _by_row(self, user: User) -> User | None:
        if self.table is None:
            return None
        values: dict[str, object] = {}
        for column in self.table.columns:
            if _LOGIN_COLUMNS.match(column.attribute):
                values[column.name] = user.email if "mail" in column.name else user.login
            elif is_secret(column.attribute) and "token" not in column.name:
                values[column.name] = self.hash
            elif _ON.match(column.attribute):
                values[column.name] = True
            elif _OFF.match(column.attribute) and "bool" in (column.type or "").lower():
                values[column.name] = False
        try:
            row = self._target.seed(self.table.name, **values)
        except FastwrightError as error:
            because = error.because.partition("\n")[0]
            self.remarks[f"no row could be put into `{self.table.name}`: {because}"] = None
            return None
        return replace(user, row={k: None if v is None else str(v) for k, v in row.items()})

    @cached_property
    def hash(self) -> str:
        """A hash of the password that the app can verify, as far as is known."""
        capability = self._app.capability("auth.password_hash")
        if capability is not None:
            try:
                return str(self.probe(own_hashing, symbol=capability.symbol, password=PASSWORD))
            except FastwrightError:
                pass  # a method of an object that we cannot make: hash as its library would
        try:
            return str(self.probe(hashing, password=PASSWORD, scheme=""))
        except FastwrightError:
            return PASSWORD

    def _with_row(self, user: User) -> User:
        if self.table is None:
            return user
        for column in self.table.columns:
            if _LOGIN_COLUMNS.match(column.attribute):
                value = user.email if "mail" in column.name else user.login
                row = self.found(self.table.name, column.name, value)
                if row:
                    return replace(user, row=row)
        return user

    def found(self, table: str, column: str, value: object) -> Mapping[str, str | None]:
        """The row of `table` where `column` is `value`; empty where it cannot be found."""
        try:
            found = self.probe(reading, table=table, column=column, value=value)
        except FastwrightError:
            return {}
        return found if isinstance(found, dict) else {}

    # ------------------------------------------------------------------------------- entry

    def _entered(self, user: User) -> User | None:
        """`user` with what lets them in, from a login, else from the app's own token function."""
        for token, cookie in (*self._logged_in(user), *self._minted(user)):
            self.notes.hide(token)
            for headers in self._carried(token, cookie):
                if self._gets_in(headers):
                    return replace(user, headers=headers, token="" if cookie else token)
        return None

    def _logged_in(self, user: User) -> Iterator[tuple[str, str]]:
        """Tokens of logins that work, each with the name of its cookie, if it came in one."""
        for operation in (self.login,) if self.login else self.entrances.logins[:3]:
            answer = self._post(operation, user, self.contract)
            if not 200 <= answer.status < 400:
                answer = self._post(operation, replace(user, login=user.email), self.contract)
            if not 200 <= answer.status < 400:
                continue
            for key, token in tokens_in(_json(answer)):
                self.login, self.token_key = operation, key
                yield token, ""
            for name, value in cookies_in(answer):
                self.login = operation
                yield value, name

    def _minted(self, user: User) -> Iterator[tuple[str, str]]:
        """Tokens that the app's own function makes, where no login gave one."""
        key = user.row.get(self.key or "") if user.row else None
        for symbol in self.entrances.token_makers[:3]:
            for subject in filter(None, (key, user.email, user.login)):
                try:
                    token = self.probe(minting, symbol=symbol, subject=subject)
                except FastwrightError:
                    continue
                if token:
                    yield str(token), ""

    def _carried(self, token: str, cookie: str) -> Iterator[Headers]:
        if cookie:
            yield (("cookie", f"{cookie}={token}"),)
            return
        ways = ("authorization:Bearer ", "authorization:Token ", "authorization:",
                *(f"{name.lower()}:" for name in self.entrances.header_names))  # fmt: skip
        for way in (self._carry,) if self._carry else ways:
            name, _, prefix = way.partition(":")
            yield ((name, f"{prefix}{token}"),)

    def _gets_in(self, headers: Headers) -> bool:
        """Whether an operation that asks for a caller answers to these headers, and not to none."""
        for operation in self.entrances.whoami[:4]:
            method, _, path = operation.partition(" ")
            known = self.contract.request(method, path, lambda _name, _path: None)
            if self._ask(method, known, ()).status not in (401, 403, 302, 303, 307):
                continue
            if self._ask(method, known, headers).status not in (401, 403, 302, 303, 307, 0, 500):
                name, value = headers[0]
                prefix = value.partition(" ")[0] + " " if " " in value else ""
                self._carry = self._carry or ("" if name == "cookie" else f"{name}:{prefix}")
                return True
        return False

    def _ask(self, method: str, request: Ready, headers: Headers) -> Answer:
        return self._target.request(
            method, request.path, headers=(*request.headers, *headers), timeout=5.0
        )

    def _post(self, operation: str, user: User, contract: Contract) -> Answer:
        return self.send(operation, user, contract=contract)

    def send(
        self,
        operation: str,
        user: User,
        password: str = "",
        *,
        contract: Contract | None = None,
        client: Client | None = None,
    ) -> Answer:
        """Send the credentials of `user` to a login or sign-up, by default the right ones."""
        request = self.request(operation, user, password, contract)
        method = operation.partition(" ")[0]
        return self._target.request(
            method, request.path, headers=request.headers, body=request.body, client=client,
            timeout=10.0,
        )  # fmt: skip

    def request(
        self, operation: str, user: User, password: str = "", contract: Contract | None = None
    ) -> Ready:
        """The request of a login or sign-up with the credentials of `user`."""
        method, _, path = operation.partition(" ")
        is_form = operation in self.entrances.logins

        def known(name: str, _: str) -> Any:
            right = password or PASSWORD
            return _credential(name.lower(), user, right, email=is_form and "@" in user.login)

        return (contract or self.contract).request(method, path, known)

    def restored(self, user: User, column: str, value: str | None) -> None:
        """Put a column of the row of `user` back to what it was."""
        told = {"True": True, "False": False, "1": True, "0": False}
        self._set(self._with_row(user), column, told.get(value or "", value))

    def probe(self, module: ModuleType, **arguments: Any) -> Any:
        """Run a probe's last function in the app's process."""
        return self._target.evaluate(inspect.getsource(module), **arguments)


def _credential(name: str, user: User, password: str, *, email: bool) -> str | None:
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


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None
