"""One answer of a live app, and the SQL that it ran for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Client = tuple[str, int]
Headers = Sequence[tuple[str, str]] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement; `rows` as the driver counts them, None where it does not."""

    sql: str
    seconds: float | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status; 500 where the app raised, 504 where it was late, 0 where it ended
            without an answer.
        headers: In their order, names in lower case.
        body: The whole body.
        seconds: From the request to the end of the app's work on it.
        error: The app's traceback, where it raised.
        statements: The SQL, where the request was traced.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    error: str | None = None
    statements: tuple[Statement, ...] = ()

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name.lower()), None)


def read(answer: Mapping[str, Any]) -> Answer:
    """The guest's answer as a value."""
    return Answer(
        answer["status"],
        tuple((name.lower(), value) for name, value in answer["headers"]),
        base64.b64decode(answer["body"]),
        answer["seconds"],
        answer["error"],
        tuple(Statement(s["sql"], s["seconds"], s["rows"]) for s in answer["statements"]),
    )


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a live app.

    `path` may carry a query; `client` is the address that the app sees; `timeout` is in seconds;
    `traced` asks for the SQL.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    client: Client | None = None
    timeout: float = 30.0
    traced: bool = False

    def wire(self) -> dict[str, object]:
        """As the guest reads it."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": [list(pair) for pair in self.headers],
            "body": base64.b64encode(self.body).decode("ascii"),
            "client": list(self.client) if self.client else None,
            "timeout": self.timeout,
            "traced": self.traced,
        }


def make_request(
    method: str,
    path: str,
    *,
    headers: Headers = (),
    body: bytes = b"",
    json: object = None,
    form: Mapping[str, str] | None = None,
    client: Client | None = None,
) -> Request:
    """A request with its body from bytes, from a JSON value or from form fields."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if form is not None:
        body = urlencode(form).encode()
        pairs.append(("content-type", "application/x-www-form-urlencoded"))
    elif json is not None:
        body = _json(json)
        pairs.append(("content-type", "application/json"))
    return Request(method, path, tuple(pairs), body, client)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
