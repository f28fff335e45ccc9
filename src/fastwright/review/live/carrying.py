"""Headers and cookies that a route declares, with values that nobody foresaw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastwright.review.live.baits import is_text
from fastwright.review.live.values import BEYOND_32, BEYOND_64, LONG, NEGATIVE, NUL, WORD
from fastwright.review.requests import Ready

if TYPE_CHECKING:
    from fastwright.review.live.stage import Stage

_LONG = 8_000
"""Characters that servers let pass in one header by their defaults."""

_LONG_COOKIE = 3_900
"""Browsers keep no cookie beyond 4,096."""


def carried(
    stage: Stage, place: str, name: str, schema: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Values of a header or cookie, each in the words of a finding.

    All of them pass a server: none holds a control character as it is, which h11 refuses. In a
    cookie it may stand as an escape between quotation marks.
    """
    if schema.get("type") == "integer":
        yield "zero", "0"
        yield NEGATIVE, "-1"
        yield BEYOND_32, str(2**31)
        yield BEYOND_64, str(2**63)
    elif schema.get("type") == "number":
        yield "`NaN`", "NaN"
    elif is_text(schema):
        yield "an empty text", ""
        yield WORD, stage.text()
        yield "letters beyond ASCII", "fw\xe9\xff"
        yield LONG, "x" * (_LONG_COOKIE if place == "cookie" else _LONG)
        if place == "cookie":
            yield NUL, f'"{name}\\000"'


def carrying(plain: Ready, place: str, name: str, value: str) -> Ready:
    """The request with another value of one header or cookie."""
    if place == "header":
        kept = [one for one in plain.headers if one[0] != name.lower()]
        return replace(plain, headers=(*kept, (name.lower(), value)))
    given = [v for n, v in plain.headers if n == "cookie"]
    pairs = [p for v in given for p in v.split("; ") if p.partition("=")[0] != name]
    kept = [one for one in plain.headers if one[0] != "cookie"]
    return replace(plain, headers=(*kept, ("cookie", "; ".join([*pairs, f"{name}={value}"]))))
