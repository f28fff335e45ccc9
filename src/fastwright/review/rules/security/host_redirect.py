"""FW574 host-redirect."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.reach import last
from fastwright.review.rule import rule


@rule(code="FW574", severity=Severity.LOW)
def host_redirect(app: AppMap) -> Iterator[Finding]:
    """An app that redirects to whatever host a request names.

    ## Why is this bad?
    A path with a slash too few or too many is answered by a redirect that is built from the `Host`
    header. Where a cache or proxy in front passes a foreign one on, it keeps a redirect of your
    path to another site and gives it to everyone (OWASP A05:2021, CWE-601, CWE-644).

    ## Example
    ```python
    @app.get("/items/")
    def list_items() -> list[str]:
        return []
    ```

    Use instead:
    ```python
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["shop.example"])


    @app.get("/items/")
    def list_items() -> list[str]:
        return []
    ```

    ## Fix safety
    None is offered: which hosts are yours is a decision.

    ## Known limits
    Always only possible: a proxy that sets or checks the host is not part of the source.
    """
    if app.app is None or any("TrustedHost" in row.name for row in app.middleware):
        return
    routes = [route for route in app.routes if route.reachable and route.path != "/"]
    made = (c for c in app.calls if last(c.callee or "") == "FastAPI")
    off = any(dict(call.keywords).get("redirect_slashes") == "False" for call in made)
    if routes and not off:
        path = routes[0].path
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        yield Finding(
            "host-redirect",
            app.app.created,
            f"`{app.app.target}` redirects `{other}` to the host that the request names",
            evidence=(Evidence(EvidenceKind.SOURCE, "no middleware holds it to known hosts"),),
            symbol=app.app.target,
        )
