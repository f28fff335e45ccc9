"""Which middleware may turn callers away, by its source where that is ours, else by its name."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap, Middleware
from fastwright.model.code import Function
from fastwright.review.reach import reach

_AUTHENTICATES = re.compile(r"auth|jwt|login|permission|access|token|apikey", re.IGNORECASE)
_NOT_AUTHENTICATING = re.compile(r"\b(cors|gzip|session|trustedhost|httpsredirect)", re.IGNORECASE)
_ENTRANCES = frozenset({"dispatch", "__call__"})
_UNSAID = re.compile(r'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'|#[^\n]*|\blog\w*\.\w+\([^()]*\)')
_ACTS = re.compile(
    r"40[13]|unauthor|forbid|authori[sz]ation|authenticat|\bcookies\b|token|jwt|api_?key|"
    r"credential|raise\b|HTTPException|\w*Response\(|\bscope\[|\.state\.\w*(user|auth|account)|"
    r"\bheaders\b|\bsession\b",
    re.IGNORECASE,
)
"""What turns somebody away, or reads who is calling."""
_READS = re.compile(
    r"\b(?:request|scope|conn\w*)\b[^\n]*(?:authori[sz]ation|cookies|token|api.?key)", re.IGNORECASE
)
_REFUSES = re.compile(r"\b401\b|unauthori[sz]ed|not_?authenticated", re.IGNORECASE)
_DEEPEST = 2


def may_refuse(app: AppMap, row: Middleware) -> bool:
    """Whether a middleware may turn callers away, for all that can be read of it."""
    text = _source(app, row.name)
    if _AUTHENTICATES.search(row.name) and not _NOT_AUTHENTICATING.search(row.name):
        return text is None or _ACTS.search(text) is not None
    return text is not None and bool(_READS.search(text) and _REFUSES.search(text))


def _source(app: AppMap, name: str) -> str | None:
    """All that is said by middleware of ours and what it calls; ``None`` where it is not ours.

    A class that leaves the work to its base is not read either.
    """
    own = [f for f in app.functions if name in (f.name, f.class_name)]
    is_class = any(f.class_name == name for f in own)
    if not own or (is_class and not _ENTRANCES & {f.name.rpartition(".")[2] for f in own}):
        return None
    return "\n".join(_UNSAID.sub("", app.text(f.span)) for f in _with_called(app, own))


def _with_called(app: AppMap, own: list[Function]) -> list[Function]:
    found = {function.name: function for function in own}
    newest = own
    for _ in range(_DEEPEST):
        calls = (call for function in newest for call in reach(app).calls_in(function))
        below = [f for f in map(reach(app).callee, calls) if f is not None]
        newest = [f for f in below if f.name not in found]
        found |= {function.name: function for function in newest}
    return list(found.values())
