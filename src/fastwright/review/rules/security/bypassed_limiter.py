"""FW572 bypassed-limiter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.client_addresses import named_by_clients
from fastwright.review.logins import logins_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.uncommented import uncommented
from fastwright.review.versions import runs_on
from fastwright.survey.codebase import of_tests

_LIMITS = re.compile(r"(?i)rate_?limit|limiter|throttl|too_?many")
_TOO_MANY = re.compile(r"\b429\b|TOO_MANY_REQUESTS")
_SWITCHED = re.compile(r"(?i)enabled|settings\.|config\b")
_ACCOUNT = re.compile(r"(?i)user_?id|e?mail|username|account|state\.user")
_MIDDLEWARE = ("SlowAPIMiddleware", "SlowAPIASGIMiddleware")


@rule(code="FW572", severity=Severity.HIGH)
def bypassed_limiter(app: AppMap) -> Iterator[Finding]:
    """A rate limit that passes requests which it should count.

    ## Why is this bad?
    The middleware of slowapi looks the handler up in `app.routes`. Since FastAPI 0.137 the routes
    of included routers are not in that list, so that the default limit passes every request to
    them: what was 429 is 200, without a warning (OWASP API4:2023, CWE-770). A limit for each
    address that is read from `X-Forwarded-For` counts what the client writes: proxies add theirs
    behind it, and whoever writes another one each time tries any number of passwords (CWE-348).

    ## Example
    ```python
    def limit_all() -> None:
        from slowapi import Limiter
        from slowapi.middleware import SlowAPIMiddleware
        from slowapi.util import get_remote_address

        app.state.limiter = Limiter(get_remote_address, default_limits=["60/minute"])
        app.add_middleware(SlowAPIMiddleware)


    router = APIRouter()


    @router.get("/items")
    def items() -> list[str]:
        return []


    app.include_router(router)
    ```

    Use instead:
    ```python
    def limit_all() -> None:
        from slowapi import Limiter
        from slowapi.middleware import SlowAPIMiddleware
        from slowapi.util import get_remote_address

        app.state.limiter = Limiter(get_remote_address, default_limits=["60/minute"])
        app.add_middleware(SlowAPIMiddleware)


    @app.get("/items")
    def items() -> list[str]:
        return []
    ```

    ## Fix safety
    None is offered: a limit on each route by `@limiter.limit`, a dependency on the router and
    another limiter are all repairs, and which one is a decision. So is how many proxies stand in
    front, whose entries in the header may be believed.

    ## Known limits
    Seen with slowapi 0.1.10; a later release may look further. Where neither a lock nor a manifest
    tells the version of FastAPI the finding is only possible. Of addresses, seen is a function of
    the app that returns the first entry of `X-Forwarded-For` and speaks of no proxy that it trusts,
    as the key of a `Limiter` of slowapi, or in a middleware that is named after its limit or
    answers 429. Where no login is limited, or a setting may switch the limit off, it is only
    possible. Traefik, Caddy and an nginx in the repository that write the header anew are believed.
    """
    yield from _by_header(app)
    known = runs_on(app, "fastapi", "0.137")
    limiters = [call for call in app.calls if _has_default(call)]
    added = next((call for call in app.calls if _adds_middleware(app, call)), None)
    passed = _included(app) if limiters and added is not None and known is not False else ()
    if added is not None and passed:
        others = f" and {len(passed) - 1} more" if len(passed) > 1 else ""
        yield Finding(
            "bypassed-limiter",
            added.span,
            f"The default limit of slowapi never counts `{passed[0]}`{others}",
            evidence=(Evidence(EvidenceKind.SOURCE, f"`{passed[0].router}` is included"),),
            related=(limiters[0].span,),
            symbol=added.caller,
            structural=known is True,
        )


def _by_header(app: AppMap) -> Iterator[Finding]:
    """Limiters that count by what the client writes into a header."""
    named = named_by_clients(app)
    for call in app.calls if named else ():
        keyed = _key_of(app, call)
        if keyed in named:
            yield _of_header(call, named[keyed], sure=_limits_login(app, call))
        elif call.callee is not None and call.callee in named and _counts(app, call):
            yield _of_header(call, named[call.callee], sure=_is_added(app, call))


def _of_header(call: Call, function: Function, *, sure: bool) -> Finding:
    name = last(function.name)
    seen = f"`{name}` returns the first entry of the header, and asks nobody which proxy wrote it"
    return Finding(
        "bypassed-limiter",
        call.span,
        f"The limit is kept for each `X-Forwarded-For`, which the client writes, by `{name}`",
        evidence=(Evidence(EvidenceKind.SOURCE, seen),),
        related=(function.span,),
        symbol=call.caller,
        structural=sure,
    )


def _key_of(app: AppMap, call: Call) -> str:
    """The dotted function that a `Limiter` of slowapi asks for the key."""
    if not (call.callee or "").startswith("slowapi.") or last(call.text) != "Limiter":
        return ""
    key = dict(call.keywords).get("key_func") or next(iter(call.arguments), "")
    module = app.module_at(call.span.path)
    if module is None or not key:
        return ""
    first, _, rest = key.partition(".")
    known = module.imports.get(first) or (f"{module.name}.{first}" if module.name else first)
    return f"{known}.{rest}" if rest else known


def _limits_login(app: AppMap, limiter: Call) -> bool:
    """Whether a login has a limit of slowapi, and no other limiter is there to give it."""
    others = [c for c in app.calls if _key_of(app, c) and not of_tests(c.span.path)]
    handlers = (reach(app).answering(route) for route in logins_of(app).routes)
    named = (last(d) for f in handlers if f is not None for d in f.decorators)
    return others == [limiter] and "limit" in named


def _counts(app: AppMap, call: Call) -> bool:
    """Whether the address is asked for in order to count: by a name, or by an answer of 429."""
    function = reach(app).functions.get(call.caller)
    if function is None or not call.target:
        return False
    text = uncommented(app, function)
    speaks = _LIMITS.search(last(function.name)) or _LIMITS.search(last(function.class_name or ""))
    used = re.findall(rf"\b{re.escape(call.target)}\b", text)
    answers = _TOO_MANY.search(text) and not _ACCOUNT.search(text)
    return len(used) > 1 and bool(speaks or answers)


def _is_added(app: AppMap, call: Call) -> bool:
    """Whether the limit runs for each request, logins too, by the address alone."""
    function = reach(app).functions[call.caller]
    text = uncommented(app, function)
    always = any(
        m.name == function.class_name and m.condition is None and not dict(m.options).get("enabled")
        for m in app.middleware
    )
    is_free = _SWITCHED.search(text) is None and _ACCOUNT.search(text) is None
    return always and is_free and bool(logins_of(app).routes)


def _has_default(call: Call) -> bool:
    ours = (call.callee or "").startswith("slowapi.") and last(call.text) == "Limiter"
    return ours and bool({"default_limits", "application_limits"} & set(dict(call.keywords)))


def _adds_middleware(app: AppMap, call: Call) -> bool:
    """True for ``add_middleware`` with a middleware of slowapi, which the file imports."""
    if last(call.text) != "add_middleware":
        return False
    named = next(iter(call.arguments), "")
    return last(named) in _MIDDLEWARE and b"slowapi" in app.files.get(call.span.path, b"")


def _included(app: AppMap) -> tuple[Route, ...]:
    """The routes of included routers that no limit of their own guards."""
    routers = {row.router for row in app.inclusions if not row.mount}
    functions = reach(app).functions
    found = []
    for route in app.routes:
        handler = functions.get(route.handler)
        own = handler is not None and any(last(d) in ("limit", "shared_limit", "exempt")
                                          for d in handler.decorators)  # fmt: skip
        if route.reachable and route.router in routers and not own:
            found.append(route)
    return tuple(found)
