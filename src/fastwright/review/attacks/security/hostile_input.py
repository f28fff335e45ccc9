"""Does a login stand what nobody types?"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fastwright.review.attack import Answer, Headers, Needs, Strike, Target
from fastwright.review.attacks.assault import Assault, several
from fastwright.review.attacks.doors import Doors
from fastwright.review.attacks.odd_json import MEGABYTE, odd_bodies, odd_values

INJECTIONS = (
    "' OR '1'='1",
    "' OR 1=1 --",
    "') OR ('a'='a",
    "*)(uid=*))(|(uid=*",
    "%00",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/x}",
    "\r\nSet-Cookie: a=b",
)
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

Request = tuple[str, bytes, Headers]


def hostile_input(target: Target, needs: Needs) -> Strike:
    """Hostile input at the login is answered with a 4xx: never with a 5xx, never let in.

    A login that answers a wrong password with another status may answer so here too.

    Proves it of injection strings in either field, a password and a login of 1 MB, NUL, lone
    surrogates, bytes that are no UTF-8, NaN, Infinity and 1e999, values of other types, deep
    nesting, a 5,000-digit number, cut JSON, an empty body, fields given twice, and wrong content
    types.

    Needs: ``login`` and a way to make accounts.

    Limits: the login alone; nothing is tried against other operations. That an injection changes
    nothing in the database is seen only in that nobody gets in and nothing fails.
    """
    assault = Assault(target, needs)
    assault.hash_quickly()
    victim = assault.account()
    assault.token(victim)
    refusal = assault.log_in(victim.login, "not-the-Password-1").status
    worst = {}
    for what, body, headers in _requests(assault.doors, _changing(assault)):
        answer = _sent(assault, what, body, headers)
        is_refused = 400 <= answer.status < 500 or answer.status == refusal < 500
        if not is_refused or assault.lets_in(answer):
            worst[what] = answer.status
    if worst:
        told = several([f"{what}: {status}" for what, status in worst.items()])
        return assault.struck(f"hostile input is not refused ({told})")
    told = "with a 4xx" if refusal >= 400 else "with a 4xx or as a wrong password is"
    return assault.held(f"every hostile input is answered {told}")


def _changing(assault: Assault) -> Iterator[str]:
    """Accounts, each three times: a limit for each account must not hide what it would answer."""
    while True:
        yield from itertools.repeat(assault.account().login, 3)


def _sent(assault: Assault, what: str, body: bytes, headers: Headers) -> Answer:
    operation = assault.doors.operation("login")
    answer = assault.target.request(
        operation.method, operation.path, headers=headers, body=body, client=assault.address()
    )
    assault.notes.hide(assault.token_in(answer))
    assault.notes.exchange(what, operation, answer)
    return answer


def _requests(doors: Doors, logins: Iterator[str]) -> Iterator[Request]:
    is_form = doors.get("encoding", "form") == "form"
    mine, other = (FORM, JSON) if is_form else (JSON, FORM)
    for what, fields in _fields(doors, logins):
        yield what, _encoded(fields, is_form), (("content-type", mine),)
    yield from _raw_forms(doors, logins) if is_form else _raw_json(doors, logins)
    wrong = doors.credentials(next(logins), "not-the-Password-1")
    yield "no content type", b"\x00\xff", ()
    yield "a content type of its own", _encoded(wrong, is_form), (("content-type", 'a/b; c="d'),)
    yield f"{other} at a login by {mine}", _encoded(wrong, not is_form), (("content-type", other),)
    yield "an empty body", b"", (("content-type", mine),)
    boundless = (("content-type", "multipart/form-data"),)
    yield "multipart without a boundary", b"--x\r\n\r\n", boundless


def _encoded(fields: dict[str, Any], is_form: bool) -> bytes:
    if not is_form:
        return json.dumps(fields).encode()
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in fields.items()).encode()


def _quoted(value: Any) -> str:
    """Lone surrogates travel as the bytes that a careless client would send."""
    return quote(str(value).encode("utf-8", "surrogatepass"))


def _fields(doors: Doors, logins: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for text in INJECTIONS:
        yield f"login {text!r}", doors.credentials(text, doors.password)
        yield f"login and {text!r}", doors.credentials(next(logins) + text, doors.password)
        yield f"password {text!r}", doors.credentials(next(logins), text)
    texts = (("1 MB", "a" * MEGABYTE), ("NUL", "a\0b"), ("a lone surrogate", "a\ud800b"))
    for name, text in texts:
        yield f"a password with {name}", doors.credentials(next(logins), text)
        yield f"a login with {name}", doors.credentials(text, doors.password)
    yield "an empty password", doors.credentials(next(logins), "")


def _raw_forms(doors: Doors, logins: Iterator[str]) -> Iterator[Request]:
    name, secret = doors.login_field, doors.password_field
    bodies = (
        ("bytes that are no UTF-8", "%ff%fe%80"),
        ("a password twice", f"a&{secret}=b"),
        ("broken escapes", "%zz%"),
        ("NaN", "NaN"),
    )
    for what, value in bodies:
        body = f"{name}={quote(next(logins))}&{secret}={value}"
        yield what, body.encode(), (("content-type", FORM),)
    yield "no fields, many ampersands", b"&" * 1000, (("content-type", FORM),)


def _raw_json(doors: Doors, logins: Iterator[str]) -> Iterator[Request]:
    header = (("content-type", JSON),)
    form = json.dumps(doors.credentials("<login>", "<password>"))
    for shown, value in odd_values():
        body = form.replace('"<login>"', json.dumps(next(logins))).replace('"<password>"', value)
        yield f"the password {shown}", body.encode(), header
        body = form.replace('"<login>"', value).replace('"<password>"', '"x"')
        yield f"the login {shown}", body.encode(), header
    for what, whole in odd_bodies(doors.login_field.partition(".")[0]):
        yield what, whole, header
