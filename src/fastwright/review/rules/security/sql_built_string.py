"""FW530 sql-built-string."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.binding import bind_parameters
from fastwright.review.harm import Harm, finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites


@rule(code="FW530", severity=Severity.HIGH)
def sql_built_string(app: AppMap) -> Iterator[Finding]:
    """A value of a request that becomes part of the text of an SQL statement.

    ## Why is this bad?
    Whoever sends the request also writes the statement: a quote ends the literal, and what follows
    reads, changes or deletes any row that the app may (CWE-89, OWASP A03:2021 Injection).

    ## Example
    ```python
    @app.get("/items")
    def find_items(session: SessionDep, title: str) -> list[int]:
        return list(session.scalars(text(f"SELECT id FROM items WHERE title = '{title}'")))
    ```

    Use instead:
    ```python
    @app.get("/items")
    def find_items(session: SessionDep, title: str) -> list[int]:
        statement = text("SELECT id FROM items WHERE title = :title").bindparams(title=title)
        return list(session.scalars(statement))
    ```

    ## Fix safety
    Safe where every value stood in quotes: the statement asks the same. Where one stood without
    quotes it changes behaviour, since the driver now sends a string and not digits. A column, a
    table or a direction cannot be a parameter: it has to be chosen from a list of your own.

    ## Known limits
    Statements are followed from the route through calls, fields, dictionaries and text. What comes
    back from the database and is put into another statement is not followed. Numbers, UUIDs,
    enumerations, literals and anchored patterns limit a value and end the flow. One statement of
    which several parts are built from the same value is told once.
    """
    parts: dict[tuple[Span, str, bool], list[Harm]] = {}
    for harm in harms(app, "sql"):
        key = (_statement(app, harm.at), harm.source, harm.is_certain)
        parts.setdefault(key, []).append(harm)
    for harm, *others in parts.values():
        fix = _bound(app, [harm, *others])
        message = f"`{harm.first.sink}` runs SQL that is built from {harm.source}"
        yield finding(app, "sql-built-string", harm, message, (fix,) if fix else ())


def _statement(app: AppMap, at: Span) -> Span:
    """Where the Python statement stands that makes the call at `at`."""
    call = call_sites.call_at(app.files[at.path], at)
    whole = call_sites.statement_of(call) if call is not None else None
    return Span(at.path, whole.start_byte, whole.end_byte) if whole is not None else at


def _bound(app: AppMap, parts: list[Harm]) -> Fix | None:
    """One fix for all parts of a statement; ``None`` where one of them cannot be mended."""
    fixes = [fix for part in parts if (fix := bind_parameters(app, part.at)) is not None]
    if len(fixes) < len(parts):
        return None
    safe = all(fix.safety is Safety.SAFE for fix in fixes)
    changes = tuple(change for fix in fixes for change in fix.changes)
    return Fix(fixes[0].title, Safety.SAFE if safe else Safety.CHANGES_BEHAVIOUR, changes)
