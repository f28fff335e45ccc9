"""How long a token is to be good for, as a request says it, and of which token it says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

LONGEST = 24 * 60
"""Minutes that an access token may be good for: nothing can take it back before."""
_DURATION = re.compile(
    r"\b(\d+|an?|one)[- ]?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|months?"
    r"|years?)\b"
)
MOST_DAYS = 365
"""Days that a refresh token may be good for where it is not used."""
_SECONDS = MappingProxyType(
    {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "o": 30 * 86400, "y": 365 * 86400}
)
_DAY = 86400
_BOUNDS = MappingProxyType(
    {
        "access": "access tokens last 1 minute to 24 hours",
        "refresh": "refresh tokens last 1 to 365 days",
    }
)
STAYING = (
    r"\b(?:(?:stay|remain|keep|kept)\w*(?: \w+){0,3} (?:logged|signed)[- ]in|remember[- ]me)\b"
)
"""Words for a login that outlives an access token: what refresh tokens are for."""
_ANCHOR = re.compile(
    rf"(?P<refresh>\brefresh(?:[- ]tokens?|ing)?\b|{STAYING})|\b(?:access|tokens?|jwts?)\b"
)
_LOGIN = re.compile(r"\b(?:log[- ]?ins?|sign[- ]?ins?|sessions?)\b")
_LASTING = re.compile(
    r"\b(?:valid\w*|expir\w*|lifetimes?|lasts?|lasting|good for|lives?|ttl|long[- ]lived)\b"
)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What is asked for and may be, of each token; `unsure` says what was not taken."""

    access_minutes: int | None = None
    refresh_days: int | None = None
    unsure: tuple[str, ...] = ()


def lifetimes(clauses: Sequence[str]) -> Lifetimes:
    """What `clauses`, in order and in lower case, say of how long a token is good for.

    A duration belongs to the token that is named nearest to it in its clause; a clause that speaks
    of lasting and names none goes with the one before. Other durations are nobody's lifetime.
    """
    minutes = days = None
    unsure: list[str] = []
    before = ""
    for clause in clauses:
        for match in _DURATION.finditer(clause):
            kind = _token(clause, match, before)
            if kind == "refresh" and _DAY <= _seconds(match) <= MOST_DAYS * _DAY:
                days = _seconds(match) // _DAY
            elif kind == "access" and 60 <= _seconds(match) <= LONGEST * 60:
                minutes = _seconds(match) // 60
            elif kind:
                unsure.append(f"`{match[0]}` is not taken: {_BOUNDS[kind]}")
        before = _last(clause) or before
    return Lifetimes(minutes, days, tuple(unsure))


def _token(clause: str, duration: re.Match[str], before: str) -> str:
    """``access``, ``refresh``, or nothing where the duration is of no token."""
    anchors = [
        (min(abs(a.start() - duration.end()), abs(duration.start() - a.end())), _kind(a))
        for a in _ANCHOR.finditer(clause)
    ]
    if anchors:
        return min(anchors)[1]
    if not _LASTING.search(clause):
        return ""
    return "access" if _LOGIN.search(clause) else before


def _kind(anchor: re.Match[str]) -> str:
    return "refresh" if anchor["refresh"] else "access"


def _last(clause: str) -> str:
    """The token that `clause` names last; a login stands for its access token."""
    kinds = [_kind(a) for a in _ANCHOR.finditer(clause)]
    return kinds[-1] if kinds else "access" if _LOGIN.search(clause) else ""


def _seconds(duration: re.Match[str]) -> int:
    count, unit = duration.groups()
    letter = "o" if unit.startswith("mo") else unit[0]
    return (int(count) if count.isdigit() else 1) * _SECONDS[letter]
