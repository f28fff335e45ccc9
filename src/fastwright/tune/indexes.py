"""Indexes that the traced predicates miss: candidates, and the change that adds one. Pure.

Whether one is worth it is measured on a large table; an estimate is off by far in either direction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.recipes.ensure.migration import ensure_index
from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.tune.seen import Visit

ROWS = 100_000
FASTER, WORTH = 3.0, 0.0005
"""How many times faster a statement must become, and how many seconds that must be."""
_OFTEN = 4
"""A statement that is sent more often has another fault, which is to be mended first."""
FEWER_PAGES, DEARER = 5.0, 1.5

_EQUALS = re.compile(r"\"?(\w+)\"?\.\"?(\w+)\"? (?:= (?:\?|%s|%\(|\$\d|:\w)|IN \()")
_DEFINED = frozenset({"mapped_column", "Column", "Field"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column that statements compare, and that no index begins with.

    `sql` is one of those statements; `routes` send it.
    """

    table: str
    column: str
    sql: str
    routes: tuple[str, ...]
    is_key: bool

    @property
    def name(self) -> str:
        """As SQLAlchemy names the index of a column."""
        return f"ix_{self.table}_{self.column}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One statement on a large table, without the index and with it.

    Attributes:
        rows: How many rows the table has.
        seconds: Before and after.
        pages: Read before and after; ``None`` where the database does not say.
        log: Bytes of log for each row that is inserted, before and after; ``None`` likewise.
        plans: The plan before and after, as text.
    """

    rows: int
    seconds: tuple[float, float]
    pages: tuple[int, int] | None
    log: tuple[float, float] | None
    plans: tuple[str, str]


def candidates(
    tables: Sequence[Mapping[str, Any]], visits: Mapping[str, Visit]
) -> tuple[Candidate, ...]:
    """Every column that a traced SELECT compares with a value and that no index begins with."""
    known = {table["name"]: table for table in tables if not table.get("schema")}
    found: dict[tuple[str, str], Candidate] = {}
    for route, visit in visits.items():
        for group in (g for g in visit.groups if g.count <= _OFTEN):
            compared = tuple(_compared(group.sql))
            for table, column in compared:
                beside = {name for other, name in compared if other == table}
                if table in known and _is_bare(known[table], column, beside):
                    old = found.get((table, column))
                    routes = tuple(dict.fromkeys((*(old.routes if old else ()), route)))
                    sql = old.sql if old else group.sql
                    is_key = _column(known[table], column)["foreign_key"] is not None
                    found[table, column] = Candidate(table, column, sql, routes, is_key)
    return tuple(found.values())


def _compared(sql: str) -> Iterator[tuple[str, str]]:
    if not sql.startswith("SELECT") or " WHERE " not in sql:
        return
    yield from _EQUALS.findall(sql.rpartition(" WHERE ")[2])


def _column(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((c for c in table["columns"] if c["name"] == name), {})
    return found


def _is_bare(table: Mapping[str, Any], name: str, beside: Collection[str]) -> bool:
    """No index begins with the column, nor with others that are compared `beside` it."""
    column = _column(table, name)
    keys = [c["name"] for c in table["columns"] if c["primary_key"]]
    ordered = [keys, *(index["columns"] for index in table["indexes"])]
    covered = column.get("index") or column.get("unique")
    covered = covered or any(
        name in names and set(names[: names.index(name)]) <= set(beside) for names in ordered
    )
    return bool(column) and not covered


def objections(candidate: Candidate, measured: Measured) -> Iterator[str]:
    """Why the index is not worth what it costs; nothing where it is."""
    before, after = measured.seconds
    if before < FASTER * after or before - after < WORTH:
        yield (
            f"{before * 1000:.2f} → {after * 1000:.2f} ms with {measured.rows} rows, which is less "
            f"than {FASTER:.0f} times faster or less than {WORTH * 1000:.1f} ms"
        )
    if measured.pages and measured.pages[0] < FEWER_PAGES * measured.pages[1]:
        yield f"{measured.pages[0]} → {measured.pages[1]} pages read"
    if measured.log and not candidate.is_key and measured.log[1] > DEARER * measured.log[0]:
        yield f"{measured.log[0]:.0f} → {measured.log[1]:.0f} bytes of log for each inserted row"


def gains(candidate: Candidate, measured: Measured) -> str:
    """What it brings and costs, in one sentence."""
    before, after = (seconds * 1000 for seconds in measured.seconds)
    text = f"{', '.join(candidate.routes)}: {before:.2f} → {after:.2f} ms for one statement"
    text += f" by `{candidate.table}.{candidate.column}` with {measured.rows} rows"
    if measured.pages:
        text += f", {measured.pages[0]} → {measured.pages[1]} pages read"
    if measured.log:
        text += f", {measured.log[0]:.0f} → {measured.log[1]:.0f} bytes of log an inserted row"
    return text


def changes(app: AppMap, candidate: Candidate, *, concurrently: bool) -> tuple[Change, ...]:
    """The index in the model and, where the app has Alembic, the revision that builds it.

    Nothing where the column's definition is not found: the next autogenerated revision would drop
    an index that the model does not have.

    Raises:
        Refused: There are several Alembic environments or several heads.
    """
    table = app.table(candidate.table)
    column = table.column(candidate.column) if table else None
    if table is None or column is None or table.model is None:
        return ()
    edit = _edit(app, table.model, column.attribute)
    if edit is None:
        return ()
    at = (candidate.table, candidate.column)
    return (edit, *ensure_index(app, *at, concurrently=concurrently))


def _edit(app: AppMap, model: str, attribute: str) -> Edit | None:
    module, _, cls = model.rpartition(".")
    found = app.modules.get(module)
    if found is None:
        return None
    content = app.files[found.path]
    for node in syntax.find(syntax.parse(content), "class_definition"):
        own = node.child_by_field_name("name")
        if own is not None and syntax.text(own, content) == cls:
            return _in_class(found.path, node, attribute, content)
    return None


def _in_class(path: PurePosixPath, node: Node, attribute: str, content: bytes) -> Edit | None:
    for bound in syntax.find(node, "assignment"):
        left, right = bound.child_by_field_name("left"), bound.child_by_field_name("right")
        if left is None or right is None or syntax.text(left, content) != attribute:
            continue
        arguments = right.child_by_field_name("arguments") if right.type == "call" else None
        function = right.child_by_field_name("function") if arguments is not None else None
        name = syntax.text(function, content).rpartition(".")[2] if function is not None else ""
        if arguments is None or name not in _DEFINED:
            return None
        given = [n for n in arguments.named_children if n.type != "comment"]
        at = given[-1].end_byte if given else arguments.start_byte + 1
        text = ", index=True" if given else "index=True"
        return Edit(Span(path, at, at), text, f"`{attribute}` is what rows are looked up by")
    return None
