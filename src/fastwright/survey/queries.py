"""Database statements in the text of functions, and those that each route reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fastwright.model.app import Query
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact
from fastwright.survey.names import Symbol
from fastwright.survey.receivers import Entered, Receivers
from fastwright.survey.relations import Relations
from fastwright.survey.statements import Statements
from fastwright.survey.values import Env

_DEEPEST = 8


class Queries:
    """Finds statements function by function; a function is read once for each object of it."""

    def __init__(self, evaluator: Evaluator, relations: Relations, tables: Iterable[Table]) -> None:
        self.evaluator = evaluator
        self.relations = relations
        self.statements = Statements(evaluator, tables)
        self.receivers = Receivers(relations)
        self._own: dict[Entered, tuple[Query, ...]] = {}
        self._rows: dict[int, dict[int, list[int]]] = {}
        self._below: dict[Symbol, tuple[Symbol, ...]] = {}
        self._onward: dict[Entered, tuple[Entered, ...]] = {}

    @property
    def mapped(self) -> frozenset[str]:
        """The dotted names of all mapped classes."""
        return frozenset(name for name in self.statements.tables if name and "." in name)

    def of_route(self, handler: Symbol) -> tuple[Query, ...]:
        """Every statement that a handler reaches, itself or through calls of functions of ours."""
        found: dict[tuple[Span, tuple[str, ...]], Query] = {}
        start: Entered = (handler, ())
        waiting = [(start, 0)]
        seen = {start}
        while waiting:
            here, depth = waiting.pop(0)
            found.update({(query.span, query.tables): query for query in self.own(*here)})
            for below in self._entered(here) if depth < _DEEPEST else ():
                if below not in seen:
                    seen.add(below)
                    waiting.append((below, depth + 1))
        return tuple(found.values())

    def rows(self, function: Symbol) -> list[tuple[int, CallFact]]:
        """The calls in the body of a function, those of functions nested in it aside."""
        unit = function.unit
        if unit is None:
            return []
        if id(unit) not in self._rows:
            by_scope: dict[int, list[int]] = defaultdict(list)
            for index, row in enumerate(unit.facts.calls):
                by_scope[row.scope].append(index)
            self._rows[id(unit)] = by_scope
        return [(i, unit.facts.calls[i]) for i in self._rows[id(unit)].get(function.scope, ())]

    def called(self, function: Symbol) -> tuple[Symbol, ...]:
        """The functions of ours that a function calls."""
        if function not in self._below:
            unit = function.unit
            rows = self.rows(function)
            found = (
                (self.relations.callee(unit, row) for _, row in rows) if unit is not None else ()
            )
            self._below[function] = tuple(
                dict.fromkeys(c for c in found if c is not None and c.kind == "scope" and c.unit)
            )
        return self._below[function]

    def _entered(self, here: Entered) -> tuple[Entered, ...]:
        """The functions of ours that a function calls, each with its object where that matters."""
        if here not in self._onward:
            rows = self.rows(here[0])
            self._onward[here] = tuple(dict.fromkeys(self.receivers.entered(here, rows)))
        return self._onward[here]

    def own(self, function: Symbol, env: Env = ()) -> tuple[Query, ...]:
        """The statements in the text of one function, whose names `env` knows."""
        key = (function, env)
        if key not in self._own:
            unit, rows = function.unit, self.rows(function)
            self._own[key] = self.statements.read(unit, rows, env) if unit is not None else ()
        return self._own[key]
