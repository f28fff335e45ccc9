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
from fastwright.review.open_routers import OpenRouter, changes_accounts, open_routers
from fastwright.review.ownership import ownership_of
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
_ADMINISTERS = re.compile(
    r"(?i)\badmin(istrator)?s?[ -](only|alone)\b|\bonly (for |by )?(an? )?admin|"
    r"\brequires? (an? )?admin|\badmin(istrator)? \w+ (is |are )?required|"
    r"только (для )?(админ|организатор)|\b(s[oó]lo|únicamente|apenas|somente|nur)\b.{0,12}\badmin"
)
"""What a handler says that is for administrators, in some languages."""
_FEWEST = 2
_HABIT = 5
_NEARLY = 4
"""How many guarded siblings stand beside each one that is open, where nearly all are guarded."""


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
    Certain is a writing route on rows that nearly all other writing routes on them, two at least,
    ask for (four to each that does not), and one in an app whose five or more others all ask. A
    reading one is certain where a sibling limits the same rows to the caller's, or where it lists
    all accounts; any is that says "admin only", or has its guard commented out, in a router where
    the others ask. A router that is wholly open and writes, while others ask, is one finding:
    certain where it speaks of administrators, lets clients say who acts (`approved_by`), or
    changes rows that all others guard. So is an app that nobody is asked in, where people log in
    and anybody may change their accounts. All else is possible: reading what siblings ask for, a
    remark beside open siblings, siblings for administrators alone, a handler that writes nothing
    or says that it is public. Doors that are public by nature (logins, health checks, webhooks)
    are passed over, and so are routes behind middleware, conditions or dependencies that cannot be
    read, a body that holds a token, and a handler that reads who is calling out of the request, or
    refuses by itself. What is public on purpose is said once, in `public` of
    `[tool.fastwright.access]`.
    """
    guarding, intent = guarding_of(app), Intent.read(app)
    if not any(map(guarding.asks, guarding.served)):
        yield from _nobody_asked(app, guarding, intent)
        return
    told: set[str] = set()  # a router that is included twice is forgotten once
    for route in guarding.served:
        if route.method == "WEBSOCKET" or not _is_candidate(route, guarding, intent):
            continue
        if route.handler in told:
            continue
        remark = _remark(app, route)
        peers = _guarded_peers(route, guarding)
        if peers or remark or (_administers(app, route) and _is_exception(route, guarding)):
            told.add(route.handler)
            yield _finding(app, route, peers, remark)
    yield from _open_routers(app, guarding, intent, told)


def _remark(app: AppMap, route: Route) -> str:
    """The line of a handler in which a guard is commented out; empty for none."""
    found = _REMARK.search(app.text(route.span)) if route.span else None
    return found[0].strip() if found else ""


def _is_candidate(route: Route, guarding: Guarding, intent: Intent) -> bool:
    is_public = guarding.is_public_by_nature(route) or intent.is_public(route)
    return guarding.is_open(route) and not is_public


def _guarded_peers(route: Route, guarding: Guarding) -> tuple[Route, ...]:
    """The guarded siblings that show that this route was forgotten; empty where they do not."""
    near = _near(route, guarding)
    guarded = [r for r in near if guarding.is_guarded(r)]
    if len(guarded) >= _FEWEST and _outweigh(route, guarded, len(near)):
        return tuple(guarded)
    if route.method not in WRITES:
        return ()
    every = _comparable(route, guarding)
    return tuple(every) if _is_habit(guarding, every) else ()


def _is_habit(guarding: Guarding, every: list[Route]) -> bool:
    return len(every) >= _HABIT and all(map(guarding.is_guarded, every))


def _is_exception(route: Route, guarding: Guarding, *, alone: bool = False) -> bool:
    """Whether most routes of the same router ask, whatever they do; with `alone`, all of them."""
    near = [
        r
        for r in guarding.served
        if r.router == route.router
        and r.handler != route.handler
        and not guarding.is_public_by_nature(r)
    ]
    guarded = sum(map(guarding.is_guarded, near))
    return guarded >= _FEWEST and (guarded == len(near) if alone else guarded > len(near) / 2)


def _near(route: Route, guarding: Guarding) -> list[Route]:
    """Those of the same router."""
    return [r for r in _comparable(route, guarding) if r.router == route.router]


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
    seen = [
        f"{name} is guarded by `{_guard_of(peer)}`"
        for name, peer in zip(names, peers, strict=False)
    ]
    seen += [f"a guard stands there as a remark: {remark}"] if remark else []
    fix = _fix(app, route, peers)
    return Finding(
        NAME,
        route.span,
        f"`{route}` does not ask who is calling{_why(peers, remark)}",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in seen),
        related=tuple(peer.span for peer in peers[:3] if peer.span),
        fixes=(fix,) if fix is not None else (),
        symbol=route.handler,
        structural=_is_sure(app, route, peers, bool(remark)),
    )


def _why(peers: tuple[Route, ...], remark: str) -> str:
    siblings = len({peer.handler for peer in peers})
    if siblings > 1:
        return f", where {siblings} siblings ask"
    return ": its guard is commented out" if remark else ", though it is for administrators alone"


def _is_sure(app: AppMap, route: Route, peers: tuple[Route, ...], remarked: bool) -> bool:
    """Whether the guard was forgotten, by what the siblings do with the very same rows."""
    text = app.text(route.span) if route.span is not None else ""
    if _ON_PURPOSE.search(f"{text} {route.router}") or not _acts_or_asks(app, route):
        return False
    guarding, administered = guarding_of(app), _administers(app, route)
    if (administered or remarked) and _is_exception(route, guarding, alone=not administered):
        return True
    if not administered and all(_administers(app, peer) for peer in peers or (route,)):
        return False
    near, every = _near(route, guarding), _comparable(route, guarding)
    if route.method not in WRITES:
        closed = bool(near) and all(map(guarding.is_guarded, near))
        return closed and _is_for_few(app, route, _on_same_rows(route, every))
    if route.method == "POST" and not _writes(app, route):
        return False
    shown = any(_stands_out(guarding, _on_same_rows(route, rows)) for rows in (near, every))
    return remarked or shown or (bool(_tables(route)) and _is_habit(guarding, every))


def _administers(app: AppMap, route: Route) -> bool:
    """Whether what a route says of itself is that administrators alone may call it."""
    return route.span is not None and _ADMINISTERS.search(app.text(route.span)) is not None


def _on_same_rows(route: Route, others: list[Route]) -> list[Route]:
    """The routes with statements on a table of this one; where it has none, below the same path."""
    own = _tables(route)
    if own:
        return [r for r in others if not own.isdisjoint(_tables(r))]
    return [r for r in others if _collection(r) == _collection(route)]


def _tables(route: Route) -> frozenset[str]:
    """The tables that the statements of a route begin with: first those that it writes."""
    written = [q for q in route.queries if q.kind != "select"]
    return frozenset(t for q in written or route.queries for t in q.tables[:1])


def _collection(route: Route) -> tuple[str, ...]:
    """The words of a path in front of the last parameter, or of its last word."""
    before = route.path.rpartition("/{")[0] or route.path
    return tuple(part for part in before.split("/") if part and "{" not in part)


def _stands_out(guarding: Guarding, siblings: list[Route]) -> bool:
    """Whether nearly all that write the same rows are guarded, and nothing may be optional."""
    guarded = sum(map(guarding.is_guarded, siblings))
    return guarded >= _FEWEST and _NEARLY * (len(siblings) - guarded) <= guarded


def _is_for_few(app: AppMap, route: Route, siblings: list[Route]) -> bool:
    """Whether rows that are read are their owner's alone, or the list is one of people.

    Where a route that asks nobody, or whoever likes, reads the same table, they are for everybody.
    """
    ownership = ownership_of(app)
    if not siblings or not all(map(guarding_of(app).is_guarded, siblings)):
        return False
    owned = [ownership.owned[name] for name in _tables(route) if name in ownership.owned]
    asked = any(ownership.asks(peer, one) for peer in siblings for one in owned)
    lists = (q for q in route.queries if q.many and q.kind == "select" and not q.filters)
    return asked or any(q.tables and q.tables[0] in ownership.people for q in lists)


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
    """One note for an app that never asks: whether it should is not to be seen in its source.

    Where people log in and anybody may change or delete their accounts, it is.
    """
    if app.principals or guarding.by_middleware:
        return
    writing = [
        r
        for r in guarding.served
        if r.method in WRITES and not intent.is_public(r) and guarding.is_open(r)
    ]
    login = next((r for r in guarding.served if guarding.is_login(r)), None)
    on_accounts = [r for r in writing if login and changes_accounts(app, guarding, r)]
    first = next(iter(on_accounts or writing), None)
    if first is not None and first.span is not None:
        message = f"no route asks who is calling, among them {len(writing)} that write"
        told = f": `{first}` changes accounts, though `{login}` asks for a password"
        sure = bool(on_accounts)
        message += told if sure else ""
        yield Finding(NAME, first.span, message, symbol=first.handler, structural=sure)


def _open_routers(
    app: AppMap, guarding: Guarding, intent: Intent, told: set[str]
) -> Iterator[Finding]:
    """One finding for each router that is wholly open and writes, while others ask."""
    if guarding.by_middleware:
        return

    def is_left_open(route: Route) -> bool:
        return guarding.is_public_by_nature(route) or intent.is_public(route)

    for found in open_routers(app, is_left_open, lambda route: _administers(app, route)):
        forgotten = [r for r in found.writing if _acts_or_asks(app, r) and not _is_public(app, r)]
        if found.shown in forgotten and not told & {route.handler for route in found.writing}:
            told.update(route.handler for route in found.writing)
            yield _opened(found, len(forgotten) - 1)


def _is_public(app: AppMap, route: Route) -> bool:
    """Whether a route says that it is for everybody, or writes nothing that is seen."""
    text = app.text(route.span) if route.span is not None else ""
    is_meant = _ON_PURPOSE.search(f"{text} {route.router}") is not None
    return is_meant or (route.method == "POST" and not _writes(app, route))


def _opened(found: OpenRouter, more: int) -> Finding:
    route = found.shown
    assert route.span is not None
    others = f", nor do {more} more of its router that write" if more else ""
    seen = (Evidence(EvidenceKind.SOURCE, found.because),) if found.because else ()
    return Finding(
        NAME,
        route.span,
        f"`{route}` does not ask who is calling{others}, while others ask for `{found.guard}`",
        evidence=seen,
        related=tuple(r.span for r in found.writing if r.span and r is not route)[:3],
        symbol=route.handler,
        structural=bool(found.because),
    )
