"""Does a login answer an unknown user otherwise than a wrong password?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.finding import Caller
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready


def unknown_user(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Compare status and body of both refusals; what differs with each request is left out."""
    del grid
    user, login = stage.user(Caller.OTHER_USER), stage.people.login
    route = stage.routes.get(login)
    if user is None or not login or route is None:
        return
    nobody = replace(user, email="fw-nobody@example.com", login="fwnobody")
    if user.login == user.email:
        nobody = replace(nobody, login=nobody.email)
    told = []
    for name, one in (("wrong password", user), ("unknown user", nobody)):
        answer = stage.people.send(login, one, "Wrong-password-1!", client=stage.people.address())
        sent = ("POST", Ready(route.path))
        told.append((Exchange.of(Caller.ANONYMOUS, login, sent, answer), name))
    (wrong, _), (unknown, _) = told
    refused = all(400 <= e.status < 500 and e.status != 429 for e, _ in told)
    if refused and (wrong.status != unknown.status or _plain(wrong) != _plain(unknown)):
        message = f"`{login}` tells an unknown user from a wrong password"
        yield Proof("user-enumeration", login, message, tuple(told))


def _plain(exchange: Exchange) -> str:
    """The body without names, numbers and marks that differ from request to request."""
    text = re.sub(r"fw-?\w+(@example\.com)?", "", exchange.text)
    return re.sub(r"[0-9a-f]{8,}|\d+", "", text)
