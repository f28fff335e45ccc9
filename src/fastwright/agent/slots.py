"""The particulars in a request: the path, the lifetime, the extras asked for or waved away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fastwright.agent.lifetimes import STAYING, lifetimes
from fastwright.agent.readings import clauses

Value = str | int | bool | None

_PATH = re.compile(r"(?<![\w.:/])(/[a-z0-9_{}-]+(?:/[a-z0-9_{}-]+)*)(?![\w.])", re.IGNORECASE)
_NEGATION = r"\b(?:no|without|not|don'?t (?:add|want|need)|skip(?:ping)?|except|excluding)\b"
_BETWEEN = r"\s+(?:(?!(?:for|to|of|with|but)\b)[\w-]+,?\s+){0,6}?"
"""What may stand between a negation and what it declines: a list, and not another thought."""
_EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        "refresh": rf"(?:\brefresh(?:[- ]tokens?)?\b|{STAYING})",
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
_READY_PATH = re.compile(r"ready|readiness")
_AT_PATH = re.compile(r"\b(?:at|under|on|as|path|route|endpoint|post)\s+(/[a-z0-9_{}/-]+)")
_ASTRAY = re.compile(
    r"(?<![\w:/.])(?:\.{1,2}/[^\s,;'\"`()]*|/[^\s,;'\"`()]*(?:\.\.|//|\\|%)[^\s,;'\"`()]*)"
)
_LIMITS = re.compile(r"\blimit(?:s|er)?\b[^,;]*\b(redis|memory)\b|\b(redis|memory)\b[^,;]* limit")
_TABLE = (
    re.compile(r"\buser[- ]?table(?: is| called| named|:|=)?\s+['\"`]?(?!for|with|and|that)(\w+)"),
    re.compile(r"\b(?:against|from|in|using) (?:the |my |our )?(?:table )['\"`]?(\w+)"),
    re.compile(
        r"\b(?:against|from|in|using) (?:the |my |our )?['\"`]?"
        r"(?!(?:user|same|new|an?|existing|own|that)\b)(\w+)['\"`]? table\b"
    ),
)
_GUARD = re.compile(
    r"\b(?:requir\w+|protect\w*|secure|guard\w*|lock down|restrict\w*)\b.*"
    r"(?:\broutes?\b|\bendpoints?\b|\bapi\b|\s/\w)"
    r"|(?:\s/\w\S*|\broutes?|\bendpoints?|\bapi)\b.*"
    r"\b(?:requir\w+|needs?|behind|protected)\b.*"
    r"\b(?:auth\w*|log(?:ged)?[- ]?in|jwt|tokens?)\b|\broutes? protected\b"
)
_MIGRATIONS = r"\b(?:alembic|migrations?)\b"
_ALGORITHM = re.compile(r"\b(?:[rhe]s(?:256|384|512)|ps(?:256|384|512)|eddsa|rsa|ed25519)\b")


def options(recipe: str, text: str, own: Sequence[str]) -> dict[str, Value]:
    """The options of `recipe` that a request names outright.

    Args:
        recipe: The recipe's name.
        text: The whole request, in lower case.
        own: Those of its clauses that ask for `recipe`.
    """
    if recipe == "jwt-auth":
        return _login_options(text, own)
    if recipe == "health-checks":
        return _health_options(own)
    return _database_options(text) if recipe == "database" else {}


def paths(text: str) -> tuple[str, ...]:
    """Every URL path that `text` names, in order."""
    return tuple(_PATH.findall(text))


def astray(text: str) -> str:
    """The first path in `text` that leads out of itself (``..``, ``//``, ``%``), or nothing."""
    found = _ASTRAY.search(text)
    return found[0].rstrip(".") if found else ""


def names_any(text: str) -> bool:
    """True where `text` holds a particular of some recipe, taken or waved away."""
    patterns = (
        *_EXTRAS.values(),
        *_UNBUILT.values(),
        _MIGRATIONS,
    )
    if any(re.search(pattern, text) for pattern in patterns) or user_table(text):
        return True
    if _LIMITS.search(text) or _ALGORITHM.search(text):
        return True
    return _LOGIN_PATH.search(" ".join(paths(text))) is not None


def _login_options(text: str, own: Sequence[str]) -> dict[str, Value]:
    limits = _LIMITS.search(text)
    lasting = lifetimes(clauses(text))
    found: dict[str, Value] = {
        "path": _login_path(text, own),
        "access_minutes": lasting.access_minutes,
        "refresh_days": lasting.refresh_days,
        "user_table": user_table(text),
        "limits": (limits[1] or limits[2]) if limits else None,
    }
    return {name: value for name, value in found.items() if value} | extras(text)


def _login_path(text: str, own: Sequence[str]) -> str | None:
    named = [p for p in paths(text) if _LOGIN_PATH.search(p)]
    placed = [m[1] for clause in own for m in _AT_PATH.finditer(clause) if not guards(clause)]
    return next((p for p in (*named, *placed) if not _OTHER_PATH.search(p)), None)


def user_table(text: str) -> str | None:
    """The table, or its class, that `text` says people log in against."""
    return next((found[1] for p in _TABLE if (found := p.search(text))), None)


def guards(clause: str) -> bool:
    """True where `clause` asks that routes which are there shall need a login."""
    return _GUARD.search(clause) is not None


def _health_options(own: Sequence[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for path in (path for clause in own for path in paths(clause)):
        found.setdefault("ready_path" if _READY_PATH.search(path) else "live_path", path)
    return found


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
    wished = tuple(
        name
        for name, pattern in _UNBUILT.items()
        if re.search(pattern, text) and not _declined(pattern, text)
    )
    return wished + tuple(f"signing with {name}" for name in _ALGORITHM.findall(text))


def _declined(pattern: str, text: str) -> bool:
    return re.search(_NEGATION + _BETWEEN + pattern, text) is not None


def _database_options(text: str) -> dict[str, Value]:
    found: dict[str, Value] = {"server": "sqlite"} if re.search(r"\bsqlite\b", text) else {}
    if re.search(_MIGRATIONS, text):
        found["migrations"] = not _declined(_MIGRATIONS, text)
    return found
