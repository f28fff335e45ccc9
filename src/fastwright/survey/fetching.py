"""The class whose row a call of a database session gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastwright.survey.facts import CallFact, Term
from fastwright.survey.names import Symbol, is_class
from fastwright.survey.values import Frame, Made, Ref

if TYPE_CHECKING:
    from fastwright.survey.evaluate import Evaluator

_GIVE_ROWS = frozenset({"first", "one", "one_or_none", "scalar", "scalar_one",
                        "scalar_one_or_none", "get", "get_one"})  # fmt: skip
_BY_CLASS = frozenset({"get", "get_one"})
_BUILD = frozenset({"select", "query"})
_DEEPEST = 12


def row_of(evaluator: Evaluator, name: str, row: CallFact, frame: Frame) -> Symbol | None:
    """The class of ours that the call `row` of the library's method `name` gives a row of."""
    package, last = name.partition(".")[0], name.rpartition(".")[2]
    if package not in ("sqlalchemy", "sqlmodel") or last not in _GIVE_ROWS:
        return None
    return _asked(evaluator, row, frame, 0)


def _asked(evaluator: Evaluator, row: CallFact, frame: Frame, depth: int) -> Symbol | None:
    """The one class that a statement is built of: going back from what takes its result."""
    name, first = _last(row.callee), row.arguments[0] if row.arguments else None
    by_class = name in _BY_CLASS or (name in _BUILD and len(row.arguments) == 1)
    if by_class and first is not None:
        found = evaluator.values(first, frame)
        kinds = {v.symbol for v in found if isinstance(v, Ref) and is_class(v.symbol)}
        return kinds.pop() if len(kinds) == 1 == len(found) else None
    if name in _BUILD or depth > _DEEPEST:
        return None
    for term in (_receiver(row.callee), first):
        kind = _of_term(evaluator, term, frame, depth)
        if kind is not None:
            return kind
    return None


def _of_term(evaluator: Evaluator, term: Term, frame: Frame, depth: int) -> Symbol | None:
    if isinstance(term, list) and term[0] == "w":
        term = term[1]
    if isinstance(term, list) and term[0] == "c":
        inner = frame.unit.facts.calls[term[1]]
        return _asked(evaluator, inner, Frame(frame.unit, inner.scope, frame.env, inner.start),
                      depth + 1)  # fmt: skip
    for value in evaluator.values(term, frame) if isinstance(term, str) else ():
        if isinstance(value, Made) and value.of.kind == "external" and value.call >= 0:
            unit = value.unit
            if unit is frame.unit and unit.facts.calls[value.call].scope == frame.scope:
                inner = unit.facts.calls[value.call]
                place = Frame(unit, inner.scope, frame.env, inner.start)
                return _asked(evaluator, inner, place, depth + 1)
    return None


def _last(callee: Term) -> str:
    return str(callee[2] if isinstance(callee, list) else callee).rpartition(".")[2]


def _receiver(callee: Term) -> Term:
    if isinstance(callee, str):
        return callee.rpartition(".")[0] or None
    return callee[1] if isinstance(callee, list) and callee[0] == "a" else None
