"""What a WebSocket that only listens is sent by others, and whether everybody may read that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.routing import Route
from fastwright.review.answers import Answers
from fastwright.review.guarding import Guarding, guarding_of
from fastwright.review.reach import Reach, reach

_SENDS = re.compile(r"\.send(?:_\w+)?\(")
_KEY = re.compile(r"""["'](\w+)["']\s*:""")
_DICTIONARY = re.compile(r"\{[^{}]*\}")


def tells_what_is_open(app: AppMap, handler: Function) -> bool:
    """Whether all that a listening socket can be sent is given by an open ``GET`` as well.

    The handler hands its socket to an object that keeps it; what the methods of that object's class
    are given elsewhere is all that is sent.
    """
    reached = reach(app)
    if _SENDS.search(app.text(handler.span)) is not None:
        return False
    keepers = {name for call in reached.calls_in(handler) if (name := _keeper(reached, call))}
    sent = [_keys(call) for name in keepers for call in _broadcasts(app, reached, name)]
    if not sent or not all(sent):
        return False
    shown = _shown(app, guarding_of(app))
    return all(key in shown for keys in sent for key in keys)


def _keeper(reached: Reach, call: Call) -> str:
    """The class of the object that a call is made on, where it is one of ours."""
    inner = reached.callee(call)
    return (inner.class_name or "") if inner is not None else ""


def _broadcasts(app: AppMap, reached: Reach, keeper: str) -> Iterator[Call]:
    """The calls, outside of a class, of its methods that send."""
    own = {f.name for f in app.functions if f.class_name == keeper}
    for call in app.calls:
        inner = reached.callee(call) if call.caller not in own else None
        if inner is not None and inner.name in own and _SENDS.search(app.text(inner.span)):
            yield call


def _keys(call: Call) -> frozenset[str]:
    """The keys of the one dictionary that a call is given; none where that is not seen."""
    given = [*call.arguments, *(value for _, value in call.keywords)]
    whole = [value for value in given if _DICTIONARY.fullmatch(value.strip())]
    texts = [value for value in given if value not in whole and not re.fullmatch(r"[\w.]+", value)]
    spread = any("**" in value for value in whole)
    found = (_KEY.findall(value) for value in whole)
    return frozenset() if texts or spread else frozenset(key for keys in found for key in keys)


def _shown(app: AppMap, guarding: Guarding) -> frozenset[str]:
    """The names of what open routes answer ``GET`` with, and of the rows' own keys."""
    answers = Answers(app)
    routes: list[Route] = [r for r in guarding.served if r.method == "GET" and guarding.is_open(r)]
    names = {leaf.name for route in routes for leaf in answers.fields(route)}
    tables = {name for route in routes for query in route.queries for name in query.tables[:1]}
    keys = {f"{name.removesuffix('s')}_id" for name in tables}
    return frozenset(names | keys)
