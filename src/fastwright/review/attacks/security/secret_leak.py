"""Does the app say what it must keep to itself?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastwright.review.attack import Answer, Needs, Strike, Target
from fastwright.review.attacks.assault import Account, Assault
from fastwright.review.attacks.doors import Operation
from fastwright.review.harm import is_telling

MOST_OPERATIONS = 60
_HASH = re.compile(rb"\$(?:argon2\w*|2[aby]|pbkdf2[\w-]*|scrypt|5|6)\$[\w./+,=$-]{12,}")
_TRACE = re.compile(rb"Traceback \(most recent call last\)|File \\?\"[^\"]+\.py\\?\", line \d+")
_TRACEBACK = "a traceback"
_SETTINGS = '{name: __import__("os").environ.get(name, "") for name in names}'


def secret_leak(target: Target, needs: Needs) -> Strike:
    """No answer holds a password, a password's hash, a secret of the settings, or a traceback.

    Proves it of a login that works and one that fails, of every operation without parameters or
    with simple ones that can be read (GET), each called by nobody and by a user, of the ends of the
    road (404, 405, 422), and of the OpenAPI document with its examples and defaults.

    Needs: ``login``, ``protected``, a way to make accounts; ``secrets`` names the settings whose
    values must not be seen.

    Limits: operations that write are not called; only the first 60 are; a secret that is encoded
    or cut is not recognised. The answer of a login holds the token, which is its purpose. An error
    of a route that has nothing to do with the login, in an app that shows its tracebacks, is told
    and not held against the login.
    """
    assault = Assault(target, needs)
    account = assault.account()
    token = assault.token(account)
    hidden = _hidden(assault, account)
    for what, answer, is_ours in _answers(assault, account, token):
        told = _leaks(answer, hidden)
        if told == _TRACEBACK and not is_ours:
            assault.notes.measure(f"{what} shows {told} of the app's own")
        elif told:
            assault.notes.exchange(what, "leaks", answer)
            return assault.struck(f"{what} shows {told}")
    return assault.held("no answer holds a hash, a password, a secret or a traceback")


def _hidden(assault: Assault, account: Account) -> dict[bytes, str]:
    """What must not be seen, with its name."""
    names = [name.strip() for name in assault.doors.get("secrets").split(",") if name.strip()]
    values = assault.target.evaluate(_SETTINGS, names=names) if names else {}
    hidden = {value: f"the setting `{name}`" for name, value in values.items() if is_telling(value)}
    hidden[account.password] = "a password"
    assault.notes.hide(*hidden)
    return {text.encode(): name for text, name in hidden.items()}


def _leaks(answer: Answer, hidden: dict[bytes, str]) -> str:
    if _HASH.search(answer.body):
        return "a password hash"
    if _TRACE.search(answer.body):
        return _TRACEBACK
    everything = answer.body + repr(answer.headers).encode()
    return next((name for text, name in hidden.items() if text in everything), "")


def _answers(assault: Assault, account: Account, token: str) -> Iterator[tuple[str, Answer, bool]]:
    """Each answer with what was asked for, and whether it is of the login or its guard."""
    right = assault.log_in(account.login, account.password, what="right password")
    wrong = assault.log_in(account.login, "wrong-Password-1", what="wrong password")
    yield "a login", right, True
    yield "a failed login", wrong, True
    document = assault.target.description.get("openapi") or {}
    login = assault.doors.operation("login")
    yield from ((what, answer, True) for what, answer in _odd_ends(assault, login))
    protected = str(assault.doors.operation("protected"))
    for operation in _readable(document, account):
        for who, headers in (("nobody", ()), ("a user", assault.doors.carried(token))):
            answer = assault.target.request(
                operation.method, operation.path, headers=headers, client=assault.address()
            )
            yield f"{operation} for {who}", answer, str(operation) == protected
    assault.notes.measure(f"{len(_readable(document, account))} operations read, each twice")


def _odd_ends(assault: Assault, login: Operation) -> Iterator[tuple[str, Answer]]:
    header = (("content-type", "application/json"),)
    ends = (
        ("a 404", Operation("GET", "/fw-nowhere"), b""),
        ("a 405", Operation("TRACE", login.path), b""),
        ("a 422", login, b'{"password": [1'),
        ("the contract", Operation("GET", "/openapi.json"), b""),
        ("the documentation", Operation("GET", "/docs"), b""),
    )
    for what, at, body in ends:
        yield (
            what,
            assault.target.request(
                at.method, at.path, headers=header, body=body, client=assault.address()
            ),
        )


def _readable(document: dict[str, Any], account: Account) -> list[Operation]:
    """The GET operations of the contract, simple path parameters filled in."""
    found = []
    for path, methods in (document.get("paths") or {}).items():
        if "get" in methods:
            filled = re.sub(r"\{[^}]*\}", str(account.key or 1), path)
            found.append(Operation("GET", filled))
    return found[:MOST_OPERATIONS]
