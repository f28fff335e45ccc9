"""FW201 longer-than-column."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.dialects import is_sqlite_alone
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.storing import Stored, is_validated, plain, stored
from fastwright.source.fields import with_constraint

_TEXT = re.compile(r"(?:Optional\[)?str\]?(?: *\| *None)?|None *\| *str")
_TYPES = frozenset({"String", "VARCHAR", "Unicode", "str", "AutoString", "CHAR", "EmailStr"})


@rule(code="FW201", severity=Severity.MEDIUM)
def longer_than_column(app: AppMap) -> Iterator[Finding]:
    """A text that a request may send longer than the column that it is written to.

    ## Why is this bad?
    PostgreSQL refuses a value that does not fit, so that the client gets a 500 for what should be
    a 422; MySQL in its older modes cuts it off, and the rest is lost. SQLite keeps it, which is
    why tests do not show it (CWE-20).

    ## Example
    ```python
    class ItemCreate(BaseModel):
        title: str


    @app.post("/items")
    def create_item(data: ItemCreate, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = Item(title=data.title, owner_id=user.id)
        session.add(item)
        session.commit()
        return item
    ```

    Use instead:
    ```python
    class ItemCreate(BaseModel):
        title: str = Field(max_length=100)


    @app.post("/items")
    def create_item(data: ItemCreate, session: SessionDep, user: CurrentUser) -> ItemOut:
        item = Item(title=data.title, owner_id=user.id)
        session.add(item)
        session.commit()
        return item
    ```

    ## Fix safety
    Changes behaviour: the contract names the length, and longer texts are refused with 422.

    ## Known limits
    Fields of plain text alone, written into a new row by the field's own name or by all of the
    body. A schema with validators of its own is passed over, and so is a field that the
    handler sets, or whose length all routes that take it test themselves. Of an app whose files
    speak of SQLite and of no other database it is only possible: there the text is kept whole.
    """
    seen: set[Span] = set()
    for one in stored(app):
        at = one.field.span
        if at is None or at in seen or not _may_be_longer(app, one):
            continue
        if not (_is_set_here(app, one) or _is_refused(app, one)):
            seen.add(at)
            yield _finding(app, one, at)


def _is_set_here(app: AppMap, one: Stored) -> bool:
    """True where the handler writes the field itself, whatever the client has sent."""
    handler = app.text(one.route.span) if one.route.span is not None else ""
    bodies = (p.name for p in one.route.parameters if p.annotation)
    names = "|".join(re.escape(name) for name in bodies)
    return bool(names and re.search(rf"\b(?:{names})\.{one.field.name}\s*=(?!=)", handler))


def _is_refused(app: AppMap, one: Stored) -> bool:
    """True where every route that takes the schema refuses a text that is too long itself."""
    taking = [r for r in app.routes if r.reachable and r.body_model == one.schema.name]
    return bool(taking) and all(_measures(app, route, one) for route in taking)


def _measures(app: AppMap, route: Route, one: Stored) -> bool:
    """Whether what runs for a route tests the length of the field, and then raises or returns.

    A limit that is a name is believed.
    """
    length = rf"len\((?:\w+\.)?{re.escape(one.field.name)}(?:\.strip\(\))?\)"
    most = re.compile(rf"{length}\s*(>=?)\s*([\w.]+)|([\w.]+)\s*(<=?)\s*{length}")
    for function in reach(app).running(route):
        for block in function.blocks:
            found = most.search(block.words) if block.kind == "arm" else None
            ends = any(block.start <= stop.start < block.end for stop in function.stops)
            if found is not None and ends and _fits(found, one.column.length or 0):
                return True
    return False


def _fits(found: re.Match[str], most: int) -> bool:
    """Whether a tested limit keeps out all that a column of `most` characters cannot hold."""
    limit = found[2] or found[3]
    least = int(limit) if limit.isdigit() else 0
    return least - ("=" in (found[1] or found[4])) <= most


def _may_be_longer(app: AppMap, one: Stored) -> bool:
    kind = (one.column.type or "").partition("(")[0]
    if one.column.length is None or kind not in _TYPES or is_validated(app, one.schema):
        return False
    given = dict(one.field.constraints)
    if "max_length" in given:
        return given["max_length"].isdigit() and int(given["max_length"]) > one.column.length
    limited = {"pattern", "regex", "max_digits"} & set(given)
    return bool(_TEXT.fullmatch(plain(one.field))) and not limited


def _finding(app: AppMap, one: Stored, at: Span) -> Finding:
    length = one.column.length
    name = f"{one.schema.name.rpartition('.')[2]}.{one.field.name}"
    column, keeps = f"`{one.table.name}.{one.column.name}`", is_sqlite_alone(app)
    told = f"{column} holds {length} characters"
    told += ", which SQLite, the one database that the app speaks of, does not mind" * keeps
    unable = "would not hold on another database than SQLite" if keeps else "cannot hold"
    given = dict(one.field.constraints).get("max_length")
    most = f"up to {given} characters" if given else "a text of any length"
    fixes: tuple[Fix, ...] = ()
    if given is None:
        why = f"the column holds {length} characters"
        changes = with_constraint(app, one.field, f"max_length={length}", why)
        title = f"Bound `{name}` to {length} characters"
        fixes = (Fix(title, Safety.CHANGES_BEHAVIOUR, changes),) if changes else ()
    return Finding(
        "longer-than-column",
        at,
        f"`{name}` takes {most}, which {column} {unable}",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(one.at,),
        fixes=fixes,
        symbol=name,
        structural=not keeps,
    )
