"""FW603 background-session."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.given import mentions
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.versions import runs_on

_SPAWNS = frozenset({"create_task", "ensure_future"})


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
    The session itself must be handed on. Rows of it, which are as detached, are not judged.
    """
    reached = reach(app)
    providers = {provider.symbol for provider in app.sessions}
    told: set[Span] = set()
    for root, routes in reached.every_root().values():
        for route in routes[:1]:
            names = _sessions(route, root, providers)
            for call in reached.calls_in(root) if names else ():
                how = _outlives(call, names, root)
                if how and call.span not in told:
                    told.add(call.span)
                    yield _finding(app, root, call, route, ends=names[how])


def _sessions(route: Route, root: Function, providers: set[str]) -> dict[str, bool]:
    """The parameters that hold the request's session; True where it ends with the handler."""
    found = {}
    for node in route.every_dependency():
        if node.call in providers and node.name in root.parameters:
            found[node.name] = dict(node.options).get("scope") == "'function'"
    return found


def _outlives(call: Call, names: dict[str, bool], root: Function) -> str:
    """The session that a call hands to work that may run behind the response."""
    typed = dict(root.annotations).get(call.text.partition(".")[0], "")
    adds = last(call.text) == "add_task" and re.search(r"\bBackgroundTasks\b", typed)
    given = [*call.arguments, *(value for _, value in call.keywords)]
    if not adds and not (last(call.text) in _SPAWNS and "asyncio" in (call.callee or "")):
        return ""
    return next((name for name in names if any(mentions(v, {name}) for v in given)), "")


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
