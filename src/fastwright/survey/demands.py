"""Whether code asks more of a caller than to be somebody: a role, a flag, an admin's key."""

from __future__ import annotations

import re

from fastwright.survey.codebase import Unit
from fastwright.survey.facts import BlockFact, Scope

_RIGHTS = re.compile(
    r"(?:\.|\[\s*[\"']|\(\s*[\"'])(?:(?:is_)?(?:super_?user|super_?admin|admin|staff|sudo|root)|"
    r"(?:user_?)?(?:role|account_type|privilege)s?(?:_name)?|has_(?:role|perm|permission))\b",
    re.IGNORECASE,
)
_KEYS = re.compile(
    r"(?:admin|master|root|super_?user)_?(?:api_?)?(?:token|secret|key|pass(?:word)?)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(r"[!=]=|compare_digest|\bnot in\b|\bin\b")
_PARTS = re.compile(r"\b(?:and|or)\b")
_LACKS = re.compile(r"\bnot\b|!=|\bis False\b|== False")
_NONE_OF = re.compile(r"not\s*\(")
_SHUT_OUT = re.compile(r"bann?ed|block|suspend|delet|inactive|disabl|anonym|guest", re.IGNORECASE)


def demands_more(unit: Unit, index: int) -> bool:
    """Whether a function lets those through alone who have a right, and raises for all others.

    A test that only shuts some out, as those who are blocked, demands nothing of the rest.
    """
    scope = unit.scopes[index]
    arms = (block for block in scope.blocks if block.kind == "arm")
    return any(_refuses(scope, arm, unit.text(arm.words)) for arm in arms if arm.words)


def _refuses(scope: Scope, block: BlockFact, words: str) -> bool:
    """Whether an arm refuses those without a right, or lets those with one pass by a refusal."""
    raised = [stop.start for stop in scope.stops if stop.kind == "raise"]
    if any(block.start <= at < block.end for at in raised):
        return _tells_rights(words, lacking=True)
    lets = any(s.kind == "return" and block.start <= s.start < block.end for s in scope.stops)
    is_refused = lets and any(at >= block.end for at in raised)
    return is_refused and _tells_rights(words, lacking=False)


def _tells_rights(words: str, *, lacking: bool) -> bool:
    """Whether a part of a test is of a right that somebody has, or is `lacking`."""
    whole = _NONE_OF.match(words)
    parts = (p for p in _PARTS.split(words) if bool(whole or _LACKS.search(p)) is lacking)
    return any(
        not _SHUT_OUT.search(part)
        and (_RIGHTS.search(part) or (_KEYS.search(part) and _COMPARES.search(part)))
        for part in parts
    )
