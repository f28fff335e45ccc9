"""Who may call what: the access matrix of a live app, by calling every operation as everybody.

Pure as attacks are: it is handed a live app and what is known of its login.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import AccessMatrix, Caller
from fastwright.review.attack import CannotStrike, Headers, Needs, Target
from fastwright.review.attacks.assault import Account, Assault
from fastwright.review.naming import alike
from fastwright.review.requests import Contract, Ready

MOST = 300
"""Operations that are called; further ones are named as not called."""

PATIENCE = 5.0
"""Seconds that one answer may take."""

STAND_IN = "fastwright-stands-for-nobody"
"""The token of a user where there is no login: what the app then answers is what a user gets."""

_RANKS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Seen:
    """A matrix, and what stood in the way of a fuller one."""

    matrix: AccessMatrix
    notes: tuple[str, ...] = ()


def look(target: Target, needs: Needs, *, last: Collection[str] = ()) -> Seen:
    """Call every operation as nobody, as one user, as another and, where known, as a lesser one.

    What an operation needs comes from the contract and from rows that belong to the first user, who
    is the owner of everything. Reading goes before writing; what is deleted is made anew for each
    caller.

    Args:
        target: The live app, on a scratch database that may be written to.
        needs: What is known of its login, in the words of `attacks.doors`; may be empty.
        last: Operations (``POST /x``) that are called after all others, so that the others meet
            what they met before there were these.
    """
    document = target.description.get("openapi")
    if document is None:
        return Seen(AccessMatrix(), ("the app has no OpenAPI document to call it by",))
    cast = _Cast(target, needs)
    contract = Contract(document)
    wanted = sorted(contract.operations(), key=lambda at: _turn(at, last))
    rows = dict(_rows(cast, contract, wanted[:MOST], last))
    left_out = [f"{len(wanted) - MOST} operations were not called"] if len(wanted) > MOST else []
    return Seen(AccessMatrix(rows), (*cast.notes, *left_out))


def _turn(at: tuple[str, str], last: Collection[str]) -> tuple[bool, bool, int, str]:
    """What ends a login goes last of all, or the calls behind it would be nobody's."""
    method, path = at
    leaves = bool(re.search(r"log-?_?out|sign-?_?out|revoke|sessions?(/|$)", path))
    return leaves and method != "GET", f"{method} {path}" in last, _RANKS.index(method), path


def _rows(
    cast: _Cast, contract: Contract, wanted: Sequence[tuple[str, str]], last: Collection[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """A row for each operation; what comes last meets users that nothing was done to before.

    Where nothing asks who is calling, the calls before may have deleted a user or its password.
    """
    met = False
    for method, path in wanted:
        operation = f"{method} {path}"
        if operation in last and not met:
            cast.renew()
            met = True
        yield operation, dict(_row(cast, contract, method, path))


def _row(cast: _Cast, contract: Contract, method: str, path: str) -> Iterator[tuple[str, str]]:
    for caller, headers in cast.callers.items():
        if cast.logs_in(method, path):
            yield caller.value, cast.outcome_of_login(headers)
            continue
        if method == "DELETE":
            cast.forget()
        known = cast.known if method != "DELETE" else cast.known_to_nobody
        request = contract.request(method, path, known)
        yield caller.value, cast.outcome(method, request, headers)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as the running app describes it."""

    name: str
    columns: tuple[str, ...]
    key: str
    points_to: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> _Table:
        columns = told.get("columns") or ()
        keys = [c["name"] for c in columns if c.get("primary_key")]
        pointing = {c["name"]: c["foreign_key"] for c in columns if c.get("foreign_key")}
        names = tuple(c["name"] for c in columns)
        return cls(told["name"], names, keys[0] if keys else "", pointing)


class _Cast:
    """The callers, and rows that the first of them owns."""

    def __init__(self, target: Target, needs: Needs) -> None:
        self._target = target
        self._assault = Assault(target, needs)
        self._tables = tuple(_Table.read(t) for t in target.description.get("tables") or ())
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._owner: Account | None = None
        self.notes: list[str] = []
        self.callers: dict[Caller, Headers] = {Caller.ANONYMOUS: ()}
        if needs:
            self._enter()
        else:
            self.notes.append("nothing is known of a login: called as nobody alone")

    def renew(self) -> None:
        """Call as new users from here on, where there were any."""
        if self._owner is not None:
            self.forget()
            self._enter()

    def _enter(self) -> None:
        """Make the users; the lesser one only where it is known what makes one."""
        table = self._assault.doors.get("table")
        if table and self._accounts() is None:
            self.notes.append(f"there is no table `{table}`: users come with a stranger's token")
            stranger = self._assault.doors.carried(STAND_IN)
            self.callers |= {Caller.OTHER_USER: stranger, Caller.OWNER: stranger}
            return
        try:
            self._owner, other = self._assault.account(), self._assault.account()
        except CannotStrike as error:
            self.notes.append(f"no users could be made, called as nobody alone: {error.because}")
            return
        self.callers[Caller.OTHER_USER] = self._logged_in(other)
        self.callers[Caller.OWNER] = self._logged_in(self._owner)

    def _logged_in(self, account: Account) -> Headers:
        doors = self._assault.doors
        try:
            return doors.carried(self._assault.token(account))
        except CannotStrike as error:
            note = f"users are called with a token that stands for nobody: {error.because}"
            if note not in self.notes:
                self.notes.append(note)
            return doors.carried(STAND_IN)

    def outcome(self, method: str, request: Ready, headers: Headers) -> str:
        """The status of one call, as text."""
        answer = self._target.request(
            method,
            request.path,
            headers=(*request.headers, *headers),
            body=request.body,
            client=self._assault.address(),
            timeout=PATIENCE,
        )
        return str(answer.status) if answer.status else "no answer"

    def logs_in(self, method: str, path: str) -> bool:
        """The operation is the login, and there is somebody to log in."""
        return self._owner is not None and self._assault.doors.get("login") == f"{method} {path}"

    def outcome_of_login(self, headers: Headers) -> str:
        """The status of a login with the right password: a made-up one would be turned away."""
        assert self._owner is not None
        answer = self._assault.log_in(self._owner.login, self._owner.password, headers=headers)
        return str(answer.status)

    def forget(self) -> None:
        """Use new rows from here on."""
        self._rows.clear()

    def known(self, name: str, path: str) -> Any:
        """The value of a parameter or field that names a row: the owner's, or one made for it."""
        return self._value(name, path, owner=True)

    def known_to_nobody(self, name: str, path: str) -> Any:
        """As `known`, but an account is one that nobody calls as: it may be deleted."""
        return self._value(name, path, owner=False)

    def _value(self, name: str, path: str, *, owner: bool) -> Any:
        table = self._table_of(name, path)
        if table is None:
            return None
        row = self._row_of(table, owner=owner)
        column = name if name in table.columns and name != "id" else table.key
        value = row.get(column)
        return value if isinstance(value, int | str) else None

    def _table_of(self, name: str, path: str) -> _Table | None:
        """The table that a name such as ``order_id`` speaks of, or ``{id}`` after ``/orders/``."""
        stem = re.sub(r"_?(id|uuid|pk)$", "", name)
        before = re.search(rf"([\w-]+)/\{{{re.escape(name)}\}}", path)
        if not before and stem == name:
            return None
        segment = before[1].replace("-", "_") if before else ""
        for word in filter(None, (stem if stem != name else "", segment)):
            for table in self._tables:
                if alike(table.name, word):
                    return table
        return self._accounts() if stem in ("user", "owner", "author", "account") else None

    def _accounts(self) -> _Table | None:
        name = self._assault.doors.get("table")
        return next((table for table in self._tables if table.name == name), None)

    def _row_of(self, table: _Table, *, owner: bool) -> Mapping[str, Any]:
        key = self._owner.key if self._owner is not None else None
        if owner and key is not None and table is self._accounts():
            return {table.key: key}
        if table.name not in self._rows:
            self._rows[table.name] = self._seeded(table)
        return self._rows[table.name]

    def _seeded(self, table: _Table) -> Mapping[str, Any]:
        try:
            return self._target.seed(table.name, **self._owned(table))
        except FastwrightError as error:
            self.notes.append(f"no row could be put into `{table.name}`: {error.because}")
            return {}

    def _owned(self, table: _Table) -> dict[str, Any]:
        """The columns of a row that say that it is the owner's."""
        accounts = self._accounts()
        if accounts is None or self._owner is None or self._owner.key is None:
            return {}
        mine = f"{accounts.name}.{accounts.key}"
        return {c: self._owner.key for c, points in table.points_to.items() if points == mine}
