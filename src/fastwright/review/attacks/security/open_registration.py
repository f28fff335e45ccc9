"""Does a registration give away, or take, more than it should?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastwright.review.attack import Answer, Client, Needs, Strike, Target
from fastwright.review.attacks.assault import Account, Assault, is_done, says_when

LIMITED = 429
_PLANTED = (("int", 987654), ("date", "2001-01-01T00:00:00"), ("", "admin"))

Row = Mapping[str, str | None]


def open_registration(target: Target, needs: Needs) -> Strike:
    """Whoever registers gets an account of their own, without powers, and not without end.

    Proves that the answer holds neither the password nor its hash, and that a hash is stored; that
    a login which differs from one that is taken in capitals alone is refused, and leaves the first
    one's password as it was; that no column of the accounts' table beside those that are asked for
    can be set from the body; and that registrations from one address meet 429 with ``Retry-After``.

    Needs: ``login``, ``sign_up``, ``sign_up_body``, ``table`` and its columns; ``tries``.

    Limits: values of a role that are not guessed (``admin`` is) are not tried; one process; other
    operations that make accounts are not called.
    """
    assault = Assault(target, needs)
    first = assault.signed_up(assault.unknown_login(), assault.doors.password)
    return (
        _tells_a_secret(assault)
        or _takes_a_taken_one(assault, first)
        or _gives_powers(assault, first)
        or _has_no_end(assault)
        or assault.held("an account of its own, without powers, and a limit for each address")
    )


def _tells_a_secret(assault: Assault) -> Strike | None:
    login = assault.unknown_login()
    answer = _register(assault, login, "a new login")
    stored = _row(assault, login)[assault.hash_column] or ""
    assault.notes.hide(stored)
    if stored == assault.doors.password:
        return assault.struck("a password is stored as it is")
    for name, secret in (("the password", assault.doors.password), ("its hash", stored)):
        if secret.encode() in answer.body:
            return assault.struck(f"a registration answers with {name}")
    return None


def _takes_a_taken_one(assault: Assault, first: Account) -> Strike | None:
    for login, what in ((first.login, "taken"), (first.login.upper(), "taken, in other case")):
        answer = _register(assault, login, what, password=f"another-{assault.doors.password}")
        if is_done(answer):
            return assault.struck(f"a login that is {what} can be registered again")
    assault.token(first, "the first one's password")
    return None


def _gives_powers(assault: Assault, first: Account) -> Strike | None:
    plain = _row(assault, first.login)
    planted = tuple(_planted(assault, plain))
    login = assault.unknown_login()
    more = {attribute: value for _, attribute, value in planted}
    if not is_done(_register(assault, login, "with more fields", more=more)):
        return None
    row = _row(assault, login)
    taken = [
        name for name, _, value in planted if row[name] != plain[name] and _is(row[name], value)
    ]
    if taken:
        return assault.struck(f"a registration sets {', '.join(f'`{name}`' for name in taken)}")
    return None


def _planted(assault: Assault, plain: Row) -> Iterator[tuple[str, str, Any]]:
    """Each column that nobody is asked for, its attribute, and a value that `plain` has not."""
    body = json.loads(assault.doors["sign_up_body"])
    inner = (name for value in body.values() if isinstance(value, dict) for name in value)
    asked = {assault.hash_column, *body, *inner}
    asked.add(assault.doors.get("login_column"))
    described = assault.target.description["tables"]
    (table,) = (t for t in described if t["name"] == assault.doors["table"])
    for column in table["columns"]:
        name, kind = column["name"], (column.get("type") or "").lower()
        attribute = column.get("attribute") or name
        if name in asked or attribute in asked:
            continue
        if "bool" in kind:
            yield name, attribute, plain[name] not in ("True", "1")
        else:
            yield name, attribute, next(value for part, value in _PLANTED if part in kind)


def _is(stored: str | None, planted: Any) -> bool:
    """What was planted is what is stored, however its type writes it."""
    if isinstance(planted, bool):
        return stored in ((str(planted), "1") if planted else (str(planted), "0"))
    return str(planted)[:10] in (stored or "")


def _has_no_end(assault: Assault) -> Strike | None:
    address = assault.address()
    for _ in range(assault.doors.tries):
        answer = _register(assault, assault.unknown_login(), "one of many", client=address)
        if answer.status == LIMITED:
            missing = "429 comes without the seconds to wait"
            return None if says_when(answer) else assault.struck(missing)
    return assault.struck(f"{assault.doors.tries} registrations from one address meet no limit")


def _register(
    assault: Assault,
    login: str,
    what: str,
    *,
    password: str = "",
    client: Client | None = None,
    more: Mapping[str, Any] | None = None,
) -> Answer:
    fields = json.loads(assault.doors["sign_up_body"])
    secret = password or assault.doors.password
    assault.notes.hide(secret)
    operation = assault.doors.operation("sign_up")
    body = _with_more(assault.filled(fields, login=login, password=secret), more or {})
    answer = assault.send(operation, body, encoding="json", client=client)
    assault.notes.exchange(what, operation, answer)
    return answer


def _with_more(body: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """`body` with further fields, beside those of the account wherever these stand."""
    first = next(iter(body.values()), None)
    if len(body) == 1 and isinstance(first, dict):
        return {name: {**more, **first} for name in body}
    return {**more, **body}


def _row(assault: Assault, login: str) -> Row:
    """The row of an account that was registered."""
    row = assault.row_of(login)
    if not row:
        raise assault.cannot("an account that was registered is not found in its table")
    return row
