"""FW303 n-plus-one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Query, Route, Schema
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Relationship, Table
from fastwright.review.given import gives_back
from fastwright.review.nesting import target_of
from fastwright.review.reach import Reach, Step, last, reach
from fastwright.review.rule import rule
from fastwright.review.shapes import Read, Shapes
from fastwright.review.statements import is_of_columns, statement
from fastwright.source import call_sites, layout
from fastwright.source.imports import ensure_import

_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", "noload", "raise",
                    "raise_on_sql", "write_only", "dynamic", "False"})  # fmt: skip
_NEAR = 1_500
"""Bytes behind the beginning of a statement in which its conditions are looked for."""

_INNER = re.compile(rb"\A[^\n]*(?:\n\s+[^\n]*)??\.in_\(\s*(\w+)")
"""Rows that are those of another statement, which has a name."""
_BACK = 2
_MOST_LOADED = 5
"""Relationships that one statement is made to load: who answers with more has more to decide."""


@rule(code="FW303", severity=Severity.HIGH)
def n_plus_one(app: AppMap) -> Iterator[Finding]:
    """A list whose response reads a relationship of each row that the query did not load.

    ## Why is this bad?
    Writing the response loads the relationship row by row: one statement for the list and one more
    for each element, or for each distinct row that elements refer to. That is 6 to 7 times the cost
    of a page of 20 in our measurements, more with each row (CWE-1073). With an async session the
    load is not even possible, and the route fails with `MissingGreenlet`.

    ## Example
    ```python
    class ItemWithOwner(BaseModel):
        id: int
        owner: UserOut


    @app.get("/items", response_model=list[ItemWithOwner])
    def list_items(session: SessionDep) -> Any:
        return session.scalars(select(Item).limit(50)).all()
    ```

    Use instead:
    ```python
    class ItemWithOwner(BaseModel):
        id: int
        owner: UserOut


    @app.get("/items", response_model=list[ItemWithOwner])
    def list_items(session: SessionDep) -> Any:
        return session.scalars(select(Item).options(selectinload(Item.owner)).limit(50)).all()
    ```

    ## Fix safety
    Safe: `selectinload` loads the same rows in one further statement. The response is the same.
    Not offered for more than five relationships at once.

    ## Known limits
    The response model must be declared, and the query be in code that the handler reaches. Rows
    that do not visibly become the response are only possible, as are loader options made elsewhere.
    The one parent whose rows are asked for, also by a statement within, is read once, and passed
    over, as is the row itself that another was reached from, and a statement of columns alone.
    """
    shapes, reached = Shapes(app), reach(app)
    told: set[Span] = set()
    for route in app.routes:
        listed = shapes.listed(route) if route.reachable else ()
        for query in route.queries if listed else ():
            step = _step(reached, route, query)
            unloaded = _unloaded(query, listed, shapes)
            reads = tuple(r for r in unloaded if not _is_filled_by_hand(app, listed, r, step))
            if reads and query.span not in told:
                told.add(query.span)
                yield _finding(app, route, query, reads, step)


def _step(reached: Reach, route: Route, query: Query) -> Step | None:
    """The call that makes the query, and the way of the route's handler to it."""
    root = reached.answering(route)
    return reached.way_to(root, query.span) if root is not None else None


def _unloaded(query: Query, listed: tuple[Schema, ...], shapes: Shapes) -> Iterator[Read]:
    """The relationships that the listed schemas read of the query's rows, and it does not load."""
    table = shapes.app.table(query.tables[0]) if query.tables else None
    if table is None or not query.many or query.kind != "select" or "?" in query.eager:
        return
    if is_of_columns(shapes.app, query, table):
        return  # rows of columns have no relationships
    paths = {path.strip("\"'").rpartition(".")[2] for path in query.eager}
    paths |= {part for path in query.eager for part in path.strip("\"'").split(".")}
    for schema in listed if table.relationships else ():
        if not shapes.fits(schema, table):
            continue
        for read in shapes.reads(schema, table):
            lazy = [r for _, r in read.way if r.name not in paths and _is_lazy(r)]
            known = _is_of_one(shapes.app, query, table, read) or _is_way_back(read)
            if lazy == [read.way[-1][1]] and not known:
                yield read


def _is_way_back(read: Read) -> bool:
    """True where a row is asked for the one that it was reached from: the session holds that."""
    if len(read.way) < _BACK:
        return False
    (owner, came), (table, back) = read.way[-_BACK:]
    keys = [c for c in table.columns if target_of(c) == owner.name]
    return bool(came.many and not back.many and back.target == owner.model and len(keys) == 1)


def _is_of_one(app: AppMap, query: Query, table: Table, read: Read) -> bool:
    """True where the statement asks for the rows of one parent, which is what they all refer to."""
    (_, relationship), *further = read.way
    if further or relationship.many:
        return False
    target = next((t for t in app.tables if t.model == relationship.target), None)
    keys = [c for c in table.columns if target is not None and target_of(c) == target.name]
    if len(keys) != 1:
        return False
    behind = app.files[query.span.path][query.span.start : query.span.end + _NEAR]
    asks = re.compile(rb"\b%b\s*={1,2}\s*[\w.]+" % re.escape(keys[0].attribute.encode()))
    own = {f"{table.name}.{name}" for name in (keys[0].name, keys[0].attribute)}
    if own & set(query.filters):
        return asks.search(behind) is not None
    inner = _INNER.search(behind)
    if inner is None:
        return False
    content, at = app.files[query.span.path], query.span
    return any(
        asks.search(content, row.start, row.end) is not None
        for function in reach(app).functions_of(at.path)
        if function.span.start <= at.start < function.span.end
        for row in function.bindings
        if row.name.encode() == inner[1] and row.end <= at.start
    )


def _is_filled_by_hand(
    app: AppMap, listed: tuple[Schema, ...], read: Read, step: Step | None
) -> bool:
    """True where code on the way makes the schema, and fills the field with something else."""
    field = read.way[0][1].name
    made = "|".join(re.escape(last(schema.name)) for schema in listed)
    filled = re.compile(rf"\b(?:{made})\(.{{0,2000}}?\b{field}\s*=(?!=)", re.DOTALL)
    taken = re.compile(rf"\.{field}\b")
    texts = [app.text(function.span) for function in step.functions] if step is not None else []
    return any(filled.search(text) for text in texts) and not any(map(taken.search, texts))


def _is_lazy(relationship: Relationship) -> bool:
    return (relationship.lazy or "select").strip("\"'") not in _EAGER


def _finding(
    app: AppMap, route: Route, query: Query, reads: tuple[Read, ...], step: Step | None
) -> Finding:
    named = _named(reads)
    harm = "which an async session refuses" if _is_async(app, step) else _cost(app, reads)
    return Finding(
        "n-plus-one",
        query.span,
        f"`{route}` reads {named} of every row, {harm}: the query does not load it",
        evidence=(Evidence(EvidenceKind.SOURCE, f"the response is `{route.response_model}`"),),
        related=tuple(r.span for read in reads for _, r in read.way[-1:] if r.span),
        fixes=_fixes(app, query, reads, step),
        symbol=f"{route.handler}:{step.function.name if step else ''}",
        structural=step is not None and gives_back(reach(app), step),
    )


def _cost(app: AppMap, reads: tuple[Read, ...]) -> str:
    """How many statements it takes: a session asks once for a row that several refer to."""
    last_ways = [read.way[-1] for read in reads]
    shared = [_is_referred_to(app, table, way) for table, way in last_ways]
    if not any(shared):
        return "one statement each time"
    if all(shared) and all(table.model != way.target for table, way in last_ways):
        return "one statement for each distinct row that they refer to"
    return "one statement each time or for each distinct row that they refer to"


def _is_referred_to(app: AppMap, table: Table, relationship: Relationship) -> bool:
    """True for the far side of a foreign key of the table itself, which rows can share.

    Of a table that refers to itself, the two sides cannot be told apart.
    """
    target = next((t for t in app.tables if t.model == relationship.target), None)
    keys = [c for c in table.columns if target is not None and target_of(c) == target.name]
    return bool(keys) and not relationship.many


def _named(reads: tuple[Read, ...]) -> str:
    *most, final = (f"`{read.text}`" for read in reads)
    return f"{', '.join(most)} and {final}" if most else final


def _is_async(app: AppMap, step: Step | None) -> bool:
    asked = map(statement, reach(app).calls_in(step.function)) if step is not None else ()
    return any(found.is_async for found in asked if found is not None)


def _fixes(
    app: AppMap, query: Query, reads: tuple[Read, ...], step: Step | None
) -> tuple[Fix, ...]:
    """``.options(selectinload(…))`` behind the ``select(…)`` or ``query(…)`` of one class."""
    called = step.call if step is not None else None
    asked = called.arguments if called is not None else ()
    if len(reads) > _MOST_LOADED or len(asked) != 1 or not asked[0].isidentifier():
        return ()
    path = query.span.path
    options, bound = zip(*(_option(app, path, read) for read in reads), strict=True)
    named = _named(reads)
    why = f"{named}: loaded for all rows by one statement each"
    edit = _loading(app, query.span, options, why)
    edits = (*dict.fromkeys(e for edits in bound for e in edits), edit)
    return (Fix(f"Load {named} with the rows", Safety.SAFE, edits),)


def _loading(app: AppMap, at: Span, options: Sequence[str], why: str) -> Edit:
    """The options behind the query; one that is there is led on where it loads the first part."""
    content = app.files[at.path]
    there = call_sites.method_on(content, at, "options")
    if there is None:
        return Edit(Span(at.path, at.end, at.end), f".options({', '.join(options)})", why)
    loaded = [layout.text_of(node) for node in call_sites.arguments(there)]
    for option in options:
        way = _way(option)
        begun = next((text for text in loaded if f"{way}.".startswith(f"{_way(text)}.")), "")
        if begun:
            loaded[loaded.index(begun)] = begun + way.removeprefix(_way(begun))
        else:
            loaded.append(option)
    return Edit(Span(at.path, at.end, there.end_byte), f".options({', '.join(loaded)})", why)


def _way(option: str) -> str:
    """What an option loads, whatever it loads it by: ``(Thing.owner).joinedload(Owner.team)``."""
    return f"({option.partition('(')[2]}"


def _option(app: AppMap, path: PurePosixPath, read: Read) -> tuple[str, tuple[Edit, ...]]:
    """The loader option of one way, and the imports that it needs."""
    loader = ensure_import(app, path, "sqlalchemy.orm", "selectinload")
    links, bound = [], [*loader.edits]
    for table, relationship in read.way:
        module, _, name = (table.model or "").rpartition(".")
        owner = ensure_import(app, path, module, name)
        bound += owner.edits
        links.append(f"({owner.local}.{relationship.name})")
    return f"{loader.local}{'.selectinload'.join(links)}", tuple(bound)
