"""FW601 outbound-without-timeout."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.outbound import waits_for_ever
from fastwright.review.reach import reach
from fastwright.review.rule import rule

_NONE = re.compile(rb"\btimeout\s*=\s*(None)\b")
_SECONDS = "10"


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
    libraries are not judged, nor is a timeout that an adapter or the socket module sets.
    """
    if any(call.callee == "socket.setdefaulttimeout" for call in app.calls):
        return
    told: dict[Span, Finding] = {}
    reached = reach(app)
    for ran in reached.ran():
        for call in reached.calls_in(ran.function):
            if waits_for_ever(call):
                told.setdefault(call.span, _finding(app, call, ran.route))
    yield from told.values()


def _finding(app: AppMap, call: Call, route: Route) -> Finding:
    how = "with `timeout=None`" if dict(call.keywords).get("timeout") else "without a timeout"
    return Finding(
        "outbound-without-timeout",
        call.span,
        f"`{call.text}` {how} can hold `{route}` for ever",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        fixes=_fixes(app, call),
        symbol=f"{call.caller}:{call.text}",
        structural=True,
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
