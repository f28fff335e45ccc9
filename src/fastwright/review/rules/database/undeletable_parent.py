"""FW321 undeletable-parent."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.course import around
from fastwright.review.dialects import is_sqlite_alone
from fastwright.review.offspring import Child, children
from fastwright.review.passing_rows import do_not_stay
from fastwright.review.reach import last, reach
from fastwright.review.refused_rows import is_answered_for_all, is_caught, is_sent_by, places
from fastwright.review.row_tables import table_of_row
from fastwright.review.rule import rule
from fastwright.review.statements import is_lost, statement
from fastwright.review.uncommented import uncommented

NAME = "undeletable-parent"
_BEGUN = re.compile(
    r"(?i)\bnot\s+[\w.]*(?:active|verified|confirmed|activated)\b|pending|draft|unverified|expired"
)
_LOADS = re.compile(r"\b(?:selectinload|joinedload|subqueryload|immediateload|lazyload)\([^()]*\)")
_ENDS = re.compile(r"(?:s?_?(?:Model|Table|ORM|Orm))?s?$")
"""What the name of a class says besides of what it is the row."""
_ENFORCED = re.compile(rb"(?i)pragma\s+foreign_keys")
_OF_EVENTS = re.compile(rb"[\"'](?:before_delete|before_flush)[\"']")


@dataclass(frozen=True, slots=True)
class _Deletion:
    """One place that deletes a row of `table`; `by_row`: the row itself, and not by a condition."""

    route: Route
    function: Function
    table: Table
    at: Span
    by_row: bool


@rule(code="FW321", severity=Severity.MEDIUM)
def undeletable_parent(app: AppMap) -> Iterator[Finding]:
    """A row is deleted that others refer to, and nothing says what becomes of them.

    ## Why is this bad?
    The database refuses to delete what a key still points at, and SQLAlchemy sets the keys of
    its children to NULL first, which a NOT NULL column refuses: from the first child on, the
    request ends in a 500, and what it did outside the database before is done (CWE-755).

    ## Example
    ```python
    class Shelf(Base):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        books: Mapped[list["Book"]] = relationship()


    class Book(Base):
        __tablename__ = "books"
        id: Mapped[int] = mapped_column(primary_key=True)
        shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


    @app.post("/shelves/{shelf_id}/books")
    def add_book(shelf_id: int, session: SessionDep) -> None:
        session.add(Book(shelf_id=shelf_id))
        session.commit()


    @app.delete("/shelves/{shelf_id}")
    def delete_shelf(shelf_id: int, session: SessionDep) -> None:
        shelf = session.get_one(Shelf, shelf_id)
        session.delete(shelf)
        session.commit()
    ```

    Use instead:
    ```python
    class Shelf(Base):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        books: Mapped[list["Book"]] = relationship(cascade="all, delete-orphan")


    class Book(Base):
        __tablename__ = "books"
        id: Mapped[int] = mapped_column(primary_key=True)
        shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


    @app.post("/shelves/{shelf_id}/books")
    def add_book(shelf_id: int, session: SessionDep) -> None:
        session.add(Book(shelf_id=shelf_id))
        session.commit()


    @app.delete("/shelves/{shelf_id}")
    def delete_shelf(shelf_id: int, session: SessionDep) -> None:
        shelf = session.get_one(Shelf, shelf_id)
        session.delete(shelf)
        session.commit()
    ```

    ## Fix safety
    There is no fix: whether the children go too, or the deletion is refused with a 409, is a
    decision.

    ## Known limits
    Keys that are NOT NULL alone. A route that speaks of the children anywhere, or catches what the
    database raises, is passed over, unless that becomes an error of the app that nobody answers;
    and so are children two steps below. Only possible are children that no code of the app makes,
    or that each request which makes some deletes again, a row that is deleted because it has only
    begun (`if not user.is_active`) and may have none yet, and keys without `ondelete` in an app
    that speaks of SQLite and no other database: it asks for no keys unless told to, and the
    children are left behind.
    """
    if is_answered_for_all(app) or _is_listened(app):
        return
    told: set[tuple[str, str]] = set()
    for deletion in _deletions(app):
        key = (deletion.function.name, deletion.table.name)
        refusing = [] if key in told else _refusing(app, deletion)
        if refusing:
            told.add(key)
            yield _finding(app, deletion, refusing)


def _is_listened(app: AppMap) -> bool:
    return any(_OF_EVENTS.search(text) for path, text in app.files.items() if path.suffix == ".py")


def _deletions(app: AppMap) -> Iterator[_Deletion]:
    """What routes delete, by the row and by statements of SQLAlchemy."""
    asked = _asked_to_delete(app)
    for ran in reach(app).ran():
        for call in reach(app).calls_in(ran.function):
            if call.span in asked:
                for route, table in asked[call.span]:
                    yield _Deletion(route, ran.function, table, call.span, by_row=False)
            elif _is_of_row(call) and not is_lost(call):
                held = table_of_row(app, ran.function, call.arguments[0], call.span.start)
                if held is not None and held.model:
                    yield _Deletion(ran.route, ran.function, held, call.span, by_row=True)


def _asked_to_delete(app: AppMap) -> Mapping[Span, Sequence[tuple[Route, Table]]]:
    """The statements that delete, each with the routes that run it and the table of theirs.

    One of a general class (`delete(self.model)`) asks of another table for each of its heirs.
    """
    found: dict[Span, list[tuple[Route, Table]]] = defaultdict(list)
    for route in app.routes:
        for query in route.queries if route.reachable else ():
            is_one = query.kind == "delete" and len(query.tables) == 1
            table = app.table(query.tables[0]) if is_one else None
            if table is not None and table.model:
                found[query.span].append((route, table))
    return found


def _is_of_row(call: Call) -> bool:
    if not call.text.endswith(".delete"):
        return False
    asked = statement(call)
    is_session = asked is not None and asked.verb == "delete"
    is_named = call.text.rpartition(".")[0].rpartition(".")[2] in ("db", "session", "_session")
    given = len(call.arguments) == 1 and call.arguments[0].isidentifier()
    return given and (is_session or is_named)


def _refusing(app: AppMap, deletion: _Deletion) -> list[Child]:
    """The children for which the deletion fails, where nothing that runs for it speaks of them."""
    found = [child for child in children(app, deletion.table) if child.refuses(deletion.by_row)]
    if not found or _is_caught(app, deletion):
        return []
    return [child for child in found if not _is_asked(app, deletion.route, child)]


def _is_caught(app: AppMap, deletion: _Deletion) -> bool:
    """Whether what the database raises at the deletion or the commit is answered otherwise."""

    def ends(call: Call) -> bool:
        return call.span == deletion.at or is_sent_by(call)

    roots = reach(app).roots(deletion.route)
    return is_caught(app, deletion.route, (p for root in roots for p in places(app, root, ends)))


def _is_asked(app: AppMap, route: Route, child: Child) -> bool:
    """Whether a route asks for the children, moves or deletes them."""
    if any(child.table.name in query.tables for query in route.queries):
        return True
    names = [rf"\b{last(child.table.model or child.table.name)}\b", rf"\b{child.table.name}\b"]
    names += [rf"\.{name}\b(?!\()" for name in child.relationships]
    stem = re.escape(child.table.name.removesuffix("s"))
    names += [rf"\b{stem}s?_(?:count|number|total)\b", rf"\b(?:has|count|num|number_of)_\w*{stem}"]
    names += [rf"\b\w*{stem}\w*_(?:repo|repository|service|crud|dao|store|uow)\b"]
    kind = re.escape(_ENDS.sub("", last(child.table.model or child.table.name)))
    names += [rf"\b{kind}s?(?:DAO|Dao|Repo|Repository|CRUD|Crud|Store)(?:\([^()]*\))?\.\w+\("]
    spoken = re.compile("|".join(names))
    texts = (uncommented(app, function) for function in reach(app).running(route))
    return any(spoken.search(_LOADS.sub("", text)) for text in texts)


def _finding(app: AppMap, deletion: _Deletion, refusing: list[Child]) -> Finding:
    is_lax = is_sqlite_alone(app) and not any(map(_ENFORCED.search, app.files.values()))
    stays = [child for child in refusing if is_lax and not child.is_nulled(deletion.by_row)]
    first = next((child for child in refusing if child not in stays), refusing[0])
    lax = first in stays
    does = "leaves behind" if lax else "fails for"
    column = f"`{first.table.name}.{first.column.name}`"
    more = f", and {len(refusing) - 1} more" if len(refusing) > 1 else ""
    told = f"{column} is NOT NULL, and {first.why(deletion.by_row)}"
    told += "; SQLite asks for no keys unless it is told to" * lax
    return Finding(
        NAME,
        deletion.at,
        f"`{deletion.route}` deletes a row of `{deletion.table.name}`, which {does} those with "
        f"`{first.table.name}` that refer to it{more}",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=tuple(c.column.span for c in refusing[:3] if c.column.span is not None),
        symbol=f"{deletion.function.name}:{deletion.table.name}",
        structural=not lax
        and any(_are_there(app, c) for c in refusing if c not in stays)
        and not _has_only_begun(deletion),
    )


def _are_there(app: AppMap, child: Child) -> bool:
    """Whether the app makes such rows, and keeps them longer than one request."""
    return child.is_made and not do_not_stay(app, child.table)


def _has_only_begun(deletion: _Deletion) -> bool:
    """Whether what is deleted is tested for being too new to be referred to."""
    held = around(deletion.function, deletion.at.start)
    return any(block.kind == "arm" and _BEGUN.search(block.words) for block in held)
