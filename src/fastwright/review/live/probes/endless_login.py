"""Does a login turn anybody away who tries too often?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.finding import Caller
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.logins import Logins
from fastwright.review.requests import Ready

TRIES = 15
"""Wrong passwords in a row: more than a person types, fewer than a list has."""

_LIMITED = (429, 423, 403, 503)


def endless_login(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Send wrong passwords for one account from one address, and the right one at the end."""
    del grid
    user = stage.user(Caller.OTHER_USER)
    login = stage.people.login
    route = stage.routes.get(login)
    if user is None or not login or route is None or stage.intent.is_limited(route):
        return
    if Logins(stage.app).limited_by(route):
        return  # there is a limit, if a wide one: how wide is a decision
    client, last = stage.people.address(), None
    for number in range(TRIES):
        answer = stage.people.send(login, user, f"Wrong-{number}", client=client)
        last = Exchange.of(Caller.ANONYMOUS, login, ("POST", Ready(route.path)), answer)
        if answer.status in _LIMITED:
            return
        if answer.status not in (400, 401, 404, 422):
            return  # not a refusal of a password: it says nothing
    if last is not None:
        seen = f"the {TRIES}th wrong password from one address is answered as the first was"
        message = f"`{login}` takes any number of passwords"
        yield Proof("unlimited-login", login, message, ((replace(last), seen),))
