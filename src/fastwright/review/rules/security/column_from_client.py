"""FW531 column-from-client."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Parameter
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Flow
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.answers import is_secret
from fastwright.review.harm import finding, harms
from fastwright.review.rule import rule
from fastwright.source import imports


@rule(code="FW531", severity=Severity.MEDIUM)
def column_from_client(app: AppMap) -> Iterator[Finding]:
    """A column, or any other attribute of a table's class, that the client names.

    ## Why is this bad?
    `getattr(User, sort)` reads whatever the client asks for: sorting by `hashed_password` tells the
    hashes apart row by row, a relationship or a method ends in an error 500, and a filter on a
    column that was never meant to be public answers questions about it (CWE-470, OWASP API3:2023).

    ## Example
    ```python
    @app.get("/users", response_model=list[UserOut])
    def list_users(session: SessionDep, sort: str = "id") -> list[User]:
        return list(session.scalars(select(User).order_by(getattr(User, sort)).limit(50)))
    ```

    Use instead:
    ```python
    @app.get("/users", response_model=list[UserOut])
    def list_users(session: SessionDep, sort: Literal["id", "email"] = "id") -> list[User]:
        return list(session.scalars(select(User).order_by(getattr(User, sort)).limit(50)))
    ```

    ## Fix safety
    Changes behaviour: the contract now lists the columns, and any other name is answered by 422.
    All columns but those that look secret are listed: take out what nobody should sort by.

    ## Known limits
    Only classes that the survey knows as tables are reported. A test by `hasattr` stops the
    error 500 and not the reading, so that it leaves a possible finding. What one parameter names is
    reported where it is read first: the other way round of the same order is not told again.
    """
    models = {table.model: table for table in app.tables if table.model}
    told: set[tuple[str, str, str]] = set()
    for harm in harms(app, "column"):
        table = models.get(harm.first.into)
        named = (harm.first.route, harm.first.name, harm.first.into)
        if table is not None and named not in told:
            told |= {named} if harm.is_certain else set()
            model = harm.first.into.rpartition(".")[2]
            message = f"`getattr` reads the attribute of `{model}` that {harm.source} names"
            fix = _listed_columns(app, harm.first, table)
            yield finding(app, "column-from-client", harm, message, (fix,) if fix else ())


def _listed_columns(app: AppMap, flow: Flow, table: Table) -> Fix | None:
    """The parameter of the handler as a ``Literal`` of the table's columns."""
    route = next((r for r in app.routes if r.handler == flow.handler), None)
    parameter = next((p for p in route.parameters if p.name == flow.name), None) if route else None
    if parameter is None or parameter.span is None or parameter.source not in ("query", "path"):
        return None
    names = [c.attribute for c in table.columns if not is_secret(c.attribute)]
    place = _plain_string(app, parameter)
    default = (parameter.default or "").strip("\"'")
    if not names or place is None or (default.isidentifier() and default not in (*names, "None")):
        return None
    bound = imports.ensure_import(app, place.path, "typing", "Literal")
    columns = ", ".join(f'"{name}"' for name in names)
    why = "only columns that are listed here can be asked for"
    edits = (*bound.edits, Edit(place, f"{bound.local}[{columns}]", why))
    return Fix(f"List the columns that `{flow.name}` may name", Safety.CHANGES_BEHAVIOUR, edits)


def _plain_string(app: AppMap, parameter: Parameter) -> Span | None:
    """Where ``str`` stands in the annotation of a parameter."""
    if parameter.span is None:
        return None
    found = re.search(r"\bstr\b", app.text(parameter.span))
    if found is None or not re.search(r"\bstr\b", parameter.annotation or ""):
        return None
    start = parameter.span.start + found.start()
    return Span(parameter.span.path, start, start + 3)
