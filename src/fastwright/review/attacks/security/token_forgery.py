"""Is a token believed that the app did not issue, or that does not hold any more?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fastwright.review.attack import Answer, Needs, Strike, Target
from fastwright.review.attacks.assault import Account, Assault, failed, is_done, several
from fastwright.review.attacks.jws import Token, assembled, signed
from fastwright.review.attacks.probes import signing

PUBLISHED = (
    "",
    "secret",
    "secret-key",
    "SECRET_KEY",
    "your-secret-key",
    "your_secret_key",
    "changethis",
    "changeme",
    "change-me",
    "supersecret",
    "super-secret-key",
    "my_secret_key",
    "mysecretkey",
    "jwt-secret",
    "password",
    "test",
    "a-string-secret-at-least-256-bits-long",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)
"""Secrets that examples and documentation have published."""

HOUR = 3600
_Tried = tuple[str, Answer]
"""What is wrong with a token, and how it was answered."""


def token_forgery(target: Target, needs: Needs) -> Strike:
    """No token is believed but an untouched one of the app's own, for this app, in its time.

    Proves that the protected operation refuses: ``alg`` none in four spellings, another user's
    subject under the old signature, a cut or empty signature, tokens signed with published,
    empty or public strings (the app's title, issuer, audience, its host), and tokens that the app's
    own key signed but that are expired, not yet valid, for a foreign audience or issuer, or without
    an expiry. The key never leaves the app's process: its own signing call is watched at a login.

    Needs: ``login``, ``protected`` and a way to make accounts.

    An answer of 500 is no refusal: where no token is believed and one ends in a 500, whether it
    is refused stays unknown, and the attack holds nothing.

    Limits: own-key tokens are made for PyJWT and python-jose only; where the app signs otherwise
    the attack says so and holds nothing. Of keys only symmetric ones are guessed; a token that is
    not a JSON web token is only altered and cut.
    """
    assault = Assault(target, needs)
    account, other = assault.account(), assault.account()
    with assault.watching(signing):
        token = assault.token(account)
        assault.control(token)
        parts = Token.read(token)
        if parts is None:
            return _opaque(assault, token)
        assault.notes.hide(parts.signature)
        tried = [
            (what, assault.call(forged, what))
            for what, forged in _from_outside(assault, parts, other)
        ]
        return _verdict(assault, tried + _own_ones(assault, parts, token))


def _opaque(assault: Assault, token: str) -> Strike:
    altered = {
        "last character altered": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut in half": token[: len(token) // 2],
    }
    return _verdict(assault, [(w, assault.call(forged, w)) for w, forged in altered.items()])


def _from_outside(assault: Assault, token: Token, other: Account) -> Iterator[tuple[str, str]]:
    """Forgeries that anybody can make who has seen one token."""
    claims = {**token.claims, "sub": _foreign_subject(token.claims.get("sub"), other)}
    for spelling in ("none", "None", "NONE", "nOnE"):
        yield f"`alg` {spelling}", assembled({**token.header, "alg": spelling}, token.claims, "")
    yield "another subject, old signature", assembled(token.header, claims, token.signature)
    yield "no signature", assembled(token.header, token.claims, "")
    yield "half a signature", assembled(token.header, token.claims, token.signature[:20])
    for key in dict.fromkeys((*PUBLISHED, *_public_strings(assault, token))):
        yield f"signed with `{key}`", signed(token.header, token.claims, key.encode())
    foreign_key = {**token.header, "kid": "../../../../dev/null"}
    yield "`kid` points to an empty file", signed(foreign_key, token.claims, b"")


def _foreign_subject(subject: Any, other: Account) -> str:
    if other.key is not None and str(subject).isdigit():
        return str(other.key)
    return other.login


def _public_strings(assault: Assault, token: Token) -> tuple[str, ...]:
    """What the app tells everybody, and a careless set-up may sign with."""
    document = assault.target.description.get("openapi") or {}
    title = str(document.get("info", {}).get("title", ""))
    told = (title, title.lower(), token.claims.get("iss"), token.claims.get("aud"), "localhost")
    return tuple(text for text in told if isinstance(text, str) and text)


def _verdict(assault: Assault, tried: list[_Tried]) -> Strike:
    believed = [what for what, answer in tried if is_done(answer)]
    broken = [what for what, answer in tried if failed(answer)]
    unknown = f"{assault.doors['protected']} fails at tokens that do not hold, " if broken else ""
    unknown += f"which is no refusal: {several(broken)}" if broken else ""
    assault.notes.put_last(believed or broken)
    if believed:
        told = f"tokens are believed that do not hold: {', '.join(believed)}"
        return assault.struck("; ".join(filter(None, (told, unknown))))
    if broken:
        raise assault.cannot(unknown)
    return assault.held("forged, foreign, expired and unsigned tokens are refused")


def _own_ones(assault: Assault, token: Token, like: str) -> list[_Tried]:
    """Tokens signed by the app's own key that do not hold, with the answers that they get."""
    if not assault.probe(signing, action="seen"):
        raise assault.cannot("the app signs its tokens in a way that cannot be watched")
    if not is_done(assault.call(_minted(assault, like, {}, ()), "signed anew, unchanged")):
        raise assault.cannot("a token signed anew is refused, so that no refusal proves anything")
    return [
        (what, assault.call(_minted(assault, like, changes, drop), what))
        for what, changes, drop in _own_forgeries(token, time.time())
    ]


def _minted(assault: Assault, like: str, changes: dict[str, Any], drop: tuple[str, ...]) -> str:
    minted = str(assault.probe(signing, action="mint", like=like, changes=changes, drop=drop))
    assault.notes.hide(minted)
    return minted


def _own_forgeries(
    token: Token, now: float
) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    past, future = int(now) - HOUR, int(now) + HOUR
    yield "expired", {"exp": past, "iat": past - HOUR, "nbf": past - HOUR}, ()
    yield "no expiry", {}, ("exp",)
    yield "not valid before the next hour", {"nbf": future, "exp": future + HOUR}, ()
    yield "for a foreign audience", {"aud": "https://foreign.example"}, ()
    if "iss" in token.claims:
        yield "from a foreign issuer", {"iss": "https://foreign.example"}, ()
    if "aud" in token.claims:
        yield "no audience", {}, ("aud",)
    yield "no subject", {}, ("sub",)
