"""FW212 failing-route."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.code import Function, Stop
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.failing import failure_below
from fastwright.review.impasses import impassable
from fastwright.review.raising import Failure
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.source.imports import ensure_import

_RAISED = re.compile(r"NotImplementedError(?:\((?P<given>[^()]*)\))?")
_TEXT = re.compile(r"""(?P<text>(["']).*?\2)""", re.DOTALL)


@rule(code="FW212", severity=Severity.HIGH)
def failing_route(app: AppMap) -> Iterator[Finding]:
    """A route that answers 500 to a valid request of whoever may call it.

    ## Why is this bad?
    The contract promises an operation that does not work. Its clients see an outage, monitoring
    counts an error of the server's, and nobody can tell it from a real one (CWE-755).

    ## Example
    ```python
    @app.post("/exports", status_code=201)
    def export(user: CurrentUser) -> None:
        raise NotImplementedError
    ```

    Use instead:
    ```python
    @app.post("/exports", status_code=201)
    def export(user: CurrentUser) -> None:
        raise HTTPException(status_code=501, detail="Not implemented")
    ```

    ## Fix safety
    Changes behaviour: what is not there yet is answered with 501, which says so. What only a run
    shows has no fix.

    ## Known limits
    From source alone a handler is reported that always raises `NotImplementedError`, that reads a
    pydantic model by `model["key"]`, for which the attribute is the fix, that asks an
    `AsyncSession` for `.query(…)`, that looks a key of UUIDs up by a whole number, or that makes a
    row with a plain value for a relationship, by itself or in what it always calls; and, wherever
    it comes to it, what no run can get past: a member that an `Enum` does not have, an attribute
    that a mapped class, its row, the row behind a relationship or the model of a body does not
    have, an operator that a column does not have, a key that a dictionary of the same function does
    not hold, a keyword that a logger does not take, a call that lacks what a function or schema of
    yours requires or names what it does not take, an `HTTPException`, session, engine or other
    object that is called and cannot be, a row for a model without `from_attributes`, a name that
    nothing binds, an import of what your module does not have, and `session.begin()` behind a
    statement of that session. A mistake that stands in several places is told once, and what an
    `except` names is foreseen. `--live` calls every operation as its owner and proves those that
    end in an exception which no data can excuse (`NameError`, `NotImplementedError`, a lazy load in
    `async` code, a value that cannot be written as JSON); any other is a question, for a row that
    the lab has made up may be one that the app never makes. A service that is missing in the lab is
    no fault of the app's.
    """
    reached, seen = reach(app), set[str]()
    raising = tuple(_raising(app))
    yield from raising
    yield from impassable(app, {at for finding in raising for at in (finding.at, *finding.related)})
    nets = {a for c in app.calls if c.text.endswith("exception_handler") for a in c.arguments[:1]}
    if nets & {"NotImplementedError", "Exception"}:
        return
    for route in app.routes:
        function = reached.answering(route) if route.reachable else None
        stop = _always(function) if function is not None else None
        if function is not None and stop is not None and route.handler not in seen:
            seen.add(route.handler)
            yield _finding(app, route, function, stop)


def _raising(app: AppMap) -> Iterator[Finding]:
    """Handlers that come to an expression which raises whatever was sent."""
    told = set[str]()
    for route in app.routes:
        root = reach(app).answering(route) if route.reachable else None
        found = failure_below(app, root) if root is not None else None
        if found is None or root is None or root.name in told:
            continue
        told.add(root.name)
        failure, step = found
        fixes = _meant(failure)
        yield Finding(
            "failing-route",
            failure.at if step is None else step.place.span,
            f"`{route}` {_ends(route)} whatever it does not refuse: `{_expression(app, failure)}` "
            f"raises `{failure.error}`",
            evidence=(Evidence(EvidenceKind.SOURCE, failure.why),),
            related=() if step is None else (failure.at,),
            fixes=fixes if step is None else (),
            symbol=route.handler,
            structural=True,
        )


def _ends(route: Route) -> str:
    return "breaks off at" if route.method == "WEBSOCKET" else "answers 500 to"


def _expression(app: AppMap, failure: Failure) -> str:
    return app.text(failure.at).rstrip("(")


def _meant(failure: Failure) -> tuple[Fix, ...]:
    if not failure.instead:
        return ()
    edit = Edit(failure.at, failure.instead, failure.why)
    return (Fix(f"Read `{failure.instead}`", Safety.CHANGES_BEHAVIOUR, (edit,)),)


def _always(function: Function) -> Stop | None:
    """The ``raise`` in which every run ends that is not refused before."""
    for stop in () if function.yields else function.stops:
        is_held = any(block.kind != "with" for block in around(function, stop.start))
        if stop.kind == "return" or (not is_held and not _RAISED.fullmatch(stop.value.strip())):
            return None
        if not is_held:
            return stop
    return None


def _finding(app: AppMap, route: Route, function: Function, stop: Stop) -> Finding:
    at = Span(function.span.path, stop.start, stop.end)
    changes = _answered(app, at, stop)
    return Finding(
        "failing-route",
        at,
        f"`{route}` {_ends(route)} whatever it does not refuse: it raises `NotImplementedError`",
        evidence=(Evidence(EvidenceKind.SOURCE, "no run of the handler ends otherwise"),),
        fixes=(Fix("Answer 501", Safety.CHANGES_BEHAVIOUR, changes),) if changes else (),
        symbol=route.handler,
        structural=True,
    )


def _answered(app: AppMap, at: Span, stop: Stop) -> tuple[Change, ...]:
    written = app.text(at)
    found = _RAISED.search(written)
    if found is None or not written.startswith("raise"):
        return ()
    given = _TEXT.fullmatch((found["given"] or "").strip())
    detail = given["text"] if given else '"Not implemented"'
    bound = ensure_import(app, at.path, "fastapi", "HTTPException")
    start = at.start + len(written[: found.start()].encode())
    span = Span(at.path, start, start + len(found[0].encode()))
    why = "what is not there yet is no failure of the server's"
    del stop
    return (*bound.edits, Edit(span, f"{bound.local}(status_code=501, detail={detail})", why))
