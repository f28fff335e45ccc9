"""Is a token believed that nobody signed, or whose time is over?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import Caller
from fastwright.review.attacks.jws import Token, assembled, signed
from fastwright.review.attacks.probes import signing
from fastwright.review.attacks.security.token_forgery import PUBLISHED
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready

_HOUR = 3600


def forged_token(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Call an operation that asks for a token with tokens that do not hold.

    A proof is of the operation that believed the token; the rules that know the place in the
    source are `unverified-token` and `weak-signing-secret`.
    """
    del grid
    user = stage.user(Caller.OWNER)
    parts = Token.read(user.token) if user is not None else None
    operation = next((o for o in stage.people.entrances.whoami if o in stage.routes), None)
    if user is None or parts is None or operation is None:
        return
    if not _sent(stage, operation, user.token).worked or _sent(stage, operation, "x.y.z").worked:
        return  # without a control no refusal, and no success, says anything
    believed: set[str] = set()
    for what, rule, token in (*_forgeries(parts), *_expired(stage, user.token)):
        if rule in believed:
            continue  # who believes one of them believes all that follow
        stage.people.notes.hide(token)
        exchange = _sent(stage, operation, token)
        if not exchange.worked:
            continue
        message = f"`{operation}` believes a token {what}"
        yield Proof(rule, operation, message, ((exchange, f"sent with a token {what}"),))
        believed |= (
            {rule} if rule == "weak-signing-secret" else {"unverified-token", "weak-signing-secret"}
        )


def _forgeries(token: Token) -> Iterator[tuple[str, str, str]]:
    yield (
        "without a signature",
        "unverified-token",
        assembled({**token.header, "alg": "none"}, token.claims, ""),
    )
    forged = signed(token.header, token.claims, b"a key that nobody has agreed on")
    yield "that is signed with a foreign key", "unverified-token", forged
    for key in filter(None, PUBLISHED):
        what = f"that is signed with `{key}`, which everybody knows"
        yield what, "weak-signing-secret", signed(token.header, token.claims, key.encode())


def _expired(stage: Stage, token: str) -> Iterator[tuple[str, str, str]]:
    """A token of the app's own key whose time is over, where its signing can be watched."""
    user, people = stage.user(Caller.OWNER), stage.people
    if user is None or not people.login:
        return
    try:
        people.probe(signing, action="start")
        people.send(people.login, user)
        if not people.probe(signing, action="seen"):
            return
        past = int(time.time()) - 2 * _HOUR
        changes = {"exp": past, "iat": past - _HOUR, "nbf": past - _HOUR}
        minted = people.probe(signing, action="mint", changes=changes, drop=[])
        if minted and minted != token:
            yield "that expired two hours ago", "unverified-token", str(minted)
    except FastwrightError:
        stage.not_tried["an expired token: the app signs in a way that cannot be watched"] = None
    finally:
        _stop(stage)


def _stop(stage: Stage) -> None:
    try:
        stage.people.probe(signing, action="stop")
    except FastwrightError:
        return


def _sent(stage: Stage, operation: str, token: str) -> Exchange:
    """One call with `token` in place of the owner's."""
    user = stage.user(Caller.OWNER)
    assert user is not None
    request = stage.ready(operation, user)
    headers = tuple((name, value.replace(user.token, token)) for name, value in user.headers)
    ready = Ready(request.path, (*request.headers, *headers), request.body)
    return stage.send(Caller.ANONYMOUS, operation, ready)
