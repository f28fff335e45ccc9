"""FW402 sync-database-in-async."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.asynchrony import plain_function
from fastwright.review.once import once
from fastwright.review.reach import Step, reach
from fastwright.review.rule import rule
from fastwright.review.statements import statement

_NEAR = 2
"""Calls below which a session is the route's own: further down it may come from elsewhere."""


@rule(code="FW402", severity=Severity.MEDIUM)
def sync_database_in_async(app: AppMap) -> Iterator[Finding]:
    """An async handler or dependency that waits for the database with a blocking session.

    ## Why is this bad?
    A blocking `Session` called from `async def` stops the event loop until the database has
    answered: no other request of the process runs meanwhile, so that throughput falls to one
    statement at a time and a slow query makes health checks fail (CWE-400). FastAPI runs plain
    `def` handlers and dependencies in threads, where the same code harms nobody.

    ## Example
    ```python
    @app.get("/items/{item_id}", response_model=ItemOut)
    async def read_item(item_id: int, session: SessionDep) -> Item | None:
        return session.get(Item, item_id)
    ```

    Use instead:
    ```python
    @app.get("/items/{item_id}", response_model=ItemOut)
    def read_item(item_id: int, session: SessionDep) -> Item | None:
        return session.get(Item, item_id)
    ```

    ## Fix safety
    `async` is taken away where the function awaits nothing and no code of the app awaits it, a
    decorator's neither: it then runs in a thread, with the same answers. Where it awaits
    something, an async engine or `run_in_threadpool` is needed, which is a decision.

    ## Known limits
    The type of the session must be known from an annotation, a dependency or the session maker.
    An annotation that says `Session` of what a route takes as an async session is not believed.
    """
    yield from waiting(app)


@once
def waiting(app: AppMap) -> tuple[Finding, ...]:
    """Every finding; rules that would tell of the same call leave it to this one."""
    reached = reach(app)
    told: dict[str, Finding] = {}
    for ran in reached.ran():
        function = ran.function
        for step in reached.on_loop(function) if function.is_async else ():
            asked = statement(step.call)
            blocks = asked and asked.travels and not asked.is_async and not step.call.awaited
            if blocks and not _is_given_async(app, ran.route, step):
                told.setdefault(function.name, _finding(app, step, function, ran.route))
    return tuple(told.values())


def _is_given_async(app: AppMap, route: Route, step: Step) -> bool:
    """True where every session that the route takes is async, and this one was given by it.

    The annotation is wrong then: a coroutine is dropped, which blocks nobody.
    """
    name, callee = step.call.text.partition(".")[0], (step.call.callee or "").split(".")
    given = (name == "self" or name in step.function.parameters) and len(step.via) < _NEAR
    given = given and callee[-2:-1] == ["Session"]
    asked = {node.call for node in route.every_dependency()}
    kinds = {p.is_async for p in app.sessions if p.kind == "dependency" and p.symbol in asked}
    return given and kinds == {True}


def _finding(app: AppMap, step: Step, function: Function, route: Route) -> Finding:
    inner = "" if step.function is function else f" in `{step.function.name}`"
    return Finding(
        "sync-database-in-async",
        step.place.span,
        f"`{function.name}` is async and blocks the event loop with `{step.call.text}`{inner}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        related=(step.call.span,) if inner else (),
        fixes=plain_function(app, function),
        symbol=function.name,
        structural=True,
    )
