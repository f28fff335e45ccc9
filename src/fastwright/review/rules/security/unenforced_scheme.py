"""FW516 unenforced-scheme."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap, Dependency
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Place, Route
from fastwright.review.guarding import Guarding, guarding_of
from fastwright.review.intent import Intent
from fastwright.review.rule import rule

NAME = "unenforced-scheme"
_LAX = ("auto_error", "False")


@rule(code="FW516", severity=Severity.HIGH)
def unenforced_scheme(app: AppMap) -> Iterator[Finding]:
    """A security scheme that lets everybody pass, and whose result nobody looks at.

    ## Why is this bad?
    With `auto_error=False` a scheme only reads the credentials. Where nothing then looks at them
    the documentation shows a lock, and the route is open (OWASP API2:2023, broken authentication;
    CWE-287).

    ## Example
    ```python
    lax = OAuth2PasswordBearer(tokenUrl="token", auto_error=False)


    @app.delete("/items/{item_id}", dependencies=[Depends(lax)])
    def delete_item(item_id: int, session: SessionDep) -> None:
        session.execute(delete(Item).where(Item.id == item_id))
    ```

    Use instead:
    ```python
    @app.delete("/items/{item_id}")
    def delete_item(item_id: int, session: SessionDep, user: CurrentUser) -> None:
        session.execute(delete(Item).where(Item.id == item_id, Item.owner_id == user.id))
    ```

    ## Fix safety
    There is none to apply: whether the scheme shall refuse by itself, or the route ask for the
    caller, is a decision.

    ## Known limits
    Only a scheme among the `dependencies` of a decorator, router or app is judged, whose result
    nothing can look at. One that is a parameter may be looked at by hand. Before a whole router
    that has guarded routes too, it is for the documentation: what is read there in the open is
    left out, and what writes is not.
    """
    guarding, intent = guarding_of(app), Intent.read(app)
    open_by: dict[Span | None, list[tuple[Route, Dependency]]] = {}
    for route in guarding.served:
        lax = next((d for d in route.dependencies if _is_dropped(d)), None)
        if lax is None or intent.is_public(route) or _is_guarded(route, guarding):
            continue
        if route.method == "GET" and _is_for_documentation(lax, guarding):
            continue
        open_by.setdefault(lax.span, []).append((route, lax))
    yield from (_finding(*beside) for beside in open_by.values())


def _finding(first: tuple[Route, Dependency], *more: tuple[Route, Dependency]) -> Finding:
    """One for each place at which the scheme is written, which may stand before many routes."""
    route, lax = first
    assert route.span is not None
    scheme = lax.scheme or lax.call.rpartition(".")[2]
    whose = f"`{route}` reads" if not more else f"`{route}` and {len(more)} more routes read"
    others = (other.span for other, _ in more)
    return Finding(
        NAME,
        route.span,
        f"{whose} credentials by `{scheme}` and {'look' if more else 'looks'} at nothing of them",
        evidence=(Evidence(EvidenceKind.SOURCE, f"`{scheme}` has `auto_error=False`"),),
        related=tuple(span for span in (lax.span, *others) if span is not None),
        symbol=route.handler,
        structural=True,
    )


def _is_dropped(node: Dependency) -> bool:
    """A lax scheme whose result goes nowhere."""
    return node.scheme is not None and not node.name and _LAX in node.options


def _is_for_documentation(lax: Dependency, guarding: Guarding) -> bool:
    """Whether it stands before a whole router, some of whose routes demand a caller themselves."""
    if lax.place in (Place.PARAMETER, Place.DECORATOR):
        return False
    below = (r for r in guarding.served if any(d.span == lax.span for d in r.dependencies))
    return any(g.role == "principal" and not g.optional for r in below for g in r.guards)


def _is_guarded(route: Route, guarding: Guarding) -> bool:
    """Whether anything else may turn callers away."""
    strict = any(g.role != "scheme" for g in route.guards)
    return strict or guarding.is_guarded(route) or guarding.by_middleware
