"""FW102 unbounded-list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Query, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.growing import grows
from fastwright.review.paging import is_paged, listed
from fastwright.review.reach import holds, last, reach
from fastwright.review.rule import rule
from fastwright.source import signatures
from fastwright.source.imports import ensure_import

_SELECTED = re.compile(r"(?:\w+\.)*select\(\s*(?P<model>[A-Za-z_]\w*)\s*,?\s*\)")
_WHOLE = re.compile(r"/(export|backup|dump|download)\w*/?$", re.IGNORECASE)
"""Where all rows are what is asked for."""
_THIN = re.compile(r"\b(defer|load_only)\(")
_ASKS = frozenset({"execute", "exec", "scalars", "scalar", "stream", "stream_scalars"})
_BUILDS = frozenset({"select", "query", "options", "join", "outerjoin", "order_by", "distinct"})
_PAGINATORS = "fastapi_pagination."
_OF_ROWS = frozenset({"fastapi_pagination.paginate", "fastapi_pagination.paginator.paginate"})
"""What cuts a page out of rows that were read, rather than limiting the statement."""
_NARROWS = frozenset({"where", "filter", "filter_by", "having"})


@rule(code="FW102", severity=Severity.MEDIUM)
def unbounded_list(app: AppMap) -> Iterator[Finding]:
    """A list that answers with every row of a table, and cannot be asked for less.

    ## Why is this bad?
    The answer grows with the table: what takes 5 ms in review takes seconds a year later, and one
    client can exhaust the memory of the process (OWASP API4:2023 unrestricted resource
    consumption, CWE-770). Adding pages afterwards breaks every client that reads the list.

    ## Example
    ```python
    @app.get("/items")
    def list_items(session: SessionDep) -> list[ItemOut]:
        return session.scalars(select(Item)).all()
    ```

    Use instead:
    ```python
    @app.get("/items")
    def list_items(
        session: SessionDep,
        limit: Annotated[int, Query(ge=1, le=100)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> list[ItemOut]:
        rows = select(Item).order_by(Item.id).limit(limit).offset(offset)
        return session.scalars(rows).all()
    ```

    ## Fix safety
    Changes behaviour: a client that relied on every row receives the first 100, and asks for the
    rest with `offset`. Offered where the handler itself makes the statement.

    ## Known limits
    The answer must be declared as a list of a schema with the table's columns. A page that
    `fastapi_pagination` cuts out of rows counts, one that it makes by a statement does not. A
    statement with a condition, or that another function is given, is reported as possible: its
    parent may have few rows by nature. So is one of a table of which no request of others than
    administrators makes rows, unless its name says that it grows (`orders`, `audit_logs`): what is
    laid once does not. The same holds of what is called as lists of kinds are (`roles`, `tags`), of
    an export, and where the statement leaves columns out.
    """
    seen: set[Span] = set()
    for route in app.routes:
        if route.method == "GET" and route.reachable and not is_paged(app, route):
            paginators = _paginators(app, route)
            for query, table in listed(app, route) if paginators <= _OF_ROWS else ():
                if query.span not in seen:
                    seen.add(query.span)
                    yield _finding(app, route, query, table, cut=bool(paginators))


def _paginators(app: AppMap, route: Route) -> frozenset[str]:
    """The functions of a library that make pages of what a route answers."""
    root = reach(app).answering(route)
    steps = reach(app).below(root) if root is not None else ()
    named = (step.call.callee or "" for step in steps)
    return frozenset(
        n for n in named if n.startswith(_PAGINATORS) and last(n) in ("paginate", "apaginate")
    )


def _finding(app: AppMap, route: Route, query: Query, table: Table, *, cut: bool) -> Finding:
    told = "nothing limits the statement, and " + (
        "pages are cut out of its rows"
        if cut
        else f"`{route}` takes no parameter that says how many rows"
    )
    does = "reads every row of `{}` for each page" if cut else "answers with every row of `{}`"
    return Finding(
        "unbounded-list",
        query.span,
        f"`{route}` {does.format(table.name)}",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=() if cut else _fixes(app, route, query, table),
        symbol=route.handler,
        structural=_is_whole(app, query) and _grows(app, route, table),
    )


def _is_whole(app: AppMap, query: Query) -> bool:
    """True where no condition can stand in the statement: it is built of classes, without one."""
    built = bool(re.match(r"(\w+\.)*(select|query)\(", app.text(query.span)))
    return built and not query.filters and len(query.tables) == 1 and not _is_narrowed(app, query)


def _grows(app: AppMap, route: Route, table: Table) -> bool:
    return not _WHOLE.search(route.path) and grows(app, route, table)


def _is_narrowed(app: AppMap, query: Query) -> bool:
    """True where the statement has a condition that the map cannot read: ``filter(wanted)``."""
    at = query.span
    near = reach(app).calls_of(at.path)
    own = [c for c in near if c.span.start == at.start and c.span.end >= at.end]
    given = (c for c in near if c.span.start < at.start and at.end < c.span.end)
    if any(reach(app).callee(call) is not None for call in given):
        return True  # a function of the app's own may add a condition to it
    names = {(call.caller, call.target) for call in own if call.target}
    held = [c for c in near if (c.caller, c.text.rpartition(".")[0]) in names]
    built = {(c.caller, c.target) for c in own if c.target and last(c.text) in _BUILDS}
    if any(last(c.text) not in _ASKS for c in near for n in c.arguments if (c.caller, n) in built):
        return True  # a name of it is handed on as well
    return any(last(c.text) in _NARROWS or _is_thinning(c) for c in (*own, *held))


def _is_thinning(call: Call) -> bool:
    """True where columns are left out: how long the list is was thought of."""
    return last(call.text) == "options" and any(map(_THIN.search, call.arguments))


def _fixes(app: AppMap, route: Route, query: Query, table: Table) -> tuple[Fix, ...]:
    selected = _SELECTED.fullmatch(app.text(query.span))
    keys = [c.attribute for c in table.columns if c.primary_key]
    span = route.span
    if span is None or selected is None or not keys or not holds(span, query.span):
        return ()
    annotated = ensure_import(app, span.path, "typing", "Annotated")
    mark = ensure_import(app, span.path, "fastapi", "Query")
    limit = f"limit: {annotated.local}[int, {mark.local}(ge=1, le=100)] = 100"
    offset = f"offset: {annotated.local}[int, {mark.local}(ge=0)] = 0"
    why = "a client asks for a part of the rows, of at most 100"
    node = signatures.definition(app, span)
    if node is None:
        return ()
    content = app.files[span.path]
    added = signatures.with_parameter(span.path, content, node, f"{limit}, {offset}", why)
    order = "" if query.ordered else f".order_by({selected['model']}.{keys[0]})"
    at = Span(span.path, query.span.end, query.span.end)
    cut = Edit(at, f"{order}.limit(limit).offset(offset)", why)
    changes = (*annotated.edits, *mark.edits, added, cut)
    return (Fix(f"Give `{route}` pages of 100 rows", Safety.CHANGES_BEHAVIOUR, changes),)
