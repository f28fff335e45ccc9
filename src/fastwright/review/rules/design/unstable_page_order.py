"""FW104 unstable-page-order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Query, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.growing import is_of_kinds
from fastwright.review.rule import rule

_PAGE = re.compile(r"skip|offset|page|start|begin|from|cursor|after|since|index", re.IGNORECASE)
_OPAQUE = re.compile(r"\b(?:dict|Dict|Any|Request|Mapping)\b|Param|Filter|Pag")
_SELECTED = re.compile(r"(?:\w+\.)*select\(\s*(?P<model>[A-Za-z_]\w*)\s*,?\s*\)")


@rule(code="FW104", severity=Severity.MEDIUM)
def unstable_page_order(app: AppMap) -> Iterator[Finding]:
    """Pages cut from rows that have no order.

    ## Why is this bad?
    Without `ORDER BY` a database gives rows in whatever order is cheapest at that moment: an
    update or another plan moves them. Page 2 then repeats rows of page 1 and others are never
    shown, and no error says so.

    ## Example
    ```python
    @app.get("/items")
    def list_items(
        session: SessionDep, skip: int = 0, limit: Annotated[int, Query(le=100)] = 50
    ) -> list[ItemOut]:
        return session.scalars(select(Item).offset(skip).limit(limit)).all()
    ```

    Use instead:
    ```python
    @app.get("/items")
    def list_items(
        session: SessionDep, skip: int = 0, limit: Annotated[int, Query(le=100)] = 50
    ) -> list[ItemOut]:
        return session.scalars(select(Item).order_by(Item.id).offset(skip).limit(limit)).all()
    ```

    ## Fix safety
    Safe: rows are ordered by the primary key, one of the orders that the database was free to
    choose so far.

    ## Known limits
    An order by a column that is not unique is taken for an order. A statement that another
    function was handed is passed over, since that may add the order. Where no route that runs the
    statement takes a page of its client, there may be no second one: that is only possible, and so
    it is of what is called as lists of kinds are (`roles`, `tags`).
    """
    running: dict[Span, list[tuple[Route, Query]]] = {}
    for route in app.routes:
        for query in route.queries if route.reachable else ():
            if _is_cut(query):
                running.setdefault(query.span, []).append((route, query))
    for rows in running.values():
        paged = [row for row in rows if _takes_a_page(app, row[0])]
        route, query = (paged or rows)[0]
        table = app.table(query.tables[0])
        is_sure = bool(paged) and not (table is not None and is_of_kinds(table))
        yield _finding(app, route, query, is_sure=is_sure)


def _is_cut(query: Query) -> bool:
    pages = query.kind == "select" and query.many and query.bounded and query.skips
    return pages and not query.ordered and bool(query.tables)


def _takes_a_page(app: AppMap, route: Route) -> bool:
    """True for a route whose client says where a page begins, or gives what nobody knows."""
    taken = [node.call for node in route.every_dependency()]
    parts = [*route.parameters, *(p for name in taken for p in app.signatures.get(name, ()))]
    models = {route.body_model, *taken}
    fields = (field.name for s in app.schemas if s.name in models for field in s.fields)
    names = (*(part.name for part in parts), *fields)
    opaque = any(p.annotation and _OPAQUE.search(p.annotation) for p in route.parameters)
    return opaque or any(_PAGE.search(name) for name in names)


def _finding(app: AppMap, route: Route, query: Query, *, is_sure: bool) -> Finding:
    told = f"the statement has a limit and an offset, and no order; `{route}` runs it"
    return Finding(
        "unstable-page-order",
        query.span,
        f"pages of `{query.tables[0]}` are cut from rows without an order",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=_fixes(app, query),
        symbol=route.handler,
        structural=is_sure,
    )


def _fixes(app: AppMap, query: Query) -> tuple[Fix, ...]:
    selected = _SELECTED.fullmatch(app.text(query.span))
    table = app.table(query.tables[0])
    keys = [c.attribute for c in table.columns if c.primary_key] if table else []
    if selected is None or not keys:
        return ()
    model = selected["model"]
    if table is None or (table.model or "").rpartition(".")[2] != model:
        return ()
    order = ", ".join(f"{model}.{key}" for key in keys)
    at = Span(query.span.path, query.span.end, query.span.end)
    edit = Edit(at, f".order_by({order})", "pages need an order that does not change")
    return (Fix(f"Order the rows by `{order}`", Safety.SAFE, (edit,)),)
