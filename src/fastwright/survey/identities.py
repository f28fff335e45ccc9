"""Who is calling, as read out of a cookie, a header or the session, without a security scheme."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastwright.model.app import Dependency, Parameter
from fastwright.survey.codebase import Unit

_PEOPLE = r"(?:user|account|member|customer|principal|admin|employee|student|player|organi[sz]er)"
_OF_TYPE = re.compile(
    rf"(?i)_?(?:current|db|auth|authenticated|the|base)?_?{_PEOPLE}"
    r"(?:model|entity|row|orm|db|in_?db|schema|out|read|dto|record|table|public|response|base)?"
)
_OF_NAME = re.compile(rf"(?i)(?:^|_){_PEOPLE}s?(?:_|$)|identity|^(?:get_|current_)?me$")
_OF_SOMETHING_ELSE = re.compile(
    r"(?i)agent|service|repo|dao|store|manager|factory|client|limit|cart|basket|locale|lang|theme"
)
_READS = re.compile(
    r"\bcookies\b|\brequest\.session\b|\.headers\b[^\n]*(?:authorization|token|api.?key)|"
    r"\.state\.(?:current_)?user\b",
    re.IGNORECASE,
)
_CARRIES = re.compile(r"token|session|auth|api_?key|jwt|cookie|credential", re.IGNORECASE)
_UNSAID = re.compile(r'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'|#[^\n]*')


def is_person(node: Dependency) -> bool:
    """Whether what a dependency yields is an account: by its type, or by its name where plain."""
    name = node.call.rpartition(".")[2]
    kind = node.returns or ""
    if _OF_SOMETHING_ELSE.search(name):
        return False
    if "." in kind and not kind.startswith("builtins."):
        return _OF_TYPE.fullmatch(kind.rpartition(".")[2]) is not None
    return _OF_NAME.search(name) is not None


def reads_who(unit: Unit, index: int, parameters: Iterable[Parameter]) -> bool:
    """Whether a function reads what a caller shows to be somebody."""
    scope = unit.scopes[index]
    asked = (p for p in parameters if p.source in ("cookie", "header"))
    if any(_CARRIES.search(p.name) for p in asked):
        return True
    text = _UNSAID.sub("", unit.text((scope.body, scope.body_end)))
    return _READS.search(text) is not None
