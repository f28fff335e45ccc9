"""FW571 late-commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Dependency, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.reach import Reach, holds, last, reach
from fastwright.review.rule import rule
from fastwright.review.statements import statement
from fastwright.review.versions import runs_on

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_STAGED = frozenset({"add", "add_all", "delete", "merge", "flush", "bulk_save_objects"})
_ASKS = re.compile(r"(get|list|search|query|find|read|fetch|count|filter)(_|$)")


@rule(code="FW571", severity=Severity.HIGH)
def late_commit(app: AppMap) -> Iterator[Finding]:
    """A session dependency that commits after the response has been sent.

    ## Why is this bad?
    Since FastAPI 0.118 what stands behind the `yield` of a dependency runs once the response is
    out. A commit there that fails, by a constraint or a lost connection, is answered 201: the
    client believes in a row that does not exist (CWE-252, CWE-394).

    ## Example
    ```python
    def unit_of_work() -> Iterator[Session]:
        with SessionLocal() as session:
            yield session
            session.commit()


    @app.post("/users", status_code=201)
    def add_user(email: str, session: Annotated[Session, Depends(unit_of_work)]) -> None:
        session.add(User(email=email, hashed_password=""))
    ```

    Use instead:
    ```python
    def unit_of_work() -> Iterator[Session]:
        with SessionLocal() as session:
            yield session
            session.commit()


    Work = Annotated[Session, Depends(unit_of_work, scope="function")]


    @app.post("/users", status_code=201)
    def add_user(email: str, session: Work) -> None:
        session.add(User(email=email, hashed_password=""))
    ```

    ## Fix safety
    Safe: with `scope="function"` the dependency ends when the handler has returned, before the
    response is sent, as it did before 0.118. Offered from FastAPI 0.121 on, where no other
    dependency with a `yield` stands on this one. Streamed responses must not use the session.

    ## Known limits
    Where neither a lock nor a manifest tells the version of FastAPI, the finding is only possible;
    so it is where no route is seen to write and other code commits by itself.
    """
    if runs_on(app, "fastapi", "0.118") is False:
        return
    reached = reach(app)
    for function, _ in reached.every_root().values():
        place = _late(function, reached)
        uses = list(_uses(app, function.name)) if place is not None else []
        trusting = [route for route, _, _ in uses if _trusts(route, reached)]
        seen = [route for route in trusting if _is_seen_to_write(route, reached)]
        trusting = [*seen, *(route for route in trusting if route not in seen)]
        if place is not None and trusting:
            told = _finding(app, function, place, trusting, [(node, up) for _, node, up in uses])
            sure = seen or not _commits_by_hand(app)
            yield told if sure else replace(told, structural=False)


def _late(function: Function, reached: Reach) -> Span | None:
    """The commit behind the ``yield`` of a dependency, or the block that commits on leaving."""
    path = function.span.path
    for stop in function.stops if function.yields else ():
        for call in reached.calls_in(function):
            asked = statement(call)
            behind = call.span.start >= stop.end and asked and asked.verb == "commit"
            if behind and not any(b.kind == "except" for b in around(function, call.span.start)):
                return call.span
        for block in around(function, stop.start):
            if stop.kind == "yield" and block.kind == "with" and ".begin()" in block.words:
                return Span(path, stop.start, stop.end)
    return None


def _uses(app: AppMap, name: str) -> Iterator[tuple[Route, Dependency, tuple[Dependency, ...]]]:
    """Every place in a route's tree where a dependency stands, with those above it."""
    for route in app.routes:
        for root in route.dependencies if route.reachable else ():
            for node, above in _walk(root, ()):
                if node.call == name and dict(node.options).get("scope") != "'function'":
                    yield route, node, above


def _walk(
    node: Dependency, above: tuple[Dependency, ...]
) -> Iterator[tuple[Dependency, tuple[Dependency, ...]]]:
    yield node, above
    for child in node.children:
        yield from _walk(child, (*above, node))


def _trusts(route: Route, reached: Reach) -> bool:
    """True for a route that writes, and leaves the commit to the dependency."""
    root = reached.answering(route)
    writes = _is_seen_to_write(route, reached) or (
        route.method in _WRITES and not _only_asks(route)
    )
    asked = (statement(step.call) for step in reached.below(root)) if root is not None else ()
    return writes and root is not None and not any(a and a.verb == "commit" for a in asked)


def _commits_by_hand(app: AppMap) -> bool:
    """True where some code commits that is no provider of sessions: the unseen may do so too."""
    providers = [provider.span for provider in app.sessions if provider.span is not None]
    commits = (c for c in app.calls if (one := statement(c)) is not None and one.verb == "commit")
    return any(not any(holds(span, call.span) for span in providers) for call in commits)


def _is_seen_to_write(route: Route, reached: Reach) -> bool:
    root = reached.answering(route)
    asked = (statement(step.call) for step in reached.below(root)) if root is not None else ()
    staged = any(one is not None and one.verb in _STAGED for one in asked)
    return staged or any(query.kind != "select" for query in route.queries)


def _only_asks(route: Route) -> bool:
    """True for ``POST /items/list`` and the like, which ask by a body."""
    names = (route.path.rpartition("/")[2], last(route.handler))
    return route.method == "POST" and any(_ASKS.match(name) for name in names)


def _finding(
    app: AppMap,
    function: Function,
    place: Span,
    routes: list[Route],
    nodes: list[tuple[Dependency, tuple[Dependency, ...]]],
) -> Finding:
    known = runs_on(app, "fastapi", "0.118") is True
    count = len(dict.fromkeys(map(str, routes)))
    others = f" and {count - 1} more" if count > 1 else ""
    return Finding(
        "late-commit",
        place,
        f"`{last(function.name)}` commits after the response of `{routes[0]}`{others} was sent",
        evidence=(Evidence(EvidenceKind.SOURCE, "FastAPI 0.118 and later leave it for then"),),
        fixes=_fixes(app, nodes),
        symbol=function.name,
        structural=known,
    )


def _fixes(app: AppMap, nodes: list[tuple[Dependency, tuple[Dependency, ...]]]) -> tuple[Fix, ...]:
    """``scope="function"`` in every ``Depends`` of the dependency."""
    functions = reach(app).functions
    above = {node.call for _, way in nodes for node in way}
    spans = {node.span for node, _ in nodes}
    held = any(name in functions and functions[name].yields for name in above)
    if runs_on(app, "fastapi", "0.121") is False or held or None in spans:
        return ()
    why = "a commit that fails must fail the request, not follow its answer"
    edits = []
    for span in sorted(filter(None, spans)):
        written = app.text(span)
        if not written.endswith(")") or "Depends(" not in written or "scope" in written:
            return ()
        at = span.start + len(written[:-1].rstrip().rstrip(",").encode())
        edits.append(Edit(Span(span.path, at, at), ', scope="function"', why))
    return (Fix("End the unit of work with the handler", Safety.SAFE, tuple(edits)),)
