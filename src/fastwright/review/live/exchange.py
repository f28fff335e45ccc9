"""One request of an examination with its answer, kept as evidence and to be sent again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastwright.model.finding import Caller, Evidence, EvidenceKind
from fastwright.review.attack import Answer, Headers
from fastwright.review.attacks.notes import Notes
from fastwright.review.requests import Ready

TWICE = "twice"
"""The same request had been served just before."""

UNCOMMITTED = "uncommitted"
"""Every commit failed meanwhile."""

POSED = "a token "
"""With a token that does not hold; what is wrong with it follows."""

SWITCHED = "switched off: "
"""The account was switched off meanwhile; the column and its value follow."""

_SHOWN = 400
_READ = 20_000
"""Characters of a body that are looked through for what must be hidden, before it is cut."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A row that a call takes for granted: its table, its columns, and whose it is."""

    table: str
    row: Mapping[str, Any]
    caller: Caller = Caller.OWNER


@dataclass(frozen=True, slots=True)
class Exchange:
    """What `caller` sent to `route` (``METHOD /path`` of the contract), and what came back.

    `row` is what it named; `stands` are the rows that were there beside, those above others first.
    `place` is where a row of `named` was named, if not in the path of the row's own: ``("query",
    name)``, or the way in a body; `below` is the table that came to have a row below it.
    `staging` says what had to be so for it: `TWICE`, `UNCOMMITTED`, `POSED` with what is wrong
    with the token, or `SWITCHED` with what the account says; empty for nothing. `carried` are the
    headers of who sent it.
    """

    caller: Caller
    route: str
    method: str
    request: Ready
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    error: str = ""
    seconds: float = 0.0
    row: Mapping[str, Any] = field(default_factory=dict)
    staging: str = ""
    stands: tuple[Stand, ...] = ()
    place: tuple[str, ...] = ()
    named: str = ""
    below: str = ""
    carried: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls, caller: Caller, route: str, sent: tuple[str, Ready], answer: Answer, row: Any = None
    ) -> Exchange:
        """The exchange that `answer` ends."""
        method, request = sent
        error = getattr(answer, "error", None) or ""
        return cls(
            caller, route, method, request, answer.status, answer.body, answer.headers, error,
            answer.seconds, row or {},
        )  # fmt: skip

    @property
    def worked(self) -> bool:
        """The app did what was asked."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """The app turned the caller away, or hid what is there."""
        return self.status in (301, 302, 303, 307, 401, 403, 404)

    @property
    def text(self) -> str:
        """The body of the answer as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def json_sent(self) -> Any:
        """The body of the request as JSON; None where it is none."""
        try:
            return json.loads(self.request.body)
        except ValueError:
            return None

    @property
    def own_headers(self) -> Headers:
        """The headers without those that its sender carried with every request."""
        cookies, found = _cookies(self.carried).items(), []
        for name, value in self.request.headers:
            if name == "cookie":
                left = dict(_cookies(((name, value),)).items() - cookies)
                found += [(name, _joined(left))] if left else []
            elif (name, value) not in self.carried:
                found.append((name, value))
        return tuple(found)

    def evidence(self, notes: Notes, what: str = "") -> Evidence:
        """Request and response in a line, secrets hidden; `what` says what is to be seen in it."""
        sent = self.request.body.decode("utf-8", "replace")
        asked = f"{self.method} {self.request.path}"
        asked = asked if len(asked) <= _SHOWN else f"{asked[:_SHOWN]}…"
        values = [("request", asked), ("caller", self.caller.value)]
        values += [("sent", notes.mask(sent[:_READ])[:_SHOWN])] if sent else []
        told = "; ".join(f"{n}: {v}" for n, v in self.own_headers if n != "content-type")
        values += [("headers", notes.mask(told[:_READ])[:_SHOWN])] if told else []
        shown = notes.mask(self.text[:_READ])[:_SHOWN]
        values += [("status", str(self.status)), ("response", shown)]
        line = f"{self.caller.value}: {asked} → {self.status}"
        told = f"{line}: {what}" if what else line
        return Evidence(EvidenceKind.HTTP, notes.mask(told), tuple(values))


def with_headers(request: Ready, headers: Headers) -> Ready:
    """The same request, sent as somebody; of two headers or cookies of a name its own counts."""
    own = {name for name, _ in request.headers}
    kept = [*request.headers, *(one for one in headers if one[0] not in own)]
    if "cookie" in own:
        cookies = {**_cookies(headers), **_cookies(request.headers)}
        kept = [*(one for one in kept if one[0] != "cookie"), ("cookie", _joined(cookies))]
    return replace(request, headers=tuple(kept))


def _cookies(headers: Headers) -> dict[str, str]:
    pairs = (pair for name, value in headers if name == "cookie" for pair in value.split(";"))
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}


def _joined(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
