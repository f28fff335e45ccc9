"""Why an app did not do what it was asked, in one line, as its answer or its traceback tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastwright.model.app import AppMap
from fastwright.review.attack import Answer
from fastwright.review.live.exchange import Exchange

_RAISED = re.compile(r"^[\s|]*(?:[a-z_]\w*\.)*([A-Z]\w*[a-z]\w*(?:: .*)?)$")
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_WORDS = ("detail", "message", "msg", "error", "errors", "title")
_LONGEST = 120


def reason(answer: Answer | Exchange, app: AppMap) -> str:
    """The status of an answer with what is behind it; `app` says which files are the app's own."""
    error = getattr(answer, "error", None) or ""
    told = str(raised(error, app)) if error else _short(_said(answer.body)) or _sent_on(answer)
    return f"{answer.status}: {told}" if told else str(answer.status)


class Refusals:
    """What each door of an app, tried in vain, has answered."""

    def __init__(self, app: AppMap) -> None:
        self._app = app
        self._answers: dict[str, str] = {}

    def note(self, door: str, answer: Answer) -> None:
        """Keep the answer of `door`; what broke down stands, for it says more than a refusal."""
        if answer.status >= 500 or not self._answers.get(door, "").startswith("5"):
            self._answers[door] = reason(answer, self._app)

    def told(self, doors: Iterable[str] | None = None) -> str:
        """Each of `doors`, by default of all, that let nobody in, with its answer."""
        named = self._answers if doors is None else doors
        rows = ((door, self._answers[door]) for door in named if door in self._answers)
        return "; ".join(f"`{door}` answers {answer}" for door, answer in rows)


def _sent_on(answer: Answer | Exchange) -> str:
    """Where a redirection leads."""
    place = dict(getattr(answer, "headers", ())).get("location", "")
    return f"sent on to `{_short(place)}`" if place else ""


@dataclass(frozen=True, slots=True)
class Raised:
    """What ended a request: the last exception of a traceback, with its first words.

    `place` is the last place in the app on the way to it, as ``path:line``.
    """

    text: str = ""
    place: str = ""

    @property
    def kind(self) -> str:
        """The class of the exception."""
        return self.text.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.text} ({self.place})" if self.text and self.place else self.text


def raised(error: str, app: AppMap) -> Raised:
    """What a traceback tells; `app` says which files are the app's own."""
    lines = error.splitlines()
    found = [m[1] for m in map(_RAISED.match, lines) if m and "Traceback" not in m[1]]
    frames = [m for m in map(_FRAME.search, reversed(lines)) if m]
    paths = [str(path) for path in app.files if path.suffix == ".py"]
    own = (f"{path}:{m[2]}" for m in frames for path in paths if m[1].endswith(f"/{path}"))
    return Raised(_short(found[-1]) if found else "", next(own, ""))


def _said(body: bytes) -> str:
    """The first words for people in a JSON answer."""
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    return next(_texts(value), "")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value[:1]:
            yield from _texts(inner)
    elif isinstance(value, dict):
        place = value.get("loc")
        where = f"`{place[-1]}` " if isinstance(place, list) and place else ""
        for name in _WORDS:
            yield from (f"{where}{text}" for text in _texts(value.get(name)))


def _short(text: str) -> str:
    one = re.sub(r"\s+", " ", text).strip()
    return one if len(one) <= _LONGEST else f"{one[:_LONGEST].rstrip()}…"
