"""FW503 missing-role-guard."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.routing import Route
from fastwright.review.decorators import with_dependency
from fastwright.review.guarding import WRITES, Guarding, guarding_of, permissions
from fastwright.review.intent import Intent
from fastwright.review.ownership import Ownership, ownership_of
from fastwright.review.rule import rule

NAME = "missing-role-guard"
_FEWEST = 2


@rule(code="FW503", severity=Severity.HIGH)
def missing_role_guard(app: AppMap) -> Iterator[Finding]:
    """A writing route that any user may call, where its siblings demand a role.

    ## Why is this bad?
    Being logged in is not being allowed: an ordinary user who finds the one route without the
    guard has the rights of an administrator there (OWASP API5:2023, broken function level
    authorization; CWE-862).

    ## Example
    ```python
    def require_admin(user: CurrentUser) -> User:
        if not user.is_admin:
            raise HTTPException(403)
        return user


    @app.post("/users", dependencies=[Depends(require_admin)])
    def create_user(email: str, session: SessionDep) -> None:
        session.add(User(email=email))


    @app.put("/users/{user_id}", dependencies=[Depends(require_admin)])
    def change_user(user_id: int, email: str, session: SessionDep) -> None:
        session.execute(update(User).where(User.id == user_id).values(email=email))


    @app.delete("/users/{user_id}")
    def delete_user(user_id: int, session: SessionDep, user: CurrentUser) -> None:
        session.execute(delete(User).where(User.id == user_id))
    ```

    Use instead:
    ```python
    def require_admin(user: CurrentUser) -> User:
        if not user.is_admin:
            raise HTTPException(403)
        return user


    @app.post("/users", dependencies=[Depends(require_admin)])
    def create_user(email: str, session: SessionDep) -> None:
        session.add(User(email=email))


    @app.put("/users/{user_id}", dependencies=[Depends(require_admin)])
    def change_user(user_id: int, email: str, session: SessionDep) -> None:
        session.execute(update(User).where(User.id == user_id).values(email=email))


    @app.delete("/users/{user_id}", dependencies=[Depends(require_admin)])
    def delete_user(user_id: int, session: SessionDep) -> None:
        session.execute(delete(User).where(User.id == user_id))
    ```

    ## Fix safety
    Changes behaviour: users without the role are turned away. The siblings' guard is put among the
    dependencies of the decorator.

    ## Known limits
    Certain only where at least two writing siblings on the same first resource of the path carry
    the same guard, more do than do not, and this route makes no use of who is calling. A role that
    is checked in the handler, or in code that cannot be read, counts as a guard.
    """
    guarding, ownership, intent = guarding_of(app), ownership_of(app), Intent.read(app)
    for route in guarding.served:
        if not _is_candidate(route, guarding, ownership, intent):
            continue
        guard, peers = _habit(route, guarding)
        if guard:
            yield _finding(app, route, guard, peers)


def _is_candidate(route: Route, guarding: Guarding, ownership: Ownership, intent: Intent) -> bool:
    """Any user may call it, and nothing that it does turns on who they are."""
    principal = any(g.role == "principal" and not g.optional for g in route.guards)
    writes = principal and route.method in WRITES and not guarding.is_unsure(route)
    uses = any(use.kind in ("read", "filtered", "passed", "stored") for use in route.caller_uses)
    return writes and not uses and not ownership.may_ask(route) and not intent.is_public(route)


def _habit(route: Route, guarding: Guarding) -> tuple[str, tuple[Route, ...]]:
    """The guard that most writing siblings carry, and these siblings; nothing for no habit."""
    near = [
        r
        for r in guarding.served
        if r.method in WRITES
        and r.handler != route.handler
        and r.router == route.router
        and _resource(r) == _resource(route)
        and not guarding.is_public_by_nature(r)
    ]
    names = [g.name for r in near for g in permissions(r)]
    guard = max(sorted(set(names)), key=names.count, default="")
    peers = tuple(r for r in near if any(g.name == guard for g in permissions(r)))
    others = [r for r in near if r not in peers and not r.caller_uses]
    is_habit = len(peers) >= _FEWEST and len(peers) > len(others)
    return (guard, peers) if guard and is_habit else ("", ())


def _resource(route: Route) -> str:
    """The path up to its first parameter, the last plain segment of a collection."""
    return route.path.partition("{")[0].rstrip("/")


def _finding(app: AppMap, route: Route, guard: str, peers: tuple[Route, ...]) -> Finding:
    assert route.span is not None
    short = guard.rpartition(".")[2]
    seen = (f"`{peer}` is guarded by `{short}`" for peer in peers[:3])
    changes: tuple[Edit, ...] = with_dependency(app, route, guard)
    fix = Fix(f"Ask for `{short}` on `{route}`", Safety.CHANGES_BEHAVIOUR, changes)
    return Finding(
        NAME,
        route.span,
        f"`{route}` is open to every user, where {len(peers)} siblings demand `{short}`",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in seen),
        related=tuple(peer.span for peer in peers[:3] if peer.span),
        fixes=(fix,) if changes else (),
        symbol=route.handler,
        structural=True,
    )
