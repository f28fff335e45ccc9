"""``session.begin()`` where a statement of the same session has begun a transaction already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function, Mistake
from fastwright.model.places import Span
from fastwright.review.course import always
from fastwright.review.once import once
from fastwright.review.reach import last, reach

_SESSION = re.compile(r"^(?:sqlalchemy|sqlmodel)\..*\b(?:AsyncSession|Session)\.begin$")
_BEGINS = frozenset({"execute", "scalar", "scalars", "get", "exec", "query", "refresh", "flush"})
_ENDS = frozenset({"commit", "rollback", "close", "reset"})


def begun_twice(app: AppMap) -> Iterator[Mistake]:
    """The calls of ``begin`` behind a statement that each run up to them has made.

    The first statement of a session begins its transaction by itself.
    """
    for call in app.calls:
        if last(call.text) != "begin" or not _SESSION.match(call.callee or ""):
            continue
        function = reach(app).functions.get(call.caller)
        before = _before(app, function, call) if function is not None else None
        if before is not None and not _waits(app):
            session = call.text.rpartition(".")[0]
            at = Span(call.span.path, call.span.start, call.span.start + len(call.text.encode()))
            why = f"`{before.text}` above has begun a transaction of `{session}`"
            yield Mistake(call.caller, at, "InvalidRequestError", why)


def _before(app: AppMap, function: Function, begin: Call) -> Call | None:
    """The statement of the same session in front of `begin`, where nothing ends it between."""
    session = begin.text.rpartition(".")[0]
    found = None
    for call in reach(app).calls_in(function):
        if call.span.end > begin.span.start:
            continue
        if last(call.text) in _ENDS and call.text.rpartition(".")[0] == session:
            found = None
        elif always(function, call.span.start) and _begins(app, call, session):
            found = call
    return found


def _begins(app: AppMap, call: Call, session: str) -> bool:
    """True for a statement of `session`, and for a method of the same object that makes one."""
    receiver, _, verb = call.text.rpartition(".")
    if receiver == session:
        return verb in _BEGINS
    inner = reach(app).callee(call)
    if inner is None or receiver != "self" or not session.startswith("self."):
        return False
    calls = reach(app).calls_in(inner)
    own = [c for c in calls if c.text.rpartition(".")[0] == session]
    ends = any(last(c.text) in _ENDS for c in own)
    made = (c for c in own if last(c.text) in _BEGINS and always(inner, c.span.start))
    return not ends and next(made, None) is not None


@once
def _waits(app: AppMap) -> bool:
    """True where sessions are told not to begin by themselves."""
    return any(b"autobegin" in content for content in app.files.values())
