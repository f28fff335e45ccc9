"""FW513 unused-limiter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.rule import rule
from fastwright.survey.codebase import of_tests

NAME = "unused-limiter"
_MAKERS = frozenset({
    "slowapi.Limiter", "slowapi.extension.Limiter", "fastapi_limiter.FastAPILimiter.init",
})  # fmt: skip
_USES = re.compile(r"\.(limit|shared_limit|request_filter)$|RateLimiter$|WebSocketRateLimiter$")
_APPLIED = re.compile(r"(?i)limiter\w*(\([^()]*\))?\.(limit|shared_limit)$")
_WHOLE = re.compile(r"SlowAPI(ASGI)?Middleware")


@rule(code="FW513", severity=Severity.MEDIUM)
def unused_limiter(app: AppMap) -> Iterator[Finding]:
    """A rate limiter that is set up and limits nothing.

    ## Why is this bad?
    Whoever reads the set-up believes that the app is limited, and no route is (OWASP API4:2023,
    unrestricted resource consumption; CWE-770).

    ## Example
    ```python
    try:
        import slowapi

        app.state.limiter = slowapi.Limiter(key_func=lambda request: request.client.host)
    except ImportError:
        app.state.limiter = None
    ```

    Use instead:
    ```python
    def limited(request: Request) -> None:
        if request.headers.get("x-too-many"):
            raise HTTPException(429)


    @app.get("/items", dependencies=[Depends(limited)])
    def items() -> list[str]:
        return []
    ```

    ## Fix safety
    There is none to apply: which routes are limited, and to what, is a decision.

    ## Known limits
    Known are slowapi and fastapi-limiter. A limiter with `default_limits` counts as used where its
    middleware, or a class derived from that, is added.
    """
    made = [c for c in app.calls if c.callee in _MAKERS and not of_tests(c.span.path)]
    if not made or _is_used(app, made):
        return
    call = made[0]
    seen = "no decorator, dependency or middleware of the app uses it"
    yield Finding(
        NAME,
        call.span,
        f"`{call.text}` is set up and limits no route",
        evidence=(Evidence(EvidenceKind.SOURCE, seen),),
        symbol=call.caller,
        structural=True,
    )


def _is_applied(call: Call) -> bool:
    """A limit that is made, or put on something, outside decorators and known dependencies."""
    made = (call.callee or "").startswith("fastapi_limiter.") and _USES.search(call.text)
    return not of_tests(call.span.path) and bool(made or _APPLIED.search(call.text))


def _is_used(app: AppMap, made: list[Call]) -> bool:
    """Whether a decorator, a dependency, or middleware with default limits uses the limiter."""
    decorated = (d for f in app.functions for d in f.decorators)
    depended = (n.call for r in app.routes for n in r.every_dependency())
    called = (c.text for c in app.calls if _is_applied(c))
    if any(_USES.search(name) for name in (*decorated, *depended, *called)):
        return True
    default = any("default_limits" in dict(c.keywords) for c in made)
    return default and any(_is_whole(app, m.name) for m in app.middleware)


def _is_whole(app: AppMap, name: str) -> bool:
    """Whether a middleware is that of slowapi, or a class of ours that is made of it."""
    module, _, own = name.rpartition(".")
    known = app.modules.get(module)
    content = app.files.get(known.path, b"").decode("utf-8", "replace") if known else ""
    made = re.search(rf"\bclass {re.escape(own)}\(([^)]*)\)", content)
    return bool(_WHOLE.search(name) or (made and _WHOLE.search(made[1])))
