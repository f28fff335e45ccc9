"""Is a token believed that nobody signed, or whose time is over?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import Caller
from fastwright.review.attacks.assault import several
from fastwright.review.attacks.jws import Token, assembled, signed
from fastwright.review.attacks.probes import signing
from fastwright.review.attacks.security.token_forgery import PUBLISHED
from fastwright.review.live.breaking import broken, folded, is_outside
from fastwright.review.live.credentials import User
from fastwright.review.live.exchange import POSED, Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.live.values import GONE
from fastwright.review.live.variations import NO_UUID
from fastwright.review.requests import Ready

_HOUR = 3600
_NO_KEY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Forgery:
    """A token that does not hold.

    Attributes:
        what: What it is, after the words "a token".
        token: What is sent.
        rule: The rule that says why it is believed; empty where that is the app's decision.
        comes: Whether it may come from outside: not where the app alone could have signed it so.
    """

    what: str
    token: str
    rule: str = ""
    comes: bool = True


def forged_token(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Call an operation that asks for a token with tokens that do not hold.

    A proof is of the operation that believed the token; the rules that know the place in the
    source are `unverified-token` and `weak-signing-secret`. A 500 is no refusal: it is a proof of
    its own, and what would have become of the token is not known.
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
    given = _given(stage)
    failed: list[tuple[_Forgery, Exchange]] = []
    for one in (*_forgeries(parts), *_own_ones(stage, user, parts)):
        if one.rule in believed:
            continue  # who believes one of them believes all that follow
        stage.people.notes.hide(one.token)
        exchange = _sent(stage, operation, one.token, one.what)
        if exchange.status >= 500:
            failed.append((one, exchange))
        if not exchange.worked or not one.rule:
            continue
        yield _believed(one, exchange, given)
        believed |= {one.rule, "weak-signing-secret"}
    yield from _failures(stage, operation, failed)


def _believed(one: _Forgery, exchange: Exchange, given: Mapping[str, str]) -> Proof:
    """That a forgery is believed: a question where the run was lent the key that it has.

    Such a key is of an example or a workflow, and what is deployed is not known from that.
    """
    message = f"`{exchange.route}` believes a token {one.what}"
    lent = next((n for n, v in given.items() if f"signed with `{v}`" in one.what), "")
    if lent:
        message += f": is `{lent}` another one where strangers can call"
    shown = ((exchange, f"sent with a token {one.what}"),)
    return Proof(one.rule, exchange.route, message, shown, is_meant=not lent)


def _given(stage: Stage) -> Mapping[str, str]:
    """What the app was given by its environment, by name."""
    try:
        return dict(stage.target.evaluate("dict(modules['os'].environ)"))
    except FastwrightError:
        return {}


def _failures(
    stage: Stage, operation: str, failed: list[tuple[_Forgery, Exchange]]
) -> Iterator[Proof]:
    """The proofs of what broke, where the token of the owner still works."""
    user = stage.user(Caller.OWNER)
    if not failed or user is None or not _sent(stage, operation, user.token).worked:
        return
    told = several([f"a token {one.what}" for one, _ in failed])
    note = f"whether `{operation}` refuses {told} is not known: it fails, which is no refusal"
    stage.not_tried[note] = None
    breaks = [
        broken(stage.app, exchange, exchange.staging, "", stage.routes[operation])
        for one, exchange in failed
        if one.comes and not is_outside(exchange)
    ]
    yield from folded(breaks, stage.known)


def _forgeries(token: Token) -> Iterator[_Forgery]:
    yield _Forgery("that is none", "x.y.z")
    unsigned = assembled({**token.header, "alg": "none"}, token.claims, "")
    yield _Forgery("without a signature", unsigned, "unverified-token")
    forged = signed(token.header, token.claims, b"a key that nobody has agreed on")
    yield _Forgery("that is signed with a foreign key", forged, "unverified-token")
    for key in filter(None, PUBLISHED):
        what = f"that is signed with `{key}`, which everybody knows"
        known = signed(token.header, token.claims, key.encode())
        yield _Forgery(what, known, "weak-signing-secret")


def _own_ones(stage: Stage, user: User, token: Token) -> Iterator[_Forgery]:
    """Tokens of the app's own key that do not hold, where its signing can be watched."""
    people = stage.people
    if not people.login:
        return
    try:
        people.probe(signing, action="start")
        people.send(people.login, user)
        if not people.probe(signing, action="seen"):
            return
        for one, changes, drop in _wrongs(stage, user, token):
            minted = people.probe(signing, action="mint", changes=changes, drop=drop)
            if minted and minted != user.token:
                yield replace(one, token=str(minted))
    except FastwrightError:
        stage.not_tried["an expired token: the app signs in a way that cannot be watched"] = None
    finally:
        _stop(stage)


def _wrongs(
    stage: Stage, user: User, token: Token
) -> Iterator[tuple[_Forgery, dict[str, object], list[str]]]:
    """Tokens as the app would sign them, with the claims that are changed and left out."""
    past = int(time.time()) - 2 * _HOUR
    changes: dict[str, object] = {"exp": past, "iat": past - _HOUR, "nbf": past - _HOUR}
    yield _Forgery("that expired two hours ago", "", "unverified-token"), changes, []
    names = {user.email, user.login, user.row.get(stage.people.key or "")}
    subjects = [n for n, v in token.claims.items() if n == "sub" or str(v) in names]
    if subjects:
        gone: dict[str, object] = {name: _nobody(token.claims[name]) for name in subjects}
        yield _Forgery(GONE.removeprefix("a token "), ""), gone, []
        yield _Forgery("that names nobody", "", comes=False), {}, subjects


def _nobody(subject: object) -> object:
    """A subject of the same kind that no user is."""
    text = str(subject)
    if text.isdigit():
        return type(subject)(_NO_KEY)  # type: ignore[call-arg]
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        return NO_UUID
    return "fw-nobody@example.com" if "@" in text else "fwnobody"


def _stop(stage: Stage) -> None:
    try:
        stage.people.probe(signing, action="stop")
    except FastwrightError:
        return


def _sent(stage: Stage, operation: str, token: str, what: str = "") -> Exchange:
    """One call with `token` in place of the owner's; `what` is wrong with it."""
    user = stage.user(Caller.OWNER)
    assert user is not None
    request = stage.ready(operation, user)
    headers = tuple((name, value.replace(user.token, token)) for name, value in user.headers)
    ready = Ready(request.path, (*request.headers, *headers), request.body)
    staging = f"{POSED}{what}" if what else ""
    return stage.send(Caller.ANONYMOUS, operation, ready, staging=staging)
