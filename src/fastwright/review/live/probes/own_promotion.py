"""Can a user, or whoever signs up, write their own role?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastwright.model.finding import Caller
from fastwright.review.live.credentials import User
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_OWN = re.compile(r"user|account|profile|/me\b|member|settings|regist|sign_?-?up", re.IGNORECASE)


def own_promotion(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Send the privilege column along where accounts are written, and read the row again."""
    del grid
    column = stage.people.privilege
    user = stage.user(Caller.LOWER_ROLE)
    if column is None or user is None or not user.row:
        return
    for operation in stage.routes:
        writes = operation.startswith(("POST", "PUT", "PATCH")) and _OWN.search(operation)
        if not writes or operation == stage.people.login or stage.is_over:
            continue
        if operation in stage.people.entrances.sign_ups:
            yield from _signed_up(stage, operation, column)
        else:
            yield from _written(stage, operation, column, user)


def _value(before: str | None) -> object:
    """What a privilege is set to: True, or for a column of words the highest that is usual."""
    return True if before in ("False", "0", "True", "1", None) else "admin"


def _written(stage: Stage, operation: str, column: str, user: User) -> Iterator[Proof]:
    before = stage.people.row_of(user)
    if not before or before.get(column) in ("True", "1", "admin"):
        return
    request = stage.ready(operation, user, full=True)
    name = _attribute(stage, column)
    for body in _with(request.body, name, _value(before.get(column)), user):
        exchange = stage.send(Caller.LOWER_ROLE, operation, replace(request, body=body))
        after = stage.people.row_of(user)
        if exchange.worked and after and after.get(column) != before.get(column):
            yield _proof(operation, name, exchange, after.get(column))
            stage.people.restored(user, column, before.get(column))
            return


def _signed_up(stage: Stage, operation: str, column: str) -> Iterator[Proof]:
    name = _attribute(stage, column)
    user = User("promoted", "fw-promoted@example.com", "fwpromoted")
    request = stage.people.request(operation, user)
    plain = stage.people.row_of(stage.cast[Caller.LOWER_ROLE]).get(column)
    for body in _with(request.body, name, _value(plain), user):
        exchange = stage.send(Caller.ANONYMOUS, operation, replace(request, body=body))
        row = stage.people.row_of(user)
        if exchange.worked and row and row.get(column) != plain:
            yield _proof(operation, name, exchange, row.get(column))
            return


def _proof(operation: str, name: str, exchange: Exchange, value: str | None) -> Proof:
    seen = f"`{name}` of the caller's own row is `{value}` afterwards"
    message = f"`{operation}` lets its caller write `{name}` of an account"
    return Proof("writable-privilege", operation, message, ((exchange, seen),))


def _attribute(stage: Stage, column: str) -> str:
    table = stage.people.table
    found = table.column(column) if table is not None else None
    return found.attribute if found is not None else column


def _with(body: bytes, name: str, value: object, user: User) -> Iterator[bytes]:
    """The body as it is with the privilege, and with nothing but the caller's name and it."""
    try:
        whole: Any = json.loads(body) if body else {}
    except ValueError:
        return
    if not isinstance(whole, dict):
        return
    inner = next((k for k, v in whole.items() if isinstance(v, dict)), None)
    if inner is not None and len(whole) == 1:
        yield json.dumps({inner: {**whole[inner], name: value}}).encode()
        return
    kept = {k: v for k, v in whole.items() if "mail" not in k and k not in ("username", "password")}
    own = {k: user.email if "mail" in k else user.login for k in whole
           if "mail" in k or k == "username"}  # fmt: skip
    secret = {k: v for k, v in whole.items() if k == "password"}
    yield json.dumps({**kept, **own, **secret, name: value}).encode()
    yield json.dumps({name: value}).encode()
