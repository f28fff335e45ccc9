"""FW601 outbound-without-timeout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.callers import callers_of
from fastwright.review.course import around
from fastwright.review.outbound import waits_for_ever
from fastwright.review.reach import Ran, reach
from fastwright.review.rule import rule
from fastwright.review.sent_values import given_by

_NONE = re.compile(rb"\btimeout\s*=\s*(None)\b")
_SECONDS = "10"
_ITSELF = frozenset({"self", "cls"})
_DEEPEST = 4


@rule(code="FW601", severity=Severity.MEDIUM)
def outbound_without_timeout(app: AppMap) -> Iterator[Finding]:
    """A request to another server, made for a route, that no timeout ends.

    ## Why is this bad?
    An upstream that accepts the connection and never answers holds the thread or task for ever.
    Forty such requests take all threads that FastAPI has for `def` handlers, and the app answers
    nobody, though nothing in it is broken (CWE-400, CWE-1088).

    ## Example
    ```python
    @app.get("/rates")
    def rates() -> dict[str, int]:
        import urllib.request

        with urllib.request.urlopen("https://rates.example/latest") as answer:
            return {"bytes": len(answer.read())}
    ```

    Use instead:
    ```python
    @app.get("/rates")
    def rates() -> dict[str, int]:
        import urllib.request

        with urllib.request.urlopen("https://rates.example/latest", timeout=10) as answer:
            return {"bytes": len(answer.read())}
    ```

    ## Fix safety
    Changes behaviour: a call that takes longer than 10 seconds now raises where it would have
    waited. Choose the time that the caller of the route can wait.

    ## Known limits
    requests, urllib and smtplib wait for ever by default; httpx only where it is told to. Other
    libraries are not judged, nor is a timeout that an adapter or the socket module sets. A request
    under a test of what the function is given is only possible where no route gives it a value of
    the client's.
    """
    if any(call.callee == "socket.setdefaulttimeout" for call in app.calls):
        return
    told: dict[Span, Finding] = {}
    reached = reach(app)
    every = {ran.function.name: ran for ran in reached.ran()}
    for ran in every.values():
        for call in reached.calls_in(ran.function):
            if waits_for_ever(call):
                way = _leading(app, every, ran, call)
                told.setdefault(call.span, _finding(app, call, way or ran.route, sure=bool(way)))
    yield from told.values()


def _leading(app: AppMap, every: Mapping[str, Ran], ran: Ran, call: Call) -> Route | None:
    """A route whose requests get to a call through the tests that stand around it."""
    groups = {b.group for b in around(ran.function, call.span.start) if b.kind == "arm"}
    tests = (b.words for b in ran.function.blocks if b.kind == "arm" and b.group in groups)
    words = {word for test in tests for word in re.findall(r"(?<![\w.])\w+", test)}
    asked = words & set(ran.function.parameters) - _ITSELF
    return next(_giving(app, every, ran, asked, 0), None) if asked else ran.route


def _giving(
    app: AppMap, every: Mapping[str, Ran], ran: Ran, asked: set[str], depth: int
) -> Iterator[Route]:
    """The routes that give a function values for parameters that vary with the request."""
    if ran.is_root:
        yield ran.route
        return
    for name in callers_of(app, ran.function) if depth < _DEEPEST else ():
        caller = every.get(name)
        for call in reach(app).calls_in(caller.function) if caller is not None else ():
            if caller is not None and reach(app).callee(call) is ran.function:
                given = given_by(ran.function, call)
                varying = [_varies(app, caller.function, given.get(p, "")) for p in asked - _ITSELF]
                if all(varying):
                    yield from _giving(app, every, caller, set().union(*varying), depth + 1)


def _varies(app: AppMap, function: Function, given: str) -> set[str]:
    """The parameters that a value of a function is made of."""
    content, names = app.files[function.span.path], {given}
    for _ in range(3):
        words = {word for text in names for word in re.findall(r"(?<![\w.'\"])\w+", text)}
        rows = (b for b in function.bindings if b.name in words)
        names |= {content[b.start : b.end].decode("utf-8", "replace") for b in rows}
        names |= {b.words for b in function.blocks if b.kind == "for" and words & set(b.names)}
    return words & set(function.parameters)


def _finding(app: AppMap, call: Call, route: Route, *, sure: bool) -> Finding:
    how = "with `timeout=None`" if dict(call.keywords).get("timeout") else "without a timeout"
    return Finding(
        "outbound-without-timeout",
        call.span,
        f"`{call.text}` {how} can hold `{route}` for ever",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        fixes=_fixes(app, call),
        symbol=f"{call.caller}:{call.text}",
        structural=sure,
    )


def _fixes(app: AppMap, call: Call) -> tuple[Fix, ...]:
    path, content = call.span.path, app.files[call.span.path]
    why = "an upstream that does not answer must not hold the request for ever"
    if "timeout" in dict(call.keywords):
        found = _NONE.search(content, call.span.start, call.span.end)
        edit = Edit(Span(path, found.start(1), found.end(1)), _SECONDS, why) if found else None
    else:
        edit = Edit(*_behind(content, call.span), why)
    title = f"End the request after {_SECONDS} seconds"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, (edit,)),) if edit else ()


def _behind(content: bytes, span: Span) -> tuple[Span, str]:
    """The place behind the last argument of a call, and the keyword as it must stand there."""
    inside = content[: span.end - 1].rstrip()
    at = Span(span.path, len(inside), len(inside))
    lead = "" if inside.endswith(b"(") else " " if inside.endswith(b",") else ", "
    return at, f"{lead}timeout={_SECONDS}"
