"""FW537 redirect-from-client."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.harm import finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites, imports, layout


@rule(code="FW537", severity=Severity.MEDIUM)
def redirect_from_client(app: AppMap) -> Iterator[Finding]:
    r"""A redirect to wherever the client says.

    ## Why is this bad?
    A link to your host that ends on another one is what a phishing mail needs, and behind a login
    it hands over codes and tokens that ride in the address (open redirect, CWE-601).

    ## Example
    ```python
    @app.get("/login/done")
    def after_login(next: str = "/") -> RedirectResponse:
        return RedirectResponse(next)
    ```

    Use instead:
    ```python
    @app.get("/login/done")
    def after_login(next: str = "/") -> RedirectResponse:
        if not next.startswith("/") or next.startswith(("//", "/\\")):
            raise HTTPException(status_code=400)
        return RedirectResponse(next)
    ```

    ## Fix safety
    Changes behaviour: addresses of other hosts are answered by 400. Where some of them are wanted,
    test the host against a list instead.

    ## Known limits
    A value behind a fixed host or path is not reported. A test of the host against a list ends the
    flow; a function of your own that tests it leaves a possible finding. Where a handler redirects
    to the same value in several places, the first is reported.
    """
    told: set[tuple[str, str]] = set()
    for harm in harms(app, "redirect"):
        name = (harm.first.route, harm.first.name)
        if name in told:
            continue
        told |= {name} if harm.is_certain else set()
        message = f"`RedirectResponse` sends the browser to the address in {harm.source}"
        fix = _own_paths(app, harm.at)
        yield finding(app, "redirect-from-client", harm, message, (fix,) if fix else ())


def _own_paths(app: AppMap, at: Span) -> Fix | None:
    """A test that the address is a path of this host."""
    content = app.files[at.path]
    call = call_sites.call_at(content, at)
    address = call_sites.argument(call, 0, "url") if call is not None else None
    if call is None or address is None or not call_sites.is_plain(address):
        return None
    bound = imports.ensure_import(app, at.path, "fastapi", "HTTPException")
    name = layout.text_of(address)
    lines = (
        f'if not {name}.startswith("/") or {name}.startswith(("//", "/\\\\")):\n'
        f"    raise {bound.local}(status_code=400)\n"
    )
    guard = call_sites.before(at, content, call, lines, "only paths of this host are followed")
    if guard is None:
        return None
    title = "Follow paths of this host alone"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, (*bound.edits, guard))
