"""FW307 session-leak."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function, Stop
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.given import mentions
from fastwright.review.reach import Reach, last, reach
from fastwright.review.rule import rule
from fastwright.source import layout

_OPENED = frozenset({"sqlalchemy.orm.sessionmaker", "sqlalchemy.ext.asyncio.async_sessionmaker",
                     "sqlalchemy.orm.Session", "sqlalchemy.ext.asyncio.AsyncSession",
                     "sqlmodel.Session", "sqlalchemy.orm.session.Session",
                     "sqlmodel.ext.asyncio.session.AsyncSession"})  # fmt: skip
_MAKERS = ("sessionmaker", "async_sessionmaker")


@rule(code="FW307", severity=Severity.HIGH)
def session_leak(app: AppMap) -> Iterator[Finding]:
    """A database session of a request that an error leaves open.

    ## Why is this bad?
    An open session keeps its connection. Each failing request takes one more out of the pool,
    until every request waits for `pool_timeout` and fails, and only a restart helps (CWE-772).

    ## Example
    ```python
    def get_open_session() -> Iterator[Session]:
        session = SessionLocal()
        yield session
        session.close()


    @app.get("/count")
    def count(session: Annotated[Session, Depends(get_open_session)]) -> int:
        return session.scalar(select(func.count(Item.id))) or 0
    ```

    Use instead:
    ```python
    def get_closed_session() -> Iterator[Session]:
        session = SessionLocal()
        try:
            yield session
        finally:
            session.close()


    @app.get("/count")
    def count(session: Annotated[Session, Depends(get_closed_session)]) -> int:
        return session.scalar(select(func.count(Item.id))) or 0
    ```

    ## Fix safety
    Safe: the `yield` of a dependency moves into a `try` whose `finally` closes the session. None is
    offered for other functions, where a `with` block around all that uses it is the repair.

    ## Known limits
    Sessions that a function hands on, keeps in an object or opens in a `with` are not judged, nor
    are scoped sessions and those of a connection that a `with` gives.
    """
    reached = reach(app)
    for ran in reached.ran():
        for call in reached.calls_in(ran.function):
            found = _leak(reached, ran.function, call, is_root=ran.is_root)
            if found:
                yield _finding(app, ran.function, call, found, str(ran.route))


def _leak(reached: Reach, function: Function, call: Call, *, is_root: bool) -> str:
    """How a session that is opened by `call` can stay open; empty where it cannot."""
    name = call.target
    if call.callee == "builtins.next" and _steps_a_dependency(reached, function, call):
        # Whoever steps a dependency by hand may close what it took by hand too.
        never = "takes a session out of its dependency, which nobody closes"
        return _unclosed(reached, function, name, never)
    if call.callee not in _OPENED or last(call.text) in _MAKERS or _is_borrowing(function, call):
        return ""
    if is_root and any(s.kind == "return" and _gives(s, call, name) for s in function.stops):
        return "returns a session, which nobody closes"
    if not name.isidentifier() or _is_handed_on(reached, function, name):
        return ""
    return _unclosed(reached, function, name, f"never closes `{name}`")


def _unclosed(reached: Reach, function: Function, name: str, never: str) -> str:
    """`never` where nothing closes `name`; empty where it is closed whatever happens."""
    closes = [c for c in reached.calls_in(function) if _closes(reached, c, name)]
    if not closes:
        return never
    safe = any(b.kind == "finally" for c in closes for b in around(function, c.span.start))
    return "" if safe and _yields_inside(function) else f"closes `{name}` only if nothing fails"


def _closes(reached: Reach, call: Call, name: str) -> bool:
    """``name.close()``, or a call of a function of ours that closes what it is given."""
    if call.text == f"{name}.close":
        return True
    below = reached.callee(call) if any(mentions(text, {name}) for text in _given(call)) else None
    closed = {f"{name}.close" for name in below.parameters} if below is not None else set()
    return below is not None and any(c.text in closed for c in reached.calls_in(below))


def _steps_a_dependency(reached: Reach, function: Function, call: Call) -> bool:
    providers = {s.symbol for s in reached.app.sessions if s.kind == "dependency"}
    inner = (c for c in reached.calls_in(function) if c is not call)
    return any(
        c.callee in providers and call.span.start < c.span.start < call.span.end for c in inner
    )


def _is_managed(function: Function, call: Call) -> bool:
    """True where the session is that of a ``with`` statement."""
    return any(
        block.kind == "with" and block.group <= call.span.start < block.start
        for block in function.blocks
    )


def _is_borrowing(function: Function, call: Call) -> bool:
    """True where a ``with`` ends the session, or the connection that it is bound to."""
    given = {*call.arguments[:1], dict(call.keywords).get("bind", "")}
    return _is_managed(function, call) or any(
        block.kind == "with"
        and block.start <= call.span.start < block.end
        and given & set(re.findall(r"\bas\s+(\w+)", block.words))
        for block in function.blocks
    )


def _gives(stop: Stop, call: Call, name: str) -> bool:
    inside = stop.start <= call.span.start and call.span.end <= stop.end
    return inside or (bool(name) and stop.value == name)


def _is_handed_on(reached: Reach, function: Function, name: str) -> bool:
    """True where something else may close it: it is returned, kept, or managed by name."""
    returned = any(s.kind == "return" and mentions(s.value, {name}) for s in function.stops)
    managed = any(b.kind == "with" and mentions(b.words, {name}) for b in function.blocks)
    classes = (c for c in reached.calls_in(function) if last(c.text)[:1].isupper())
    kept = any(mentions(text, {name}) for c in classes for text in _given(c))
    return returned or managed or kept


def _given(call: Call) -> Iterator[str]:
    yield from call.arguments
    yield from (value for _, value in call.keywords)


def _yields_inside(function: Function) -> bool:
    """True where every ``yield`` stands in a ``try`` that has a ``finally``."""
    ends = {b.group for b in function.blocks if b.kind == "finally"}
    stops = (s for s in function.stops if s.kind == "yield")
    return all(
        any(b.kind == "try" and b.group in ends for b in around(function, stop.start))
        for stop in stops
    )


def _finding(app: AppMap, function: Function, call: Call, how: str, route: str) -> Finding:
    return Finding(
        "session-leak",
        call.span,
        f"`{function.name}` {how}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        fixes=_fixes(app, function, call),
        symbol=f"{function.name}:{call.text}",
        structural=True,
    )


def _fixes(app: AppMap, function: Function, call: Call) -> tuple[Fix, ...]:
    """``try: yield session`` with a ``finally`` that closes it."""
    stops = [s for s in function.stops if s.kind == "yield"]
    name, path = call.target, call.span.path
    if len(stops) != 1 or stops[0].value != name or around(function, stops[0].start):
        return ()
    content = app.files[path]
    start, end = layout.line_start(content, stops[0].start), stops[0].end
    indent = layout.indentation(content, stops[0].start)
    if content[start:end].decode().strip() != f"yield {name}":
        return ()
    wait = "await " if "async" in (call.callee or "").lower() else ""
    deeper = indent + "    "
    text = f"{indent}try:\n{deeper}yield {name}\n{indent}finally:\n{deeper}{wait}{name}.close()"
    rest = content[end : function.span.end]
    closing = re.match(rf"\s*(?:await )?{re.escape(name)}\.close\(\)[ \t]*".encode(), rest)
    if rest[closing.end() if closing else 0 :].strip():
        return ()
    whole = Span(path, start, end + (closing.end() if closing else 0))
    edit = Edit(whole, text, "the session is closed when the request fails, too")
    return (Fix("Close the session in any case", Safety.SAFE, (edit,)),)
