"""How code names an answer that turns somebody away: 401 and 403, by number or by word."""

from __future__ import annotations

import re

from fastwright.survey.facts import Term

_REFUSALS = (
    "unauthor", "forbidden", "credential", "permission", "notauthenticated", "accessdenied",
    "authfail", "autherror", "invalidtoken", "authenticat", "accesstoken", "notpermitted",
    "loginrequired", "requireslogin", "notloggedin",
)  # fmt: skip
_OF_ROWS = re.compile(
    r"not_?found|exist|(?<!not)(?<!not_)assigned|duplicat|conflict|in_?use|format(?!ion)|"
    r"invalid_?permission(?!s|error|exception|$)",
    re.IGNORECASE,
)
"""What is said of permissions and credentials as rows, which are missing or there twice."""
_MEMBER = re.compile(r"(?:\w+\.)*(?:[A-Z]\w*\.(\w+)|([A-Z][A-Z0-9_]*))")


def is_refusal(name: str) -> bool:
    """Whether a name is that of an error which turns somebody away."""
    return any(word in name.lower() for word in _REFUSALS) and not _OF_ROWS.search(name)


def code(term: Term) -> str:
    """The member of an enumeration, or the constant, that names an error, without underscores."""
    found = _MEMBER.fullmatch(term) if isinstance(term, str) else None
    return (found[1] or found[2]).replace("_", "") if found else ""


def refusal(written: str) -> int:
    """401 or 403 where a status is one of them, as a number or by its name; 0 otherwise."""
    if "401" in written or "UNAUTHORIZED" in written:
        return 401
    return 403 if "403" in written or "FORBIDDEN" in written else 0
