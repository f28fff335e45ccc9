"""FW520 interchangeable-token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.purposes import Minting, Reading, mintings, readings
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule

_HARM = ("reset", "login", "verification", "invitation")
"""Purposes, the one first that gives most."""

_SAME = frozenset({("verification", "reset")})
"""What is read as the first and signed as the second goes to the same mailbox, and proves it."""

_KINDS = ("type", "typ", "token_type", "token_use", "kind", "use", "purpose", "scope", "scopes",
          "aud", "mode", "refresh")  # fmt: skip
_KIND = re.compile(rf"[\"'](?:{'|'.join(_KINDS)})[\"']|token_type|\.typ\b")
_TIMES = frozenset({"exp", "iat", "nbf", "jti"})
_SUBJECTS = frozenset({"sub", "email", "user", "user_id", "uid", "id", "username", "user_uid"})


@rule(code="FW520", severity=Severity.MEDIUM)
def interchangeable_token(app: AppMap) -> Iterator[Finding]:
    """A token that is taken for something else than it was signed for.

    ## Why is this bad?
    The link that confirms an address lies in the mail for ever, the token of a login in every
    browser. Where the same code signs and reads the token that resets a password, and nothing in it
    says what it is for, whoever comes by one of them sets a new password and has the account
    (CWE-345, CWE-640; OWASP API2:2023, broken authentication).

    ## Example
    ```python
    import jwt

    KEY = "k" * 32


    def sign(email: str) -> str:
        return jwt.encode({"sub": email}, KEY, algorithm="HS256")


    def read(token: str) -> str:
        return jwt.decode(token, KEY, algorithms=["HS256"])["sub"]


    @app.post("/users")
    def sign_up(email: str) -> None:
        logger.info("mailed %d characters", len(sign(email)))


    @app.get("/verify")
    def verify(token: str) -> str:
        return read(token)


    @app.post("/forgot-password")
    def forgot_password(email: str) -> None:
        logger.info("mailed %d characters", len(sign(email)))


    @app.post("/reset-password")
    def reset_password(token: str, password: str) -> str:
        return read(token)
    ```

    Use instead:
    ```python
    import jwt

    KEY = "k" * 32


    def sign(email: str, purpose: str) -> str:
        return jwt.encode({"sub": email, "aud": purpose}, KEY, algorithm="HS256")


    def read(token: str, purpose: str) -> str:
        return jwt.decode(token, KEY, algorithms=["HS256"], audience=purpose)["sub"]


    @app.post("/users")
    def sign_up(email: str) -> None:
        logger.info("mailed %d characters", len(sign(email, "verify")))


    @app.get("/verify")
    def verify(token: str) -> str:
        return read(token, "verify")


    @app.post("/forgot-password")
    def forgot_password(email: str) -> None:
        logger.info("mailed %d characters", len(sign(email, "reset")))


    @app.post("/reset-password")
    def reset_password(token: str, password: str) -> str:
        return read(token, "reset")
    ```

    ## Fix safety
    There is no fix: tokens that are under way when it is deployed end, and how long those may live
    is a decision. Sign the purpose as `aud`, or as the `salt` of a serializer, and demand it where
    the token is read.

    ## Known limits
    Two purposes are told apart by the names of functions and paths: a login, a verification, an
    invitation, a reset. Both must be signed and read with the same key, by its name; the claim that
    names the account must hold the same of it in both; and whoever reads must compare nothing, nor
    the token itself with one that a row or a cache holds. Where one reader takes tokens of several
    other purposes, the first is told: the remedy is one. A refresh token is one by the name of what
    signs it or of what it is bound to; that it does for an access token is only possible where it
    is not seen that both hold the same, or where anything that guards the route speaks of a type.
    """
    seen: set[tuple[str, frozenset[str]]] = set()
    told: set[Span] = set()  # the calls that read, each of which is mended once
    order = {purpose: number for number, purpose in enumerate(_HARM)}
    able = [one for one in readings(app) if one.purpose in order and not one.asks]
    for reading in sorted(able, key=lambda one: order[one.purpose]):
        for minting in mintings(app):
            pair = (reading.key, frozenset({reading.purpose, minting.purpose}))
            if pair in seen or minting.purpose not in order:
                continue
            if not _is_taken(app, reading, minting):
                continue
            seen.add(pair)
            if reading.step.place.span not in told:
                told.add(reading.step.place.span)
                yield _finding(reading, minting)
    yield from _refreshing(app)


def _refreshing(app: AppMap) -> Iterator[Finding]:
    """The first reader of access tokens for each key that takes a refresh token as well."""
    told: set[str] = set()
    readers = [r for r in readings(app) if r.purpose == "login" and r.root.name != r.route.handler]
    for reading in readers:
        ours = [m for m in mintings(app) if m.key == reading.key]
        own = [m for m in ours if not m.refreshes and m.purpose in ("", "login", "refresh")]
        for minting in (m for m in ours if m.refreshes):
            does = _does_for(reading, own, minting)
            if reading.asks or reading.key in told or not does:
                continue
            told.add(reading.key)
            found = _finding(reading, minting, "refresh", "access")
            yield replace(found, structural=does == "surely" and not _is_told(app, reading))


def _does_for(reading: Reading, own: list[Minting], other: Minting) -> str:
    """Whether a refresh token holds what a reader wants: ``surely``, ``maybe``, or not at all."""
    twins = (m for m in own if m.function == other.function and m.given == other.given != "")
    if any(not (reading.claims & m.claims.keys()) for m in twins):
        return "surely"  # both are signed of the same
    if not reading.claims <= other.claims.keys():
        return ""
    alike = [one for one in own if _are_alike(reading, one, other)]
    sure = reading.claims or any(_is_held(one, other) for one in alike)
    return "surely" if alike and sure else "maybe" if alike else ""


def _is_held(own: Minting, other: Minting) -> bool:
    """Whether all that a token holds is in another, and neither says what it is for."""
    names = own.claims.keys() - _TIMES
    untold = not names.intersection(_KINDS)
    return untold and all(own.claims[name] == other.claims.get(name) for name in names)


def _is_told(app: AppMap, reading: Reading) -> bool:
    """Whether anything that guards the route speaks of what a token is for."""
    roots = (r for r in reach(app).roots(reading.route) if r.name != reading.route.handler)
    guards = [f for r in roots for f in (r, *(s.function for s in reach(app).below(r)))]
    return any(_KIND.search(app.text(function.span)) for function in guards)


def _is_taken(app: AppMap, reading: Reading, other: Minting) -> bool:
    """Whether a token that is signed for something else does for the reading."""
    if other.key != reading.key or other.purpose == reading.purpose:
        return False
    if (reading.purpose, other.purpose) in _SAME or not reading.claims <= other.claims.keys():
        return False
    meant = (m for m in mintings(app) if (m.key, m.purpose) == (reading.key, reading.purpose))
    return any(_are_alike(reading, one, other) for one in meant)


def _are_alike(reading: Reading, own: Minting, other: Minting) -> bool:
    """Whether both name an account by the same of it, in the claim that is read."""
    shared = _SUBJECTS & own.claims.keys() & other.claims.keys()
    named = (reading.claims & shared) or shared
    return bool(named) and all(own.claims[n] and own.claims[n] == other.claims[n] for n in named)


def _finding(reading: Reading, other: Minting, kind: str = "", meant: str = "") -> Finding:
    told = f"`{last(other.function)}` signs such a token with `{other.key}`, for another purpose"
    return Finding(
        "interchangeable-token",
        reading.step.place.span,
        f"`{reading.route}` takes a {kind or other.purpose} token for "
        f"{'an' if meant == 'access' else 'a'} {meant or reading.purpose} token: it asks none what "
        "it is for",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(other.at,),
        symbol=f"{reading.root.name}:{kind or other.purpose}",
        structural=True,
    )
