"""FW533 outbound-url-from-client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Flow
from fastwright.model.finding import Finding, Severity
from fastwright.review.course import follows
from fastwright.review.guarding import is_for_administrators
from fastwright.review.harm import finding, harms
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule

_RESOLVES = frozenset({"getaddrinfo", "gethostbyname", "gethostbyname_ex", "resolve"})


@rule(code="FW533", severity=Severity.HIGH)
def outbound_url_from_client(app: AppMap) -> Iterator[Finding]:
    """A request to another server whose host the client chooses.

    ## Why is this bad?
    The app stands inside the network: asked for `http://169.254.169.254/` or `http://localhost`
    it fetches credentials of the cloud or talks to a database for whoever asks (server-side request
    forgery, CWE-918, OWASP API7:2023).

    ## Example
    ```python
    import httpx


    @app.post("/previews")
    async def preview(address: str) -> str:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(address)
        return answer.text[:200]
    ```

    Use instead:
    ```python
    import httpx

    SOURCES = {"news": "https://news.example/feed", "blog": "https://blog.example/feed"}


    @app.post("/previews")
    async def preview(source: Literal["news", "blog"]) -> str:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(SOURCES[source])
        return answer.text[:200]
    ```

    ## Fix safety
    There is no fix: which hosts the app may ask is a decision. Choose from a list of hosts and test
    `urlsplit(address).hostname in HOSTS` before the request; where any host must do, resolve the
    name once, refuse private addresses, and connect to the address that was checked.

    ## Known limits
    A value behind a fixed host (`f"https://api.example/{name}"`) is not reported. A test of the
    host against a list, or of the beginning of the address against a whole host, ends the flow; a
    function of your own that tests it leaves a possible finding, and so does one that resolves the
    host first and looks at the address. So do routes for administrators alone: to name the servers
    that the app talks to is what they are there for.
    """
    closed = {str(route) for route in app.routes if is_for_administrators(route, app)}
    for harm in harms(app, "url"):
        message = f"`{harm.first.sink}` asks the server that {harm.source} names"
        found = finding(app, "outbound-url-from-client", harm, message)
        flows = (flow for flow in harm.flows if flow.route not in closed)
        is_open = any(not _is_resolved_first(app, flow) for flow in flows)
        yield replace(found, structural=found.structural and is_open)


def _is_resolved_first(app: AppMap, flow: Flow) -> bool:
    """True where on the way a function of ours has resolved the host, and may have refused it."""
    reached = reach(app)
    for at in flow.path:
        for call in (c for c in reached.calls_of(at.path) if c.span == at):
            function = reached.functions.get(call.caller)
            given = {*call.arguments, *(value for _, value in call.keywords)}
            for asked in reached.calls_in(function) if function is not None else ():
                assert function is not None
                is_before = follows(function, asked.span.start, at.start)
                if is_before and given & set(asked.arguments) and _weighs_addresses(app, asked):
                    return True
    return False


def _weighs_addresses(app: AppMap, asked: Call) -> bool:
    """Whether a function of ours resolves a host, looks at the address and may refuse it."""
    reached = reach(app)
    check = reached.callee(asked)
    if check is None:
        return False
    calls = [step.call for step in reached.below(check)]
    resolves = any(last(call.text) in _RESOLVES for call in calls)
    looks = any((call.callee or call.text).startswith("ipaddress.") for call in calls)
    refuses = any(stop.kind == "raise" for stop in check.stops)
    return resolves and looks and (refuses or not asked.dropped)
