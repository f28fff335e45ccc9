"""What code turns away by itself, before it does anything: nobody, and whoever is no administrator.

A test counts where each run meets it: one that stands in another, or behind an ``if`` that some
pass by, turns only a few away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Block, Call, Function
from fastwright.model.routing import Dependency, Route
from fastwright.review.course import always, around
from fastwright.review.reach import reach

_ADMINISTERS = r"(?:\w*admin(?:istrator)?s?|(?:is_)?super_?users?|(?:is_)?staff|is_root|sudo)"
_LACKS = re.compile(
    rf"not\s+(?:await\s+)?[\w.]*\b{_ADMINISTERS}(?:\(\))?|"
    rf"[\w.]*\b{_ADMINISTERS}\s*(?:is\s+False|is\s+not\s+True|[!=]=\s*False)|"
    rf"[\w.\[\]\"'()]*(?:role|type|group)\w*[\"']?\]?\)?(?:\.\w+)*\s*(?:!=|is\s+not)\s*"
    rf"(?:[\"']{_ADMINISTERS}[\"']|[\w.]*\.{_ADMINISTERS}(?:\.value|\.name)?)|"
    rf"[\w.]*(?:role|type|group)\w*(?:\.\w+)*\s+not\s+in\s+"
    rf"[\[({{]\s*(?:[\"'\w.]*{_ADMINISTERS}[\"']?(?:\.value)?\s*,?\s*)+[\])}}]",
    re.IGNORECASE,
)
"""A test that holds for whoever is no administrator; without ``and``, and no other kind of them."""
_UNSAID = re.compile(r'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'|#[^\n]*')
_TURNED_AWAY = re.compile(r"(?i)Redirect|\b40[13]\b|unauthor|forbidden|login")
_OF_ROLES = re.compile(r"(?i)_?roles?(?:_|$)|Roles?(?:[A-Z]|$)")
_ROLE = re.compile(r"[\"'](\w+)[\"']|\b\w*[Rr]ole\w*\.(\w+)")
_ASKS = re.compile(r"(?i)^(require|ensure|check|assert|verify|validate|demand|must)_\w*admin")


def refuses_nobody(app: AppMap, route: Route) -> bool:
    """Whether a route that lets a caller without credentials in turns them away behind that.

    So does one that uses the caller at once, and fails where there is none.
    """
    optional = {g.name for g in route.guards if g.role == "principal" and g.optional}
    if not optional:
        return False
    nodes = [(node.call, node.children) for node in route.every_dependency()]
    return any(
        child.call in optional and _needs(app, name, child)
        for name, children in ((route.handler, route.dependencies), *nodes)
        for child in children
    )


def _needs(app: AppMap, name: str, given: Dependency) -> bool:
    """Whether a function goes on only with what a dependency gives it."""
    function = reach(app).functions.get(name)
    if function is None or not given.name:
        return False
    caller = re.escape(given.name)
    absent = re.compile(rf"(?:not\s+{caller}|{caller}\s+is\s+None)(?:\s+or\b.*)?", re.DOTALL)
    if any(absent.fullmatch(block.words) for block in _refusing(function)):
        return True
    text = _UNSAID.sub(lambda said: " " * len(said[0].encode()), app.text(function.span))
    if re.search(rf"\b(?:if|and|or|not)\s+{caller}\b(?!\.)|\b{caller}\s+(?:and|or|is)\b", text):
        return False
    used = re.search(rf"(?<![\w.\"'#]){caller}\.\w", text)
    before = text[: used.start()].encode() if used else None
    return before is not None and always(function, function.span.start + len(before))


def demands_administrator(app: AppMap, route: Route) -> bool:
    """Whether the handler, or what it calls for that, refuses whoever is no administrator."""
    handler = reach(app).answering(route)
    if handler is None:
        return False
    if _demands(handler):
        return True
    for call in reach(app).calls_in(handler):
        inner = reach(app).callee(call) if always(handler, call.span.start) else None
        if inner is None or not any(stop.kind == "raise" for stop in inner.stops):
            continue
        if _demands(inner) or _ASKS.match(call.text.rpartition(".")[2]) or _asks_for(call):
            return True
    return False


def _asks_for(call: Call) -> bool:
    """Whether a call of a role check names administrators alone: ``check_role(["ADMIN"], …)``."""
    if not _OF_ROLES.search(call.text.rpartition(".")[2]):
        return False
    given = [*call.arguments, *(value for _, value in call.keywords)]
    named = [hit[1] or hit[2] for text in given for hit in _ROLE.finditer(text)]
    return bool(named) and all(re.fullmatch(_ADMINISTERS, word, re.IGNORECASE) for word in named)


def _demands(function: Function) -> bool:
    return any(_is_of_administrators(block.words) for block in _refusing(function, answers=False))


def _is_of_administrators(words: str) -> bool:
    """Whether whoever is no administrator meets a test, whatever else does."""
    bare = words.strip()
    while bare.startswith("(") and bare.endswith(")") and bare.count("(") == 1:
        bare = bare[1:-1].strip()
    parts = re.split(r"\s+or\s+", bare)
    return any(" and " not in part and _LACKS.fullmatch(part.strip()) for part in parts)


def _refusing(function: Function, *, answers: bool = True) -> Iterator[Block]:
    """The arms that end a run in an error, of tests that each run meets.

    With `answers` those too that answer that nobody is known, or send them to a login.
    """
    ends = [
        stop.start
        for stop in function.stops
        if stop.kind == "raise" or (answers and _TURNED_AWAY.search(stop.value))
    ]
    for block in function.blocks:
        ended = any(block.start <= at < block.end for at in ends)
        if ended and block.kind == "arm" and block.words and _is_met(function, block):
            yield block


def _is_met(function: Function, block: Block) -> bool:
    """Whether a test is the first of its ``if``, and stands in no other."""
    earlier = (b for b in function.blocks if b.group == block.group and b.start < block.start)
    outer = (b.kind for b in around(function, block.group))
    left = any(s.kind == "return" and s.end <= block.group for s in function.stops)
    return not left and not any(earlier) and not {"arm", "for", "while", "except"} & set(outer)
