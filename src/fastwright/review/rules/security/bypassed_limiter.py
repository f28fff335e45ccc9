"""FW572 bypassed-limiter."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.versions import runs_on

_MIDDLEWARE = ("SlowAPIMiddleware", "SlowAPIASGIMiddleware")


@rule(code="FW572", severity=Severity.HIGH)
def bypassed_limiter(app: AppMap) -> Iterator[Finding]:
    """A default rate limit of slowapi that never counts the routes of included routers.

    ## Why is this bad?
    The middleware of slowapi looks the handler up in `app.routes`. Since FastAPI 0.137 the routes
    of included routers are not in that list, so that the default limit passes every request to
    them: what was 429 is 200, without a warning (OWASP API4:2023, CWE-770).

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
    another limiter are all repairs, and which one is a decision.

    ## Known limits
    Seen with slowapi 0.1.10; a later release may look further. Where neither a lock nor a manifest
    tells the version of FastAPI the finding is only possible.
    """
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
