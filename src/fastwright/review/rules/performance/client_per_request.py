"""FW404 client-per-request."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule

_CLIENTS = frozenset({
    "httpx.AsyncClient", "httpx.Client", "httpx2.AsyncClient", "httpx2.Client",
    "aiohttp.ClientSession", "aiohttp.client.ClientSession", "requests.Session",
    "requests.sessions.Session", "requests.session",
})  # fmt: skip
_KEPT = frozenset({"cache", "lru_cache", "cached_property", "asynccontextmanager",
                   "contextmanager", "alru_cache"})  # fmt: skip
_CONSTANT = ("'", '"', "True", "False", "None", *"0123456789")


@rule(code="FW404", severity=Severity.LOW)
def client_per_request(app: AppMap) -> Iterator[Finding]:
    """A client for another server that each request makes anew.

    ## Why is this bad?
    A client holds a pool of open connections, so that the second call needs no handshake. One that
    lives for a request pays name lookup, TCP and TLS each time, two or three round trips before the
    first byte, loads the certificates again, and under load runs out of local ports (CWE-1046).

    ## Example
    ```python
    @app.get("/rates")
    async def rates() -> int:
        import httpx

        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get("https://rates.example")
        return answer.status_code
    ```

    Use instead:
    ```python
    import httpx

    client = httpx.AsyncClient(timeout=5)


    @app.get("/rates")
    async def rates() -> int:
        answer = await client.get("https://rates.example")
        return answer.status_code
    ```

    ## Fix safety
    None is offered: where the one client is made and closed (the lifespan, as a rule) and which
    cookies requests may share is a decision.

    ## Known limits
    A client made with values that are not constant may differ by request, and is only possible.
    """
    reached = reach(app)
    for ran in reached.ran():
        for call in reached.calls_in(ran.function):
            if call.callee in _CLIENTS and _is_dropped(ran.function, call):
                yield _finding(ran.function, call, str(ran.route))


def _is_dropped(function: Function, call: Call) -> bool:
    """True where nothing keeps the client beyond the request."""
    cached = any(last(name) in _KEPT - {"asynccontextmanager", "contextmanager"}
                 for name in function.decorators)  # fmt: skip
    returned = any(
        stop.kind == "return"
        and (
            (stop.start <= call.span.start < stop.end)
            or (call.target and stop.value == call.target)
        )
        for stop in function.stops
    )
    return not cached and not returned and "." not in call.target and "[" not in call.target


def _finding(function: Function, call: Call, route: str) -> Finding:
    given = (*call.arguments, *(value for key, value in call.keywords))
    fixed = all(value.startswith(_CONSTANT) or value.isupper() for value in given)
    return Finding(
        "client-per-request",
        call.span,
        f"`{function.name}` makes a new `{call.text}` for every request",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        symbol=f"{function.name}:{call.text}",
        structural=fixed,
    )
