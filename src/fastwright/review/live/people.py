"""Users of a live app: made as the app makes them where that works, else as rows; logged in."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import ModuleType
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.model.storage import Table
from fastwright.review.answers import is_secret
from fastwright.review.attack import Answer, Client, Headers, Target
from fastwright.review.attacks.notes import Notes
from fastwright.review.attacks.probes import (
    cheapening,
    minting,
    reading,
    rows,
)
from fastwright.review.live.accounts import LOGIN_COLUMNS, ON, account_values
from fastwright.review.live.credentials import (
    PASSWORD,
    User,
    as_stored,
    basic,
    carried,
    cookies_in,
    credential,
    json_of,
    tokens_in,
)
from fastwright.review.live.entrances import Entrances
from fastwright.review.live.hashes import Hashed, hashed
from fastwright.review.live.reasons import Refusals
from fastwright.review.live.roles import highest
from fastwright.review.ownership import Ownership
from fastwright.review.requests import Contract, Ready

_KEY = re.compile(r"api_?key|token$|auth_?key|access_?key", re.IGNORECASE)
PRIVILEGES = re.compile(r"(?i)^(is_)?(admin|super_?user|staff|root|moderator)$|^(user_)?role$")


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
        self._by_email = False
        self.granted: object = None
        self._closed: dict[str, bool] = {}
        self._refused = Refusals(app)
        self._sign_up = ""
        self.login = ""
        self.token_key = ""
        self._count = 0
        self._visits = itertools.count(1)

    def make(self, name: str) -> User | None:
        """A new user who can call, or None where the app lets nobody in that we can make."""
        self.notes.hide(PASSWORD)
        for make in (self._by_sign_up, self._by_row):
            self._count += 1  # somebody new: a sign-up may have failed half-way
            made = make(
                User(name, f"fw-{name}-{self._count}@example.com", f"fw{name}{self._count}")
            )
            entered = self._entered(made) if made is not None else None
            if entered is not None:
                return entered
        self.remarks[self._nobody()] = None
        return None

    def _nobody(self) -> str:
        """Why there is no user."""
        if not self._app.principals and not self.entrances.guarded:
            return "no route asks who is calling, so all was called by nobody alone"
        nobody = "no user could be made who gets in, so all was called by nobody alone"
        return ": ".join(filter(None, (nobody, self.refusals)))

    @property
    def refusals(self) -> str:
        """What hashes no password, and each door that let nobody in, with its answer."""
        return "; ".join(filter(None, (self.hashed.because, self._refused.told())))

    def hash_cheaply(self) -> None:
        """Have the app hash with little work from now on, where its packages allow it."""
        with contextlib.suppress(FastwrightError):
            self.probe(cheapening)

    def key_holder(self) -> User | None:
        """Whoever has the one key of an app without users, which stands in its settings."""
        nobody = self._nobody()
        try:
            told = self._target.evaluate("dict(modules['os'].environ)")
        except FastwrightError:
            return None
        keys = (value for name, value in sorted(told.items()) if _KEY.search(name) and value)
        if (holder := next(filter(None, map(self._holding, keys)), None)) is not None:
            self.remarks.pop(nobody, None)
            self.remarks["the app knows one key and no users: its holder is the owner"] = None
        return holder

    def _holding(self, key: str) -> User | None:
        self.notes.hide(key)
        for headers in self._carried(key, ""):
            if self._gets_in(headers):
                return User("owner", "", "", headers=headers, token=key)
        return None

    def promoted(self, user: User) -> User | None:
        """The same user with what the app's accounts call a higher role; None where none is."""
        key = self.key
        column = self.table.column(self.privilege) if self.table and self.privilege else None
        if self.table is None or key is None or column is None or not user.row.get(key):
            return None
        for value in highest(self._app, column):
            if self._set(user, column.name, value) == 1:
                self.granted = value
                return self._entered(self._with_row(user))
        return None

    # ---------------------------------------------------------------------------- accounts

    @property
    def key(self) -> str | None:
        """The column that tells accounts apart."""
        keys = [c.name for c in self.table.columns if c.primary_key] if self.table else []
        return next((name for name in keys if name == "id"), keys[0] if keys else None)

    @property
    def sign_up_door(self) -> str:
        """The operation that made the accounts; empty where rows were put in."""
        return self._sign_up

    @property
    def login_columns(self) -> list[str]:
        """The columns of accounts that name who logs in."""
        columns = self.table.columns if self.table else ()
        return [c.name for c in columns if LOGIN_COLUMNS.match(c.attribute)]

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
        """Whether `user` still gets in, and their row, where it can be found, is what it was."""
        if user.row and self._with_row(replace(user, row={})).row != user.row:
            return False
        return self._gets_in(user.headers)

    def row_of(self, user: User) -> Mapping[str, str | None]:
        """The row of `user` as it stands; empty where it cannot be found."""
        return self._with_row(user).row

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
            if not 200 <= answer.status < 300:
                self._refused.note(operation, answer)
                continue
            self._sign_up = operation
            made = replace(self._with_row(user), signed_up=True)
            for name, value in made.row.items():
                if ON.match(name) and value in ("False", "0"):
                    self._set(made, name, True)
            return made
        return None

    def _by_row(self, user: User) -> User | None:
        if self.table is None:
            return None
        values = account_values(self.table, user, self.hashed.text)
        try:
            row = self._target.seed(self.table.name, **values)
        except FastwrightError as error:
            because = error.because.partition("\n")[0]
            self.remarks[f"no row could be put into `{self.table.name}`: {because}"] = None
            return None
        return replace(user, row={k: None if v is None else str(v) for k, v in row.items()})

    @cached_property
    def hashed(self) -> Hashed:
        """The password as the app hashes it."""
        return hashed(self._app, self.probe)

    def _with_row(self, user: User) -> User:
        if self.table is None:
            return user
        for column in self.table.columns:
            if LOGIN_COLUMNS.match(column.attribute):
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
        entered = self._opened(user, self._logged_in(user))
        if entered is None and self.entrances.is_basic:
            entered = next(
                (replace(user, headers=h) for h in basic(user) if self._gets_in(h)), None
            )
        if entered is not None:
            return entered
        doors = self._refused.told(self.entrances.logins)
        told = "; ".join(filter(None, (self.hashed.because, doors)))
        entered = self._opened(user, self._minted(user))
        if entered is not None and told:
            self.remarks[f"no login let a user in, so tokens are the app's own: {told}"] = None
        return entered

    def _opened(self, user: User, tokens: Iterator[tuple[str, str]]) -> User | None:
        for token, cookie in tokens:
            self.notes.hide(token)
            for headers in self._carried(token, cookie):
                if self._gets_in(headers):
                    return replace(user, headers=headers, token="" if cookie else token)
        return None

    def _logged_in(self, user: User) -> Iterator[tuple[str, str]]:
        """Tokens of logins that work, each with the name of its cookie, if it came in one."""
        for operation in (self.login,) if self.login else self.entrances.logins[:3]:
            answer = self._asked(operation, user)
            if not 200 <= answer.status < 400:
                self._refused.note(operation, answer)
                continue
            for key, token in tokens_in(json_of(answer)):
                self.login, self.token_key = operation, key
                yield token, ""
            for name, value in cookies_in(answer):
                self.login = operation
                yield value, name

    def _asked(self, operation: str, user: User) -> Answer:
        """A login by user name, or by address where that is what the app knows people by."""
        by_address = replace(user, login=user.email)
        ways = (by_address, user) if self._by_email else (user, by_address)
        failed: list[Answer] = []
        for way in ways:
            answer = self._post(operation, way, self.contract)
            if 200 <= answer.status < 400:
                self._by_email = way is by_address
                return answer
            failed.append(answer)
        return min(failed, key=lambda a: a.status < 500)  # what broke down says more than a 401

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
        ways = ("authorization:Bearer ", "authorization:Token ", "authorization:",
                *(f"{name.lower()}:" for name in self.entrances.header_names))  # fmt: skip
        return carried(token, cookie, (self._carry,) if self._carry else ways)

    def _gets_in(self, headers: Headers) -> bool:
        """Whether an operation that asks for a caller answers to these headers, and not to none."""
        for operation in (*self.entrances.whoami[:4], *self.entrances.guarded[:2]):
            method, _, path = operation.partition(" ")
            known = self.contract.request(method, path, lambda _name, _path: None)
            if not self._is_closed(operation, known):
                continue
            answer = self._ask(method, known, headers)
            if answer.status not in (401, 403, 302, 303, 307, 0, 500):
                name, value = headers[0]
                prefix = value.partition(" ")[0] + " " if " " in value else ""
                self._carry = self._carry or ("" if name == "cookie" else f"{name}:{prefix}")
                return True
            self._refused.note(operation, answer)
        return False

    def _is_closed(self, operation: str, known: Ready) -> bool:
        """Whether the operation turns nobody in particular away."""
        if operation not in self._closed:
            answer = self._ask(operation.partition(" ")[0], known, ())
            self._closed[operation] = answer.status in (401, 403, 302, 303, 307)
        return self._closed[operation]

    def _ask(self, method: str, request: Ready, headers: Headers) -> Answer:
        return self._target.request(
            method,
            request.path,
            headers=(*request.headers, *headers),
            client=self.address(),
            timeout=5.0,
        )

    def _post(self, operation: str, user: User, contract: Contract) -> Answer:
        return self.send(operation, user, contract=contract, client=self.address())

    def address(self) -> Client:
        """An address that nothing has come from yet, so that no limit is met by chance."""
        number = next(self._visits)
        return (f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}", 40000)

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
        by_email = self._by_email or "@" in user.login
        email = operation in self.entrances.logins and by_email

        def known(name: str, _: str) -> Any:
            return credential(name.lower(), user, password or PASSWORD, email=email)

        return (contract or self.contract).request(method, path, known)

    def restored(self, user: User, column: str, value: str | None) -> None:
        """Put a column of the row of `user` back to what it was."""
        told = {"True": True, "False": False, "1": True, "0": False}
        self._set(self._with_row(user), column, told.get(value or "", value))

    def probe(self, module: ModuleType, **arguments: Any) -> Any:
        """Run a probe's last function in the app's process."""
        return self._target.evaluate(inspect.getsource(module), **arguments)
