"""FW505 unguarded-route."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.routing import Route
from fastwright.review.decorators import with_dependency
from fastwright.review.guarding import WRITES, Guarding, guarding_of
from fastwright.review.intent import Intent
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.statements import statement
from fastwright.review.writing import writing_of

NAME = "unguarded-route"
_REMARK = re.compile(
    r"(?im)^\s*#.*\b(Depends|Security)\(.*(current|user|account|admin|auth|permission|role|token)"
)
_ACTS = re.compile(
    r"(os|subprocess|shutil|pathlib|builtins\.open|httpx|requests|aiohttp|smtplib|socket|redis|"
    r"boto3|celery|databases|asyncpg|motor|pymongo)\b"
)
_SENDS = re.compile(r"\.(add_task|delay|apply_async|send\w*|publish|put|write\w*|delete\w*|save)$")
_LIMITS = re.compile(r"limit|throttl", re.IGNORECASE)
_ON_PURPOSE = re.compile(
    r"(?i)\bpublic(ly)?\b(?![._(])|\b(no|without|sin|skip) (auth|login)|unauthenticated|anonymous|"
    r"not require (auth|login)"
)
"""What a handler says of itself that is for everybody."""
_FEWEST = 2
_HABIT = 5


@rule(code="FW505", severity=Severity.HIGH)
def unguarded_route(app: AppMap) -> Iterator[Finding]:
    """A route that anybody may call, where its siblings ask who is calling.

    ## Why is this bad?
    Nothing on the way to the handler asks for credentials: no dependency of the handler, the
    decorator, the router, the inclusion or the app. One forgotten guard is enough to read or change
    what all the others protect (OWASP API2:2023, broken authentication; CWE-306).

    ## Example
    ```python
    router = APIRouter(prefix="/items")


    @router.post("")
    def create_item(item: ItemIn, session: SessionDep, user: CurrentUser) -> None:
        session.add(Item(title=item.title, owner_id=user.id))


    @router.put("/{item_id}")
    def rename_item(item_id: int, item: ItemIn, session: SessionDep, user: CurrentUser) -> None:
        session.execute(update(Item).where(Item.id == item_id, Item.owner_id == user.id))


    @router.delete("/{item_id}")
    def delete_item(item_id: int, session: SessionDep) -> None:
        session.execute(delete(Item).where(Item.id == item_id))


    app.include_router(router)
    ```

    Use instead:
    ```python
    router = APIRouter(prefix="/items", dependencies=[Depends(current_user)])


    @router.post("")
    def create_item(item: ItemIn, session: SessionDep, user: CurrentUser) -> None:
        session.add(Item(title=item.title, owner_id=user.id))


    @router.put("/{item_id}")
    def rename_item(item_id: int, item: ItemIn, session: SessionDep, user: CurrentUser) -> None:
        session.execute(update(Item).where(Item.id == item_id, Item.owner_id == user.id))


    @router.delete("/{item_id}")
    def delete_item(item_id: int, session: SessionDep, user: CurrentUser) -> None:
        session.execute(delete(Item).where(Item.id == item_id, Item.owner_id == user.id))


    app.include_router(router)
    ```

    ## Fix safety
    Changes behaviour: callers without credentials are turned away from now on. The guard that most
    siblings carry is put among the dependencies of the decorator.

    ## Known limits
    Certain only where at least two siblings on the same router are guarded and more are guarded
    than not, or where all other writing routes of the app are. Logins, health checks, webhooks and
    other doors that are public by nature are passed over, and so are routes behind middleware,
    conditions or dependencies that cannot be read. A handler that depends on nothing and sends no
    statement, and so computes or looks up what it is given, is only possible; so are a reading
    route on other tables than its siblings, one whose siblings ask in order to find the caller's
    own rows, and one whose text says that it is public, which is not to be taken for a guard that
    was forgotten. A body that holds a token, and a handler that reads
    who is calling out of the request, or refuses by itself, are passed over. What is public on
    purpose is said once, in `public` of `[tool.fastwright.access]`.
    """
    guarding, intent = guarding_of(app), Intent.read(app)
    if not any(guarding.is_guarded(r) for r in guarding.served):
        yield from _nobody_asked(app, guarding, intent)
        return
    told: set[str] = set()  # a router that is included twice is forgotten once
    for route in guarding.served:
        if route.method == "WEBSOCKET" or not _is_candidate(route, guarding, intent):
            continue
        if route.handler in told:
            continue
        remark = _REMARK.search(app.text(route.span)) if route.span else None
        peers = _guarded_peers(route, guarding)
        if peers or remark:
            told.add(route.handler)
            yield _finding(app, route, peers, remark[0].strip() if remark else "")


def _is_candidate(route: Route, guarding: Guarding, intent: Intent) -> bool:
    is_public = guarding.is_public_by_nature(route) or intent.is_public(route)
    return guarding.is_open(route) and not is_public


def _guarded_peers(route: Route, guarding: Guarding) -> tuple[Route, ...]:
    """The guarded siblings that show that this route was forgotten; empty where they do not."""
    near = [r for r in _comparable(route, guarding) if r.router == route.router]
    guarded = [r for r in near if guarding.is_guarded(r)]
    if len(guarded) >= _FEWEST and _outweigh(route, guarded, len(near)):
        return tuple(guarded)
    if route.method not in WRITES:
        return ()
    every = _comparable(route, guarding)
    guarded = [r for r in every if guarding.is_guarded(r)]
    return tuple(guarded) if len(guarded) >= _HABIT and len(guarded) == len(every) else ()


def _outweigh(route: Route, guarded: list[Route], count: int) -> bool:
    """Reading is often public: there every sibling must be guarded; of writing routes, most."""
    return len(guarded) == count if route.method not in WRITES else len(guarded) > count / 2


def _comparable(route: Route, guarding: Guarding) -> list[Route]:
    """The other routes of the app that read, or write, as this one does."""
    writes = route.method in WRITES
    return [
        r
        for r in guarding.served
        if (r.method in WRITES) is writes
        and r.method != "WEBSOCKET"
        and r.handler != route.handler
        and not guarding.is_public_by_nature(r)
    ]


def _finding(app: AppMap, route: Route, peers: tuple[Route, ...], remark: str) -> Finding:
    assert route.span is not None
    names = [f"`{peer}`" for peer in peers[:2]]
    shown = f", where {len(peers)} siblings ask" if len(peers) > 1 else ""
    seen = [
        f"{name} is guarded by `{_guard_of(peer)}`"
        for name, peer in zip(names, peers, strict=False)
    ]
    seen += [f"a guard stands there as a remark: {remark}"] if remark else []
    fix = _fix(app, route, peers)
    return Finding(
        NAME,
        route.span,
        f"`{route}` does not ask who is calling" + (shown or ": its guard is commented out"),
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in seen),
        related=tuple(peer.span for peer in peers[:3] if peer.span),
        fixes=(fix,) if fix is not None else (),
        symbol=route.handler,
        structural=_acts_or_asks(app, route)
        and (
            bool(remark)
            or (_is_alike(app, route, peers) and not _ON_PURPOSE.search(app.text(route.span)))
        ),
    )


def _is_alike(app: AppMap, route: Route, peers: tuple[Route, ...]) -> bool:
    """Whether a route writes, or reads what a guarded one reads: other tables may be public."""
    told = [peer for peer in peers if _tells(peer, route)]
    if route.method not in WRITES and len(told) < _FEWEST:
        return False
    tables = {table for peer in peers for query in peer.queries for table in query.tables}
    own = {table for query in route.queries for table in query.tables}
    if not own or not tables.isdisjoint(own):
        return True
    return route.method in WRITES and (route.method != "POST" or _writes(app, route))


def _tells(peer: Route, route: Route) -> bool:
    """Whether a sibling asks for more than to find rows of the caller's own in other tables.

    Notifications and favourites have no other way: that films have comments may still be public.
    """
    found = [q for q in route.queries if q.many] or route.queries
    own = {table for query in found for table in query.tables[:1]}
    theirs = {table for query in peer.queries for table in query.tables[:1]}
    personal = any(use.kind == "filtered" for use in peer.caller_uses)
    return not personal or not own.isdisjoint(theirs)


def _writes(app: AppMap, route: Route) -> bool:
    """Whether anything that runs for the route writes or acts: a price may be asked by POST."""
    running = tuple(reach(app).running(route))
    calls = (call for function in running for call in reach(app).calls_in(function))
    return (
        any(query.kind != "select" for query in route.queries)
        or any(t.commits or t.writes for f in running for t in writing_of(app).touches(f))
        or any(_ACTS.match(c.callee or "") or _SENDS.search(c.text) for c in calls)
    )


def _acts_or_asks(app: AppMap, route: Route) -> bool:
    """True unless the handler asks for nothing and no statement is seen below it."""
    reached = reach(app)
    root = reached.answering(route)
    given = (node for node in route.every_dependency() if not _LIMITS.search(node.call))
    if root is None or route.queries or any(True for _ in given):
        return True
    if root.stops and all(stop.kind == "raise" for stop in root.stops):
        return False  # it answers every request with an error, as a route for unknown paths does
    if route.method in WRITES and not any(p.source == "body" for p in route.parameters):
        return True
    calls = [step.call for step in reached.below(root)]
    return any(statement(c) or _ACTS.match(c.callee or "") or _SENDS.search(c.text) for c in calls)


def _guard_of(route: Route) -> str:
    guards = [g.name.rpartition(".")[2] for g in route.guards if g.role != "scheme"]
    return next(iter(guards), "the handler itself")


def _fix(app: AppMap, route: Route, peers: tuple[Route, ...]) -> Fix | None:
    """The guard of most siblings, among the dependencies of the decorator."""
    guards = [g.name for p in peers for g in p.guards if g.role != "scheme" and not g.optional]
    if not guards:
        return None
    chosen = max(sorted(set(guards)), key=guards.count)
    changes = with_dependency(app, route, chosen)
    title = f"Ask for `{chosen.rpartition('.')[2]}` on `{route}`"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, changes) if changes else None


def _nobody_asked(app: AppMap, guarding: Guarding, intent: Intent) -> Iterator[Finding]:
    """One note for an app that never asks: whether it should is not to be seen in its source."""
    if app.principals or guarding.by_middleware:
        return
    writing = [
        r
        for r in guarding.served
        if r.method in WRITES and not intent.is_public(r) and guarding.is_open(r)
    ]
    if writing and writing[0].span is not None:
        message = f"no route asks who is calling, among them {len(writing)} that write"
        yield Finding(NAME, writing[0].span, message, symbol=writing[0].handler)
