"""The particulars in a request: the path, the lifetime, the extras asked for or waved away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

Value = str | int | bool | None

_PATH = re.compile(r"(?<![\w.:/])(/[a-z0-9_{}-]+(?:/[a-z0-9_{}-]+)*)(?![\w.])", re.IGNORECASE)
_LIFETIME = re.compile(r"(\d+)[- ]?(minutes?|mins?|m|hours?|hrs?|h|days?|d)\b")
_MINUTES = MappingProxyType({"m": 1, "h": 60, "d": 24 * 60})
_NEGATION = r"\b(?:no|without|not|don'?t (?:add|want|need)|skip(?:ping)?|except|excluding)\b"
_BETWEEN = r"\s+(?:(?!(?:for|to|of|with|but)\b)[\w-]+,?\s+){0,6}?"
"""What may stand between a negation and what it declines: a list, and not another thought."""
_EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        "refresh": r"\brefresh(?:[- ]tokens?)?\b",
        "logout": r"\b(?:log[- ]?out|sign[- ]?out|revo(?:ke|cation))\b",
        "registration": r"\b(?:registration|register(?:ing)?(?! (?:the|this|an?) (?:rout|app|endp))"
        r"|sign(?:ing)?[- ]?ups?|self[- ]service)\b",
        "roles": r"\b(?:roles?|rbac|admins|admin[- ](?:users?|only|accounts?|rights?|access))\b",
    }
)
_UNBUILT: Mapping[str, str] = MappingProxyType({"permissions": r"\bpermissions?\b"})
"""What people ask for beside a login, and no option builds yet."""
_LOGIN_PATH = re.compile(r"log-?in|sign-?in|token|auth|session")
_OTHER_PATH = re.compile(r"refresh|log-?out|sign-?out|register|registration|sign-?up")
_HEALTH_PATH = re.compile(r"health|ready|live|ping|status")


def options(recipe: str, text: str) -> dict[str, Value]:
    """The options of `recipe` that `text`, in lower case, names outright."""
    readers = {"jwt-auth": _login_options, "database": _database_options}
    return readers.get(recipe, _no_options)(text)


def paths(text: str) -> tuple[str, ...]:
    """Every URL path that `text` names, in order."""
    return tuple(_PATH.findall(text))


def _no_options(_text: str) -> dict[str, Value]:
    return {}


def _login_options(text: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    asked = (p for p in paths(text) if _LOGIN_PATH.search(p) and not _OTHER_PATH.search(p))
    path = next(asked, None)
    if path:
        found["path"] = path
    minutes = lifetime(text)
    if minutes:
        found["access_minutes"] = minutes
    return found | extras(text)


def lifetime(text: str) -> int | None:
    """How many minutes a token is to be good for, where `text` says it of tokens."""
    if not re.search(r"token|jwt|expir|valid|lifetime|session|login", text):
        return None
    match = _LIFETIME.search(text)
    return int(match[1]) * _MINUTES[match[2][0]] if match else None


def extras(text: str) -> dict[str, Value]:
    """The priced options that `text` asks for (True) or declines (False)."""
    return {
        name: not _declined(pattern, text)
        for name, pattern in _EXTRAS.items()
        if re.search(pattern, text)
    }


def unbuilt(recipe: str, text: str) -> tuple[str, ...]:
    """What `text` asks for beside `recipe` that none of its options builds."""
    if recipe != "jwt-auth":
        return ()
    return tuple(
        name
        for name, pattern in _UNBUILT.items()
        if re.search(pattern, text) and not _declined(pattern, text)
    )


def _declined(pattern: str, text: str) -> bool:
    return re.search(_NEGATION + _BETWEEN + pattern, text) is not None


def _database_options(text: str) -> dict[str, Value]:
    if not re.search(r"\balembic\b|\bmigrations?\b", text):
        return {}
    return {"alembic": not re.search(_NEGATION + _BETWEEN + r"\b(?:alembic|migrations?)\b", text)}
