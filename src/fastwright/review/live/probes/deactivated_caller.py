"""Does a token work on when its account has been switched off?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import Caller
from fastwright.review.attacks.probes import rows
from fastwright.review.live.credentials import User, as_stored
from fastwright.review.live.exchange import SWITCHED, Exchange, with_headers
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready
from fastwright.review.switches import Switch, Switches

_REFUSED = (400, 401, 403)
_LONG_AGO = "2026-01-01T00:00:00"


def deactivated_caller(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Log somebody in, switch their account off in the table, and see who still knows them.

    Meant is what the app's own login refuses from then on, or what a rule has found to be meant.
    """
    del grid
    people, switches = stage.people, Switches(stage.app)
    operation = next((o for o in people.entrances.whoami if o in stage.routes), "")
    if not operation or not people.login or people.table is None or not switches.all:
        return
    user = people.make("deactivated")
    if user is None or not user.row or not _asked(stage, operation, user).worked:
        return
    for switch in switches.all:
        proof = _tried(stage, operation, user, switch)
        if proof is not None:
            yield proof
            return


def _tried(stage: Stage, operation: str, user: User, switch: Switch) -> Proof | None:
    people = stage.people
    assert people.table is not None
    column = people.table.column(switch.name)
    before = user.row.get(column.name) if column is not None else None
    off: object = _LONG_AGO if switch.name.endswith("_at") else switch.off == "True"
    if column is None or not _set(stage, user, column.name, off):
        return None
    answer = people.send(people.login, user, client=people.address())
    path = people.login.partition(" ")[2]
    login = Exchange.of(Caller.ANONYMOUS, people.login, ("POST", Ready(path)), answer)
    after = _asked(stage, operation, user, f"{SWITCHED}{column.name}={off}")
    people.restored(user, column.name, before)
    known = any(f.rule == "deactivated-caller" for f in stage.known)
    if not after.worked or not (login.status in _REFUSED or (known and login.worked)):
        return None
    name = f"{people.table.name}.{column.name}"
    then = "refuses" if login.status in _REFUSED else "does not refuse"
    shown = (
        (after, f"the token goes on, though `{name}` has been set to `{off}`"),
        (login, f"the login {then} the same account"),
    )
    message = f"`{operation}` answers whoever had a token before the account was switched off"
    return Proof("deactivated-caller", operation, message, shown)


def _set(stage: Stage, user: User, column: str, value: object) -> bool:
    people = stage.people
    assert people.table is not None
    key = people.key or ""
    try:
        changed = people.probe(
            rows, table=people.table.name, key_column=key, key=as_stored(user.row.get(key)),
            column=column, value=value,
        )  # fmt: skip
    except FastwrightError:
        return False
    return int(changed) == 1


def _asked(stage: Stage, operation: str, user: User, staging: str = "") -> Exchange:
    """One call of an operation that asks for a caller, as `user`, who is told as the owner."""
    request = with_headers(stage.ready(operation, user), user.headers)
    sent = stage.send(Caller.ANONYMOUS, operation, request, staging=staging)
    return replace(sent, caller=Caller.OWNER, carried=tuple(user.headers))
