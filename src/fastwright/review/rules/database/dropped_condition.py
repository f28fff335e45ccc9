"""FW312 dropped-condition."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.conditions import Conditions, Decided, by_dotted_name, operator
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.said_in_sql import said_in_sql
from fastwright.source import call_sites, layout, syntax
from fastwright.survey.codebase import of_tests

_TAKING = frozenset({"where", "filter", "having", "and_", "or_", "join", "outerjoin"})
_NOT_NULL = re.compile(r"\bis not None$")
_PYTHONS = re.compile(r"\b(and|or|not|is|in)\b")


@rule(code="FW312", severity=Severity.HIGH)
def dropped_condition(app: AppMap) -> Iterator[Finding]:
    """A condition that Python decides, so that the database is never asked for it.

    ## Why is this bad?
    `and`, `or`, `not`, `is` and `in` belong to Python: SQLAlchemy cannot see them. Of
    `Item.id == key and Item.owner_id == user.id` the first half alone reaches the statement, for a
    comparison of two different objects is false. Nothing fails, every test with one user passes,
    and the row of another is given away (CWE-480; OWASP API1:2023 where the owner was lost).

    ## Example
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = session.scalar(
            select(Item).where(Item.id == item_id and Item.owner_id == user.id)
        )
        if item is None:
            raise HTTPException(404)
        return item
    ```

    Use instead:
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = session.scalar(
            select(Item).where(Item.id == item_id, Item.owner_id == user.id)
        )
        if item is None:
            raise HTTPException(404)
        return item
    ```

    ## Fix safety
    Changes behaviour: the database is asked for the whole condition, and gives other rows. Not
    offered where a part names a column that does not exist: it was never read, so nobody noticed.

    ## Known limits
    Only columns of tables that the survey knows, by their class or `Table` object, are read: an
    alias is passed over. That a key or another column without NULL `is not None` is only possible,
    for the database would say so of every row. Where SQLAlchemy itself refuses
    (`Item.price > 3 and …` raises), the first test has said so.
    """
    modules = {module.path: module for module in app.modules.values()}
    tables, read = by_dotted_name(app), dict[str, Conditions]()
    routes = {ran.function.name: ran.route for ran in reach(app).ran()}
    for call in app.calls:
        module = modules.get(call.span.path) if _may_hold(call) else None
        if module is None:
            continue
        if module.name not in read:
            read[module.name] = Conditions.of(tables, module)
        for decided in _decided(app, call, read[module.name]):
            yield _finding(app, call, decided, read[module.name], routes.get(call.caller))


def _may_hold(call: Call) -> bool:
    """A cheap look first: files are parsed again for these calls alone."""
    is_taking = last(call.text) in _TAKING and any(map(_PYTHONS.search, call.arguments))
    return is_taking and not of_tests(call.span.path)


def _decided(app: AppMap, call: Call, conditions: Conditions) -> Iterator[Decided]:
    node = call_sites.call_at(app.files[call.span.path], call.span)
    for given in call_sites.arguments(node) if node is not None else ():
        yield from conditions.decided(given) if given.type != "keyword_argument" else ()


def _finding(
    app: AppMap, call: Call, decided: Decided, conditions: Conditions, route: Route | None
) -> Finding:
    at = Span(call.span.path, decided.node.start_byte, decided.node.end_byte)
    is_joined = "outer" in call.text  # a row that is not there has no key either
    return Finding(
        "dropped-condition",
        at,
        _message(decided, last(call.text)),
        evidence=tuple(_evidence(decided, conditions, route)),
        fixes=_fixes(app, at, decided, conditions, last(call.text)),
        symbol=f"{call.caller}:{_shown(decided.node)}",
        structural=is_joined or not _is_vain(decided, conditions),
    )


def _is_vain(decided: Decided, conditions: Conditions) -> bool:
    """True where the database would say so of every row: a key is never NULL."""
    if decided.kept is not None or not decided.truth or not _NOT_NULL.search(_shown(decided.node)):
        return False
    named = decided.node.named_children
    found = conditions.column(named[0]) if named else None
    column = found[0].column(found[1]) if found is not None else None
    return column is not None and (column.primary_key or column.nullable is False)


def _message(decided: Decided, verb: str) -> str:
    if decided.kept is None:
        shown, parent = _shown(decided.node), decided.node.parent
        while parent is not None and parent.type == "parenthesized_expression":
            parent = parent.parent
        either = verb == "or_" or (parent is not None and operator(parent) == "|")
        is_never = decided.truth or either  # what stands beside it may still be asked
        effect = "the database is never asked for it" if is_never else "the statement gives no row"
        return f"`{shown}` is always {decided.truth} for Python: {effect}"
    lost = " and ".join(f"`{_shown(node)}`" for node in decided.lost)
    are = "are" if len(decided.lost) > 1 else "is"
    return f"{lost} {are} never asked for: Python decides here, and leaves `{_shown(decided.kept)}`"


def _shown(node: syntax.Node) -> str:
    """A node as written, on one line and without comments."""
    text = layout.text_of(node)
    for comment in syntax.find(node, "comment"):
        text = text.replace(layout.text_of(comment), "")
    return " ".join(text.split())


def _evidence(decided: Decided, conditions: Conditions, route: Route | None) -> Iterator[Evidence]:
    if route is not None:
        yield Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`")
    for table, name in _missing(decided, conditions):
        yield Evidence(EvidenceKind.SOURCE, f"`{table}` has no column `{name}`, and nothing fails")


def _missing(decided: Decided, conditions: Conditions) -> Iterator[tuple[str, str]]:
    """Columns of ``Table`` objects that the condition names and that there are none of."""
    for node in syntax.find(decided.node, "attribute"):
        found = conditions.column(node)
        if found is not None and found[0].mapper == "core" and found[0].column(found[1]) is None:
            yield found[0].name, found[1]


def _fixes(
    app: AppMap, at: Span, decided: Decided, conditions: Conditions, verb: str
) -> tuple[Fix, ...]:
    if any(True for _ in _missing(decided, conditions)) or "#" in app.text(at):
        return ()
    is_sqlmodel = any(table.mapper == "sqlmodel" for table in conditions.tables.values())
    package = "sqlmodel" if is_sqlmodel else "sqlalchemy"
    parent = decided.node.parent
    is_argument = parent is not None and parent.type == "argument_list"
    listed = is_argument and verb not in ("or_", "join", "outerjoin")
    said = said_in_sql(app, at, decided.node, package, listed=listed)
    why = "the database decides, not Python"
    changes = (*said.edits, Edit(at, said.text, why))
    return (Fix("Let the database decide", Safety.CHANGES_BEHAVIOUR, changes),)
