"""Objects that are called as if they were classes or functions: their classes have no ``__call__``.

``self.Session = Session(engine)`` is one session; ``self.Session()`` raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.survey.absent import scope_at
from fastwright.survey.classes import Class
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact
from fastwright.survey.lacking import is_bound_once
from fastwright.survey.members import Members
from fastwright.survey.names import Symbol

_SILENT = frozenset({
    "sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlmodel.Session",
    "sqlmodel.orm.session.Session", "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlmodel.ext.asyncio.session.AsyncSession", "sqlalchemy.create_engine",
    "sqlmodel.create_engine", "sqlalchemy.ext.asyncio.create_async_engine",
})  # fmt: skip
"""What of other packages makes an object that nobody can call."""
_PLAIN = frozenset({"builtins.object", "abc.ABC", "typing.Generic", "pydantic.BaseModel"})
_Made = tuple[Unit, Assignment]


class Uncallable:
    """Finds such calls in one file after the other."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._names = members.classes.evaluator.names

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """The calls in the functions of a file of what is an object, and no more than that."""
        for row in unit.facts.calls:
            written = row.callee if isinstance(row.callee, str) else ""
            if not written or unit.scopes[row.scope].kind != "f":
                continue
            kind = self._kind(unit, row, written)
            if kind and scope_at(unit, row.start) == row.scope:
                why = f"`{written}` is an object of `{kind}`, which cannot be called"
                at = Span(unit.path, row.start, row.named)
                yield Mistake(unit.dotted(row.scope), at, "TypeError", why)

    def _kind(self, unit: Unit, row: CallFact, written: str) -> str:
        """The class of the object that is called; empty for whatever may be called."""
        head, _, part = written.partition(".")
        if head == "self" and part.isidentifier():
            found = self._kept(unit, row.scope, part)
        else:
            found = self._named(unit, row, written)
        return self._made(*found) if found is not None else ""

    def _kept(self, unit: Unit, index: int, part: str) -> _Made | None:
        """The one assignment to ``self.<part>`` in a class, those above and below it included."""
        facts = unit.scopes[index]
        cls = self._members.classes.by_symbol.get(Symbol("scope", unit, facts.up))
        if cls is None or not facts.parameters or facts.parameters[0].name != "self":
            return None
        related = [c for c in self._members.classes.all if cls.symbol in c.lineage]
        lineage = {s for c in related for s in c.lineage}
        if not self._is_ours(lineage) or self._members.is_given(part):
            return None
        rows = [
            (s.unit, row)
            for s in lineage
            if s.unit is not None
            for scope in s.unit.scopes[s.scope : _end(s)]
            for row in scope.assignments
            if row.target == f"self.{part}"
        ]
        is_named = any(part in self._names.bindings(s.unit, s.scope) for s in lineage if s.unit)
        return rows[0] if len(rows) == 1 and not is_named else None

    def _is_ours(self, lineage: set[Symbol]) -> bool:
        """True where the classes of a lineage are ours, and none puts attributes on itself."""
        ours = [self._members.classes.by_symbol.get(s) for s in lineage if s.kind == "scope"]
        others = {s.dotted() for s in lineage if s.kind != "scope"}
        return others <= _PLAIN and all(c is not None and self._members.is_plain(c) for c in ours)

    def _named(self, unit: Unit, row: CallFact, written: str) -> _Made | None:
        """The one assignment to a name of a module, or to one of the very function."""
        symbol = self._names.resolve(unit, row.scope, written)
        if symbol is None or symbol.kind != "name" or symbol.unit is None or symbol.rest:
            return None
        there, name = symbol.unit, symbol.name
        scope = there.scopes[symbol.scope]
        rows = [r for r in scope.assignments if r.target == name]
        if scope.kind == "f":
            is_once = is_bound_once(there, symbol.scope, name) and rows[:1] and (
                rows[0].end < row.start and there is unit
            )  # fmt: skip
        else:
            others = re.compile(rb"\bglobal\b[^\n]*\b%b\b|\bas %b\b" % ((name.encode(),) * 2))
            loops = [loop for loop in scope.loops if loop.target == name]
            is_once = scope.kind == "m" and not (loops or others.search(there.content))
            is_once = is_once and not self._members.is_given(name)
        return (there, rows[0]) if is_once and len(rows) == 1 else None

    def _made(self, unit: Unit, row: Assignment) -> str:
        """The class that an assignment makes an object of, where none can be called."""
        match row.value:
            case ["c", int(index)]:
                call = unit.facts.calls[index]
            case _:
                return ""
        written = call.callee if isinstance(call.callee, str) else ""
        made = self._names.resolve(unit, call.scope, written) if written else None
        if made is None or made.rest:
            return ""
        if made.dotted() in _SILENT:
            return written.rpartition(".")[2].removeprefix("create_").title().replace("_", "")
        cls = self._members.classes.by_symbol.get(made)
        return cls.name.rpartition(".")[2] if cls is not None and self._is_silent(cls) else ""

    def _is_silent(self, cls: Class) -> bool:
        """True for a class of ours whose objects are its own, and have no ``__call__``."""
        bound = {n for u, _, s in self._members.classes.owners(cls)
                 for n in self._names.bindings(u, s.scope)}  # fmt: skip
        is_ours = self._is_ours(set(cls.lineage))
        return is_ours and not bound & {"__call__", "__new__", "__getattr__"}


def _end(owner: Symbol) -> int:
    """One past the last scope that stands in a class."""
    scopes = owner.unit.scopes if owner.unit is not None else []
    end = owner.scope + 1
    while end < len(scopes) and scopes[end].start < scopes[owner.scope].end:
        end += 1
    return end
