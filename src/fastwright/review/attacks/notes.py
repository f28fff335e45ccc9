"""What an attack saw, kept as evidence with every secret hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.review.attack import Answer

HIDDEN = "«hidden»"
MOST = 60
"""Exchanges kept of one attack; of those in the middle, what the app failed at is
kept too, and the others are counted."""

_SHOWN = 300
_SHAPES = (
    re.compile(r"\beyJ[\w-]{4,}\.[\w-]*\.?[\w-]*"),
    re.compile(r"\$(?:argon2\w*|2[aby]|pbkdf2[\w-]*|scrypt|5|6)\$[\w./+,=$-]{12,}"),
)


class Notes:
    """The exchanges of one attack, in order."""

    def __init__(self) -> None:
        self._kept: list[Evidence] = []
        self._secrets: set[str] = set()

    def hide(self, *secrets: str | None) -> None:
        """Never show these texts."""
        self._secrets.update(secret for secret in secrets if secret and len(secret) >= 4)

    def exchange(self, what: str, operation: object, answer: Answer) -> None:
        """One request and what came back, in a line; `what` says which request of its kind."""
        body = answer.body.decode("utf-8", "replace")
        retry = dict(answer.headers).get("retry-after")
        values = [("status", str(answer.status)), ("body", self.mask(body)[:_SHOWN])]
        values += [("retry-after", f"{retry} s")] if retry else []
        text = f"{operation} ({what}) → {answer.status}"
        self._kept.append(Evidence(EvidenceKind.HTTP, self.mask(text), tuple(values)))

    def put_last(self, whats: Iterable[str]) -> None:
        """Put the exchanges that decided at the end, where a short account takes them from."""
        marks = tuple(self.mask(f"({what}) ") for what in whats)
        self._kept.sort(key=lambda one: any(mark in one.text for mark in marks))

    def measure(self, text: str, values: Iterable[tuple[str, str]] = ()) -> None:
        """A figure that was measured."""
        self._kept.append(Evidence(EvidenceKind.MEASURE, self.mask(text), tuple(values)))

    def evidence(self) -> tuple[Evidence, ...]:
        """Everything noted; of very many exchanges, the first and the last."""
        if len(self._kept) <= MOST:
            return tuple(self._kept)
        half = MOST // 2
        middle = self._kept[half:-half]
        failed = [e for e in middle if dict(e.values).get("status", "").startswith("5")][:half]
        gap = Evidence(EvidenceKind.HTTP, f"{len(middle) - len(failed)} more exchanges, not shown")
        return (*self._kept[:half], *failed, gap, *self._kept[-half:])

    def mask(self, text: str) -> str:
        """`text` without the secrets, tokens and hashes in it."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        for shape in _SHAPES:
            text = shape.sub(HIDDEN, text)
        return text
