"""Functions and calls of the whole project, for questions that no one has asked yet."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.survey.codebase import Unit
from fastwright.survey.course import awaits, bindings, blocks, stops
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import AWAITED, IN_EXCEPT, IN_LOOP, Assignment, CallFact, Term
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.ports import Ports
from fastwright.survey.terms_text import render
from fastwright.survey.values import Frame, Made, Value

_MARKS = frozenset({"typing.Generic", "typing.Protocol", "typing_extensions.Protocol", "abc.ABC"})
"""Bases that have nothing that is called."""


class Relations:
    """Lists functions and calls; callees are resolved by names and declared types."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.ports = Ports(evaluator)
        self._types: dict[tuple[int, int, str], Symbol | None] = {}
        self._lendings: dict[tuple[Symbol, str], Symbol | None] = {}
        self._callees: dict[tuple[int, int, str], Symbol | None] = {}

    def functions(self) -> tuple[Function, ...]:
        """Every function and method."""
        return tuple(self._function(u, i) for u in self.evaluator.codebase.units
                     for i, scope in enumerate(u.scopes) if scope.kind == "f")  # fmt: skip

    def _function(self, unit: Unit, index: int) -> Function:
        scope = unit.scopes[index]
        typed = tuple(
            (p.name, unit.text(p.annotation_span)) for p in scope.parameters if p.annotation_span
        )
        owner = scope.up >= 0 and unit.scopes[scope.up].kind == "c"
        return Function(
            unit.dotted(index), Span(unit.path, scope.start, scope.end), scope.is_async,
            scope.yields, tuple(p.name for p in scope.parameters), typed,
            unit.text(scope.returns_span) if scope.returns_span else None,
            tuple(self._decorator(unit, term, scope.up) for term, _, _ in scope.decorators),
            unit.dotted(scope.up) if owner else None,
            blocks(unit, index, self.evaluator.names), stops(unit, index), awaits(unit, index),
            bindings(unit, index),
        )  # fmt: skip

    def _decorator(self, unit: Unit, term: Term, scope: int) -> str:
        if isinstance(term, list) and term and term[0] == "c":
            term = unit.facts.calls[term[1]].callee
        if isinstance(term, str):
            return self.evaluator.names.dotted(unit, scope, term)
        return render(term, unit)

    def calls(self) -> tuple[Call, ...]:
        """Every call, file by file."""
        return tuple(call for unit in self.evaluator.codebase.units for call in self._calls(unit))

    def _calls(self, unit: Unit) -> Iterator[Call]:
        callers = [unit.dotted(self._enclosing(unit, i)) for i in range(len(unit.scopes))]
        targets = _targets(unit)
        dropped = [frozenset(scope.dropped) for scope in unit.scopes]
        path = unit.path
        for index, row in enumerate(unit.facts.calls):
            callee, flags = self.callee(unit, row), row.flags
            yield Call(
                callers[row.scope], callee.dotted() if callee is not None else None,
                _written(unit, row), Span(path, row.start, row.end),
                tuple([t if t.__class__ is str else render(t, unit) for t in row.arguments]),
                tuple([(key, render(term, unit)) for key, term in row.keywords]),
                flags & AWAITED != 0, flags & IN_LOOP != 0, flags & IN_EXCEPT != 0,
                targets.get(index, ""), row.end in dropped[row.scope],
            )  # fmt: skip

    def _enclosing(self, unit: Unit, scope: int) -> int:
        while scope > 0 and unit.scopes[scope].kind == "c":
            scope = unit.scopes[scope].up
        return scope

    def callee(self, unit: Unit, row: CallFact) -> Symbol | None:
        """What a call calls; ``None`` where the receiver's type is not known."""
        if not isinstance(row.callee, str):
            return self._of_made(unit, row)
        key = (id(unit), row.scope, row.callee)
        if key not in self._callees:
            self._callees[key] = self._named(unit, row.scope, row.callee)
        return self._callees[key]

    def typed(self, unit: Unit, scope: int, dotted: str) -> Symbol | None:
        """The class of what a name stands for, of ours or another package's."""
        return self._named(unit, scope, dotted)

    def method(self, owner: Symbol, name: str) -> Symbol | None:
        """What runs where the method `name` of an object of `owner` is called."""
        return self._member(owner, name)

    def _of_made(self, unit: Unit, row: CallFact) -> Symbol | None:
        """The method in ``Items(session).add()``: that of an object made on the spot."""
        match row.callee:
            case ["a", ["c", int(index)], str(part)] if unit.facts.calls[index].callee == "super":
                return self._inherited(unit, row.scope, part)
            case ["a", ["c", int(index)], str(part)]:
                made = self._result(unit, index, row)
                return self._step(made, part) if made is not None else None
        return None

    def _result(self, unit: Unit, index: int, row: CallFact) -> Symbol | None:
        """The class of ours that a call gives an object of."""
        made = self.callee(unit, unit.facts.calls[index])
        if made is None or not is_function(made) or unit.tests:
            return made if made is not None and is_class(made) else None
        values = self.evaluator.call(index, Frame(unit, row.scope, (), row.start))
        found = next((kind for value in values if (kind := _type_of(value)) is not None), None)
        return found if found is not None and is_class(found) else None

    def _inherited(self, unit: Unit, scope: int, part: str) -> Symbol | None:
        """The method of ours in ``super().get()``."""
        while scope > 0 and unit.scopes[scope].kind != "c":
            scope = unit.scopes[scope].up
        above = self.evaluator.lineage(Symbol("scope", unit, scope))[1:] if scope > 0 else ()
        for owner in above:
            found = self.evaluator.names.follow(owner, (part,)) if is_class(owner) else None
            if found is not None and not found.rest and is_function(found):
                return found
        return None

    def _named(self, unit: Unit, scope: int, dotted: str) -> Symbol | None:
        head, _, rest = dotted.partition(".")
        symbol = self._receiver(unit, scope, head)
        if symbol is None or not rest:
            return symbol
        for part in rest.split("."):
            if symbol is None:
                return None
            symbol = self._step(symbol, part)
        return symbol

    def _receiver(self, unit: Unit, scope: int, head: str) -> Symbol | None:
        key = (id(unit), scope, head)
        if key not in self._types:
            self._types[key] = self._read_receiver(unit, scope, head)
        return self._types[key]

    def _read_receiver(self, unit: Unit, scope: int, head: str) -> Symbol | None:
        symbol = self.evaluator.names.lookup(unit, scope, head)
        if symbol is None or symbol.kind in ("scope", "module", "external"):
            return symbol
        if unit.tests:  # following every local object of a test suite costs much and tells little
            return None
        owner = symbol.unit
        values = self.evaluator.symbol(symbol) if owner is not None else ()
        return next((found for value in values if (found := _type_of(value)) is not None), None)

    def _step(self, symbol: Symbol, part: str) -> Symbol | None:
        if symbol.kind == "scope" and symbol.unit is not None:
            if symbol.unit.scopes[symbol.scope].kind != "c":
                return None
            return self._member(symbol, part)
        following = self.evaluator.names.follow(symbol, (part,))
        return None if following is None or following.rest else following

    def _member(self, owner: Symbol, part: str) -> Symbol | None:
        for symbol in self.evaluator.lineage(owner):
            if symbol.kind == "external" and symbol.dotted() not in _MARKS:
                return Symbol("external", name=f"{symbol.dotted()}.{part}")
            found = self.evaluator.names.follow(symbol, (part,))
            if found is not None and not found.rest and found.kind == "scope":
                return self.ports.behind(owner, found) if is_function(found) else found
            kept = self._kept(symbol, part)
            if kept is not None:
                return kept
        return self._lent(owner, part)

    def _lent(self, owner: Symbol, part: str) -> Symbol | None:
        """The type of an attribute that all who make objects of a class agree on."""
        if owner.unit is None or owner.unit.tests:
            return None
        key = (owner, part)
        if key not in self._lendings:
            self._lendings[key] = None  # what is made of itself ends here
            made = self.evaluator.made(owner)
            values = [self.evaluator.attribute(one, part) for one in made]
            found = {next(filter(None, map(_type_of, each)), None) for each in values}
            self._lendings[key] = found.pop() if len(found) == 1 else None
        return self._lendings[key]

    def _kept(self, owner: Symbol, part: str) -> Symbol | None:
        """The type of ``self.<part>``: a declared field's, or of what a method keeps there."""
        unit = owner.unit
        if unit is None or unit.tests or owner.kind != "scope":
            return None
        for row in unit.scopes[owner.scope].assignments:
            if row.target == part and row.annotation is not None:
                kinds = self.evaluator.classes_in(row.annotation, Frame(unit, owner.scope))
                return next(iter(kinds), None)
        places = unit.inner.get(owner.scope, {})
        for place in sorted(places.values(), key=lambda at: at != places.get("__init__")):
            for row in unit.scopes[place].assignments:
                if row.target == f"self.{part}":
                    found = self._kept_by(unit, place, row)
                    if found is not None:
                        return found
        return None

    def _kept_by(self, unit: Unit, place: int, row: Assignment) -> Symbol | None:
        frame = Frame(unit, place, (), row.start)
        typed = self.evaluator.classes_in(row.annotation, Frame(unit, place))
        values = (*map(Made, typed), *self.evaluator.values(row.value, frame))
        return next((found for value in values if (found := _type_of(value)) is not None), None)


def _type_of(value: Value) -> Symbol | None:
    found = getattr(value, "of", None) or getattr(value, "symbol", None)
    return found if isinstance(found, Symbol) else None


def _targets(unit: Unit) -> dict[int, str]:
    """The names that results of calls are bound to, by the place of the call."""
    found: dict[int, str] = {}
    for scope in unit.scopes:
        for row in scope.assignments:
            value = row.value
            value = value[1] if isinstance(value, list) and value[0] == "w" else value
            if isinstance(value, list) and value[0] == "c" and isinstance(row.target, str):
                found[value[1]] = row.target
    return found


def _written(unit: Unit, row: CallFact) -> str:
    """The called expression as written: most are names, which facts hold as they are written."""
    callee = row.callee
    if isinstance(callee, str) and callee.isascii() and len(callee) == row.named - row.start:
        return callee
    return unit.text((row.start, row.named))
