"""FW404 client-per-request."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.guarding import is_for_administrators
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
_ONE_HOST = re.compile(
    r"[bru]*f?[bru]*(?:'|\"|'{3}|\"{3})https?://[\w.-]+(?:[:/?'\"]|$)"
    r"|(?:[bru]*f[bru]*['\"]+\{)?(?:\w+\.)*(?:[A-Z][A-Z0-9_]+\b|(?:\w*settings|config)\.\w+)"
)
_URL_AT = MappingProxyType({"request": 1, "stream": 1})
_SENDS = frozenset({*_URL_AT, "get", "post", "put", "patch", "delete", "head", "options"})
_READS = frozenset({"GET", "HEAD"})
_SELDOM = re.compile(
    r"(?i)callback|oauth|\badmin|(?:^|[/_-])(?:tests?|sync|import|discover\w*|health\w*|setup)\b"
)
"""What a person asks for once in a while, or a probe that waits for nothing."""
_MANY = 3


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
    A client made with values that are not constant may differ by request, and is only possible; so
    is one whose requests go to whatever host a variable names, and one that is made for a write, a
    login, a probe, a job started by hand (`/sync`, `/import`) or administrators alone: there a
    handshake more is not felt. The same holds where a test
    or an earlier `return` lets some requests by: what is kept is not fetched again.
    """
    made = [
        (ran.function, call, ran.route)
        for ran in reach(app).ran()
        for call in reach(app).calls_in(ran.function)
        if call.callee in _CLIENTS and _is_dropped(ran.function, call)
    ]
    served = _served(app, frozenset(call.span for _, call, _ in made))
    found: dict[str, Finding] = {}
    for function, call, route in made:
        pays = _is_frequent(app, served.get(call.span, ())) and _has_one_host(app, function, call)
        one = _finding(function, call, str(route), pays=pays)
        if one.symbol not in found or one.structural > found[one.symbol].structural:
            found[one.symbol] = one
    yield from found.values()


def _served(app: AppMap, made: frozenset[Span]) -> Mapping[Span, tuple[Route, ...]]:
    """The routes whose every request makes each of some calls."""
    reached, found = reach(app), defaultdict[Span, list[Route]](list)
    for root, routes in reached.every_root().values() if made else ():
        for step in reached.always(root):
            if step.call.span in made:
                found[step.call.span] += routes
    return {span: tuple(routes) for span, routes in found.items()}


def _is_frequent(app: AppMap, routes: tuple[Route, ...]) -> bool:
    """True for what reads, or what several routes run: not for what happens once a login."""
    often = [
        route
        for route in routes
        if not (_SELDOM.search(route.path) or is_for_administrators(route, app))
    ]
    return len(often) >= _MANY or any(route.method in _READS for route in often)


def _has_one_host(app: AppMap, function: Function, call: Call) -> bool:
    """True where each request goes to one host, so that a connection could be used again."""
    content = app.files[function.span.path]
    bound = {b.name: content[b.start : b.end].decode("utf-8", "replace") for b in function.bindings}
    if "base_url" in dict(call.keywords):
        return True
    for sent in reach(app).calls_in(function):
        client, _, verb = (sent.callee or "").rpartition(".")
        if client != call.callee or verb not in _SENDS or not _is_of(function, call, sent):
            continue
        urls = (*sent.arguments[_URL_AT.get(verb, 0) :], dict(sent.keywords).get("url", ""))
        if not _ONE_HOST.match(bound.get(urls[0], urls[0])):
            return False
    return True


def _is_of(function: Function, call: Call, sent: Call) -> bool:
    """True where a request stands under the client that `call` makes, or in no other's block."""
    under = [
        b for b in function.blocks if b.kind == "with" and b.group <= call.span.start < b.start
    ]
    return all(block.start <= sent.span.start < block.end for block in under[-1:])


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


def _finding(function: Function, call: Call, route: str, *, pays: bool) -> Finding:
    given = (*call.arguments, *(value for key, value in call.keywords))
    fixed = all(value.startswith(_CONSTANT) or value.isupper() for value in given)
    return Finding(
        "client-per-request",
        call.span,
        f"`{function.name}` makes a new `{call.text}` each time it runs",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        symbol=f"{function.name}:{call.text}",
        structural=fixed and pays,
    )
