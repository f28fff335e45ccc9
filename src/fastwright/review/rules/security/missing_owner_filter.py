"""FW501 missing-owner-filter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import CallerUse, Query, Route
from fastwright.review.deeds import deed
from fastwright.review.guarding import Guarding, guarding_of
from fastwright.review.intent import Intent
from fastwright.review.narrowing import narrowed, within
from fastwright.review.nesting import target_of
from fastwright.review.ownership import Owned, Ownership, ownership_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.uncommented import uncommented
from fastwright.review.writing import writing_of

NAME = "missing-owner-filter"
_EXPORT = re.compile(r"(?i)export|download|csv|xlsx?\b|excel|\bpdf|report|backup|\bdump")
_TENANT = re.compile(r"(^|[._])(organi[sz]ation|org|tenant|workspace)_?(id|uuid|uid|pk)?$")
_WRITING = re.compile(
    r"\.(commit|flush|add|add_all|delete|merge|save|create|remove|begin|values)\(|"
    r"(?i:\b(insert|update|delete)\b)"
)


@rule(code="FW501", severity=Severity.HIGH)
def missing_owner_filter(app: AppMap) -> Iterator[Finding]:
    """A row that belongs to one user is given to every user who names its key.

    ## Why is this bad?
    Whoever is logged in can walk through the keys and read, change or delete what is others'. It is
    the most frequent fault of APIs (OWASP API1:2023, broken object level authorization; CWE-639).

    ## Example
    ```python
    @app.get("/items")
    def list_items(session: SessionDep, user: CurrentUser) -> list[ItemOut]:
        return session.scalars(select(Item).where(Item.owner_id == user.id).limit(50)).all()


    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = session.get(Item, item_id)
        if item is None:
            raise HTTPException(404)
        return item
    ```

    Use instead:
    ```python
    @app.get("/items")
    def list_items(session: SessionDep, user: CurrentUser) -> list[ItemOut]:
        return session.scalars(select(Item).where(Item.owner_id == user.id).limit(50)).all()


    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = session.scalar(select(Item).where(Item.id == item_id, Item.owner_id == user.id))
        if item is None:
            raise HTTPException(404)
        return item
    ```

    ## Fix safety
    Changes behaviour: other users, administrators among them, are answered as if the row did not
    exist. Offered where the statement stands in the handler and the caller has a name there.

    ## Known limits
    That one user reads another's row is right for a blog and wrong for an order. It is certain only
    where the app itself shows the intent: the list of the same table is limited to the caller, or
    two sibling routes ask for the owner, or `[tool.fastwright.access]` names the table as `owned`.
    Else it is one question for each table. A role that a route demands is taken to allow every row,
    unless those who make rows must have the very same one and are no administrators. Where only
    routes on other tables ask, it is only possible, and so it is where the statement asks for a
    tenant (`organization_id`) too, or for the key of a parent that was looked for by its owner or
    tenant. Of routes that name no row those are
    looked at that export all of them, by their names. A route whose caller is handed to code
    that cannot be read is passed over. One that writes and only looks at the row, to make another
    below it, reads it, which is right where every user may read it; and a route that wants rows
    which are *not* the caller's shows that others' may be read.
    """
    guarding, ownership, intent = guarding_of(app), ownership_of(app), Intent.read(app)
    asked: set[str] = set()
    for route in guarding.served:
        row = ownership.row_of(route) or _exported(route, ownership)
        if row is None or not _is_candidate(route, row[0], guarding, ownership, intent):
            continue
        owned, query = row
        reads = _reads(app, route) or deed(app, route, query) == "reads"
        if reads and owned.table.name in intent.shared:
            continue
        peers = _shown(route, owned, ownership, reads=reads)
        if peers or owned.table.name in intent.owned:
            yield _certain(app, guarding, route, row, peers)
        elif owned.table.name not in asked and (not reads or not ownership.open_lists(owned)):
            asked.add(owned.table.name)
            yield _question(route, owned, query)


def _is_candidate(
    route: Route, owned: Owned, guarding: Guarding, ownership: Ownership, intent: Intent
) -> bool:
    """Somebody is logged in, nothing limits the row to them, and nobody has said it is right."""
    principal = any(g.role == "principal" and not g.optional for g in route.guards)
    known = principal and not guarding.is_unsure(route) and not intent.is_public(route)
    return known and not ownership.may_ask(route, owned)


def _reads(app: AppMap, route: Route) -> bool:
    """Whether nothing that runs for the route writes: a list of keys may come in a body."""
    if route.method == "GET":
        return True
    texts = (uncommented(app, f) for f in reach(app).running(route))
    return route.method == "POST" and not any(map(_WRITING.search, texts))


def _exported(route: Route, ownership: Ownership) -> tuple[Owned, Query] | None:
    """The owned table of which an export, which names no row, gives out every one."""
    if route.method != "GET" or "{" in route.path or not _is_export(route):
        return None
    for query in route.queries:
        owned = ownership.owned.get(query.tables[0]) if query.tables else None
        if owned is not None and query.many and query.kind == "select" and not query.filters:
            return owned, query
    return None


def _is_export(route: Route) -> bool:
    return _EXPORT.search(f"{route.path} {last(route.handler)}") is not None


def _shown(
    route: Route, owned: Owned, ownership: Ownership, *, reads: bool
) -> tuple[tuple[Route, CallerUse | Query], ...]:
    """The siblings that show that a row is for its owner alone; empty where they do not."""
    asking = [(r, a) for r in ownership.asking(owned) if (a := ownership.asks(r, owned))]
    lists = [row for row in asking if _lists(row[0], owned)]
    reading = [row for row in asking if row[0].method == "GET"]
    writing = [row for row in asking if row[0].method in ("PUT", "PATCH", "DELETE")]
    is_open = any(not (lists and _is_export(r)) for r in ownership.open_lists(owned))
    if route.method == "GET":
        is_closed = lists or (len(reading) > 1 and not _is_export(route))
        return tuple(reading) if is_closed and not is_open else ()
    if reads and (is_open or ownership.is_open_to_all(owned)):
        return ()
    if len(asking) > 1:
        return tuple(asking)
    elsewhere = [
        (r, a)
        for other in ownership.owned.values()
        for r in ownership.asking(other)
        if r.method in ("PUT", "PATCH", "DELETE") and (a := ownership.asks(r, other))
    ]
    is_habit = len({r for r, _ in elsewhere}) > 1 and ownership.stores_owner(owned)
    return (*writing, *elsewhere) if (writing and elsewhere[1:]) or is_habit else ()


def _lists(route: Route, owned: Owned) -> bool:
    return route.method == "GET" and any(
        q.many and q.tables[:1] == (owned.table.name,) for q in route.queries
    )


def _certain(
    app: AppMap,
    guarding: Guarding,
    route: Route,
    row: tuple[Owned, Query],
    peers: tuple[tuple[Route, CallerUse | Query], ...],
) -> Finding:
    owned, query = row
    verb = "reads" if _reads(app, route) else deed(app, route, query)
    every = "every" if "{" not in route.path and _is_export(route) else "any"
    asking = ownership_of(app).asking(owned)
    peers = tuple(sorted(peers, key=lambda pair: pair[0] not in asking))
    names = tuple(dict.fromkeys(f"`{peer}`" for peer, _ in peers))
    shown = f", which {' and '.join(names[:2])} {'do' if len(names) > 1 else 'does'}"
    message = f"`{route}` {verb} {every} row of `{owned.table.name}` without asking whose it is"
    fix = _fix(app, guarding, route, row)
    return Finding(
        NAME,
        _place(route, query),
        message + (shown if names else f", though `{owned.table.name}` is declared as owned"),
        evidence=tuple(_evidence(app, peer, asks) for peer, asks in peers[:3]),
        related=tuple(asks.span for _, asks in peers[:3]),
        fixes=(fix,) if fix is not None else (),
        symbol=route.handler,
        structural=(_is_shown_of(owned, peers, ownership_of(app)) or not peers)
        and not _is_scoped(app, route, row)
        and not _adds_own(app, route, owned),
    )


def _adds_own(app: AppMap, route: Route, owned: Owned) -> bool:
    """Whether a request only makes rows below another's, which say themselves whose they are.

    A comment on an article is its writer's, whoever has written the article.
    """
    root = reach(app).answering(route) if route.method == "POST" else None
    touches = writing_of(app).touches(root) if root is not None else ()
    made = {name for touch in touches for name in touch.makes}
    changed = {name for touch in touches for name in touch.changes}
    known = ownership_of(app).owned
    return bool(made) and made <= known.keys() and owned.table.name not in made | changed


def _is_scoped(app: AppMap, route: Route, row: tuple[Owned, Query]) -> bool:
    """Whether a row is asked for by its tenant, or below a parent that is asked for so."""
    owned, query = row
    if any(_TENANT.search(name) for name in query.filters):
        return True
    asked = {name.rpartition(".")[2] for name in query.filters}
    columns = (c for c in owned.table.columns if {c.name, c.attribute} & asked)
    parents = {target for c in columns if (target := target_of(c))}
    other = ownership_of(app).owned
    marks = {f"{name}.{mark}" for name in parents & other.keys() for mark in other[name].marks}
    return any(
        _TENANT.search(name) or name in marks
        for found in route.queries
        if found.tables and found.tables[0] in parents - ownership_of(app).people
        for name in found.filters
    )


def _is_shown_of(
    owned: Owned, peers: tuple[tuple[Route, CallerUse | Query], ...], ownership: Ownership
) -> bool:
    """Whether siblings ask for a row of this very table: others say little of it."""
    asking = ownership.asking(owned)
    return any(peer in asking for peer, _ in peers)


def _question(route: Route, owned: Owned, query: Query) -> Finding:
    name = owned.table.name
    message = (
        f"rows of `{name}` say whose they are (`{owned.column.attribute}`), and `{route}` does not "
        f"ask: declare `{name}` as `owned` or `shared` in `[tool.fastwright.access]`"
    )
    return Finding(NAME, _place(route, query), message, symbol=route.handler)


def _place(route: Route, query: Query) -> Span:
    """The statement where it stands in the handler, else the handler."""
    assert route.span is not None
    return query.span if within(query.span, route.span) else route.span


def _evidence(app: AppMap, peer: Route, asks: CallerUse | Query) -> Evidence:
    written = asks.text if isinstance(asks, CallerUse) else app.text(asks.span)
    return Evidence(EvidenceKind.SOURCE, f"`{peer}` asks: {' '.join(written.split())}")


def _fix(app: AppMap, guarding: Guarding, route: Route, row: tuple[Owned, Query]) -> Fix | None:
    """The owner among the conditions, where handler, statement and caller are all in one place."""
    owned, query = row
    caller, accounts = guarding.principal_of(route), ownership_of(app).accounts
    keys = [c.attribute for c in accounts.columns if c.primary_key] if accounts else []
    if caller is None or len(keys) != 1 or route.span is None or query.span == route.span:
        return None
    if not within(query.span, route.span) or owned.table.model is None:
        return None
    why = f"a row of `{owned.table.name}` is for its owner alone"
    wanted = (owned.column, f"{caller}.{keys[0]}")
    changes = narrowed(app, owned.table, query.span, wanted, why)
    title = f"Limit `{route}` to rows of `{owned.table.name}` that are the caller's"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, changes) if changes else None
