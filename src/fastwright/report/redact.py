"""Secrets and tokens out of a report, before any of it is written or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fastwright.model import wire
from fastwright.model.proof import Report

HIDDEN = "«hidden»"
_SHAPES = (
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]*\.[\w-]*"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{16,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<=://)([^\s:/@'\"{}]+):([^\s@'\"{}]+)@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"\$(?:argon2\w*|2[aby]|pbkdf2\S*?|scrypt)\$[\w./+,=$-]{16,}"), HIDDEN),
)
_SHORTEST = 8


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the values in `secrets` and without whatever is shaped like a token.

    A value under eight characters is left: it would match words of the source.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    for pattern, instead in _SHAPES:
        text = pattern.sub(instead, text)
    return text


def redact_report(report: Report, secrets: Iterable[str] = ()) -> Report:
    """`report` with every string redacted, and without the text of files marked secret."""
    kept = tuple(secrets)
    return wire.from_json(Report, _walk(wire.to_json(report), kept))


def _walk(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, list):
        return [_walk(item, secrets) for item in value]
    if isinstance(value, dict):
        hidden = {"text": HIDDEN} if value.get("secret") is True else {}
        return {name: _walk(item, secrets) for name, item in (value | hidden).items()}
    return value
