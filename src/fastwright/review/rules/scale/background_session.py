"""FW603 background-session."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.asynchrony import spawns
from fastwright.review.reach import Reach, holds, last, reach
from fastwright.review.rule import rule
from fastwright.review.versions import runs_on

_KEEPS = re.compile(r"_*[A-Z]\w*|partial")
"""What is called so keeps what it is given: a class by convention, and `functools.partial`."""

_WAITS = r"\bawait\b[^\n]*\b(?:gather|wait|wait_for{})\b|\bas_completed\("


@rule(code="FW603", severity=Severity.MEDIUM)
def background_session(app: AppMap) -> Iterator[Finding]:
    """Work behind the response that is given the database session of the request.

    ## Why is this bad?
    From FastAPI 0.106 to 0.117 the session is closed before a background task runs, and so it is
    with `scope="function"`: used again it takes a connection that nobody gives back. In the other
    versions the connection is held until the task is done, so that slow mail empties the pool. A
    task of asyncio races with the end of the request in all of them (CWE-672, CWE-772).

    ## Example
    ```python
    def record(session: Session, title: str) -> None:
        session.add(Item(title=title, owner_id=1))
        session.commit()


    @app.post("/items", status_code=202)
    def add_item(title: str, session: SessionDep, tasks: BackgroundTasks) -> None:
        tasks.add_task(record, session, title)
    ```

    Use instead:
    ```python
    def record(title: str) -> None:
        with SessionLocal() as session:
            session.add(Item(title=title, owner_id=1))
            session.commit()


    @app.post("/items", status_code=202)
    def add_item(title: str, tasks: BackgroundTasks) -> None:
        tasks.add_task(record, title)
    ```

    ## Fix safety
    None is offered: the task must open a session of its own and load what it needs by key.

    ## Known limits
    The session itself must be handed on, or an object that is made with it. Rows of it, which are
    as detached, are not judged.
    """
    reached = reach(app)
    providers = {provider.symbol for provider in app.sessions}
    told: set[Span] = set()
    for root, routes in reached.every_root().values():
        for route in routes[:1]:
            names = _sessions(route, root, providers)
            for call in reached.calls_in(root) if names else ():
                if call.span in told or not _outlives(app, root, call):
                    continue
                given = next((name for name in names if _carries(reached, root, call, name)), "")
                if given:
                    told.add(call.span)
                    yield _finding(app, root, call, route, ends=names[given])


def _sessions(route: Route, root: Function, providers: set[str]) -> dict[str, bool]:
    """The parameters that hold the request's session; True where it ends with the handler."""
    found = {}
    for node in route.every_dependency():
        if node.call in providers and node.name in root.parameters:
            found[node.name] = dict(node.options).get("scope") == "'function'"
    return found


def _outlives(app: AppMap, root: Function, call: Call) -> bool:
    """True for a call that starts work which may run behind the response."""
    if not spawns(call):
        typed = dict(root.annotations).get(call.text.partition(".")[0], "")
        return last(call.text) == "add_task" and bool(re.search(r"\bBackgroundTasks\b", typed))
    rest = app.files[call.span.path][call.span.end : root.span.end].decode("utf-8", "replace")
    waits = _WAITS.format(f"|{call.target}" if call.target.isidentifier() else "")
    return not call.awaited and (call.dropped or not re.search(waits, rest))


def _carries(reached: Reach, root: Function, call: Call, name: str) -> bool:
    """True where a session is part of what the work gets, not only of what is computed for it."""
    content, whole = reached.app.files[call.span.path], call.span
    inner = [c for c in reached.calls_in(root) if c is not call and holds(whole, c.span)]
    written = re.compile(rb"(?<![\w.])%b\b(?!\s*=[^=])" % name.encode())
    for found in written.finditer(content, whole.start, whole.end):
        at = Span(whole.path, found.start(), found.end())
        chain = [c for c in inner if holds(c.span, at)]
        later = b"lambda" in content[whole.start : at.start]
        if later or all(_keeps(reached, call, c, chain) for c in chain):
            return True
    return False


def _keeps(reached: Reach, call: Call, inner: Call, chain: list[Call]) -> bool:
    """True where what `inner` gives holds on to its arguments: an object, or a coroutine."""
    called = reached.callee(inner)
    waits = called is not None and called.is_async
    is_started = spawns(call) and all(holds(inner.span, other.span) for other in chain)
    return not inner.awaited and bool(waits or is_started or _KEEPS.fullmatch(last(inner.text)))


def _finding(app: AppMap, root: Function, call: Call, route: Route, *, ends: bool) -> Finding:
    adds = last(call.text) == "add_task"
    after = runs_on(app, "fastapi", "0.106") is True and runs_on(app, "fastapi", "0.118") is False
    closed = ends or after or not adds
    harm = "which is closed by then" if closed else "whose connection is held until it is done"
    work = next(iter(call.arguments), "the task")
    return Finding(
        "background-session",
        call.span,
        f"`{root.name}` gives `{work}` the session of the request, {harm}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs behind the response of `{route}`"),),
        symbol=f"{root.name}:{work}",
        structural=True,
    )
