"""Do the operations beside a login stand what no client sends?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fastwright.review.attack import Needs, Strike, Target
from fastwright.review.attacks.assault import Assault, several
from fastwright.review.attacks.doors import Operation
from fastwright.review.attacks.odd_json import odd_bodies, odd_texts, odd_values

FAILED = 500
JSON = (("content-type", "application/json"),)


def hostile_bodies(target: Target, needs: Needs) -> Strike:
    """Hostile JSON at the operations beside a login is never answered with a 5xx.

    Proves it of each named operation, with one field at a time replaced by NaN, Infinity, 1e999,
    values of other types, deep nesting, a 5,000-digit number, half a surrogate pair, NUL and other
    control characters and 1 MB of text, the other fields as they should be; and of bodies that are
    no object, cut short, no UTF-8, nested without end, empty, or of another content type.

    Needs: ``bodies``.

    Limits: one field at a time; that nothing of it is stored is not looked at.
    """
    assault = Assault(target, needs)
    bodies = assault.doors.mapping("bodies")
    if not bodies:
        raise assault.cannot("no operation is named that takes JSON")
    worst = []
    for name, fields in bodies.items():
        operation = Operation.read(name)
        failures = list(_failures(assault, operation, fields))
        worst += [f"{operation}, {several(failures)}"] if failures else []
    if worst:
        return assault.struck(f"hostile JSON makes the app fail ({'; '.join(worst)})")
    return assault.held(f"hostile JSON is refused or taken at {', '.join(bodies)}")


def _failures(assault: Assault, operation: Operation, fields: Mapping[str, str]) -> Iterator[str]:
    for what, body, headers in _requests(assault, fields):
        answer = assault.target.request(
            operation.method, operation.path, headers=headers, body=body, client=assault.address()
        )
        assault.notes.exchange(what, operation, answer)
        if not answer.status or answer.status >= FAILED:
            yield f"{what}: {answer.status}"


def _requests(
    assault: Assault, fields: Mapping[str, str]
) -> Iterator[tuple[str, bytes, tuple[tuple[str, str], ...]]]:
    for field in fields:
        for shown, value in (*odd_values(), *odd_texts()):
            good = assault.filled(fields)
            others = [f"{json.dumps(n)}: {json.dumps(v)}" for n, v in good.items() if n != field]
            body = "{" + ", ".join((*others, f"{json.dumps(field)}: {value}")) + "}"
            yield f"`{field}` {shown}", body.encode(), JSON
    for what, whole in odd_bodies(next(iter(fields))):
        yield what, whole, JSON
    yield "an empty body", b"", JSON
    yield "no content type", b"\x00\xff", ()
    yield "a form", b"a=b&a=c", (("content-type", "application/x-www-form-urlencoded"),)
