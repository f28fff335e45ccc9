"""What a stretch of a function writes: commits, and the tables whose rows it makes or changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap, Query
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.once import once
from fastwright.review.reach import Reach, last, reach
from fastwright.review.rows import rows_of
from fastwright.review.statements import asked_at, statement
from fastwright.review.uncommented import uncommented

_DEPTH = 3
_SETS = re.compile(r"\w\.\w+[ \t]*(?:[-+*/|]|//)?=(?!=)|\bsetattr\(|\.sqlmodel_update\(")
_SET = re.compile(rb"(?m)^[ \t]*(\w+)\.(\w+)[ \t]*(?::[^\n=]*)?(?:[-+*/|]|//)?=(?!=)")
_NOTES = re.compile(r"last_|(?:updated|modified)_(?:at|by|on)$")
"""Columns that keep when somebody was there: what they say is not missed where it fails."""
_READING = frozenset({"model_validate", "from_orm", "parse_obj", "validate", "model_construct"})
"""Class methods by which SQLModel makes a row of something else."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One call in the text of a function, and what it comes to: itself, or what it calls.

    `surely`: where it commits or writes, it does so whenever it is called.
    """

    call: Call
    commits: bool = False
    makes: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    asks: tuple[Query, ...] = ()
    surely: bool = True

    @property
    def writes(self) -> frozenset[str]:
        """The tables whose rows it makes, changes or deletes."""
        return self.makes | self.changes


class Writing:
    """Reads the calls of functions as writes and questions; a function is read once."""

    def __init__(self, app: AppMap) -> None:
        self.app = app
        self.reached: Reach = reach(app)
        self._models = {table.model: table.name for table in app.tables if table.model}
        self._modules = {module.path: module for module in app.modules.values()}
        self._queries = asked_at(app)
        self._touches: dict[Span, tuple[Touch, ...]] = {}
        self._changes: dict[Span, tuple[Touch, ...]] = {}
        self._sums: dict[tuple[str, int], Touch | None] = {}

    def functions(self) -> Iterator[tuple[Function, str]]:
        """Every function that runs for a route, once, and one of those routes."""
        for ran in self.reached.ran():
            yield ran.function, str(ran.route)

    def touches(self, function: Function, depth: int = 0) -> tuple[Touch, ...]:
        """The calls of a function that touch the database, in the order of the text."""
        if depth:
            return self._read(function, depth)
        if function.span not in self._touches:
            self._touches[function.span] = self._read(function, 0)
        return self._touches[function.span]

    def _read(self, function: Function, depth: int) -> tuple[Touch, ...]:
        found = [self._touch(call, depth) for call in self.reached.calls_in(function)]
        found += self._changed(function)
        touching = [t for t in found if t.commits or t.writes or t.asks]
        return tuple(sorted(touching, key=lambda touch: touch.call.span.start))

    def _touch(self, call: Call, depth: int) -> Touch:
        asked, query = statement(call), self._queries.get(call.span)
        made = self._models.get(call.callee or "") or self._validated(call)
        inner = self.reached.callee(call) if made is None else None
        if inner is not None and depth < _DEPTH:
            return self._below(call, inner, depth)
        kind = query.kind if query is not None else ""
        tables = frozenset(query.tables[:1]) if query is not None else frozenset()
        staged = last(call.text) in ("add", "add_all", "merge")  # of a row that may be there
        makes = {made} if made else tables if kind == "insert" and not staged else ()
        changes = tables if kind in ("update", "delete") or staged else ()
        commits = bool(asked and asked.verb == "commit")
        asks = (query,) if query is not None and kind == "select" else ()
        return Touch(call, commits, frozenset(makes), frozenset(changes), asks)

    def _changed(self, function: Function) -> tuple[Touch, ...]:
        """The rows that a function assigns to, read once for all depths that it is asked at."""
        if function.span not in self._changes:
            self._changes[function.span] = tuple(self._assigned(function))
        return self._changes[function.span]

    def _assigned(self, function: Function) -> Iterator[Touch]:
        """Columns of rows that were there before: ``row.state = …``, ``setattr(row, …)``."""
        path, text = function.span.path, uncommented(self.app, function)
        if not _SETS.search(text):
            return
        content, rows = self.app.files[path], rows_of(self.app)
        for found in _SET.finditer(content, function.span.start, function.span.end):
            name, column = (part.decode() for part in found.group(1, 2))
            row = rows.held(function, name, found.start(1))
            is_note = _NOTES.match(column) is not None
            if row is not None and not row.is_new and not is_note and row.table.column(column):
                span = Span(path, found.start(1), found.end(2))
                call = Call(function.name, None, f"{name}.{column}", span)
                yield Touch(call, changes=frozenset({row.table.name}))
        for call in self.reached.calls_in(function):
            name = call.arguments[0] if call.arguments else ""
            changes = call.text == "setattr" or last(call.text) == "sqlmodel_update"
            name = name if call.text == "setattr" else call.text.rpartition(".")[0]
            row = rows.held(function, name, call.span.start) if changes else None
            if row is not None and not row.is_new:
                yield Touch(call, changes=frozenset({row.table.name}))

    def _validated(self, call: Call) -> str | None:
        """The table of ``Item.model_validate(…)``, which makes a row as ``Item(…)`` does."""
        owner, _, verb = call.text.rpartition(".")
        module = self._modules.get(call.span.path)
        if verb not in _READING or module is None:
            return None
        return self._models.get(module.imports.get(owner, f"{module.name}.{owner}"))

    def _below(self, call: Call, inner: Function, depth: int) -> Touch:
        key = (inner.name, depth)
        if key not in self._sums:
            self._sums[key] = None  # a function that calls itself ends here
            rows = [t for t in self.touches(inner, depth + 1) if not aside(inner, t.call)]
            self._sums[key] = _sum(call, inner, rows)
        found = self._sums[key]
        if found is None:
            return Touch(call)
        return replace(found, call=call)


def _sum(call: Call, inner: Function, rows: Iterable[Touch]) -> Touch:
    every = tuple(rows)
    always = [row for row in every if row.surely and not _conditional(inner, row.call)]
    return Touch(
        call,
        any(row.commits for row in every),
        frozenset(name for row in every for name in row.makes),
        frozenset(name for row in every for name in row.changes),
        tuple(query for row in every for query in row.asks),
        any(row.commits for row in always) and any(row.writes for row in always),
    )


def _conditional(function: Function, call: Call) -> bool:
    """True where the function can end well without the call."""
    start = call.span.start
    leaves = any(s.kind == "return" and s.end <= start for s in function.stops)
    return leaves or any(b.kind in ("arm", "for", "while") for b in around(function, start))


def aside(function: Function, call: Call) -> bool:
    """True for what runs only when something else has failed, or at the end in any case."""
    return any(b.kind in ("except", "finally") for b in around(function, call.span.start))


@once
def writing_of(app: AppMap) -> Writing:
    """What the functions of an app write."""
    return Writing(app)
