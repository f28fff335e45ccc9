"""Follows expressions to what they stand for: constants, classes, objects by where they are made.

Evaluation is on demand, bounded, and never runs anything. Within one scope the assignment that
reaches a place counts; parameters have the values of the call that is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from fastwright.survey.bindings import (
    bind,
    elements,
    outside_loops,
    reaching,
    target_names,
    truth,
    unique,
)
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import CallFact, Term
from fastwright.survey.invocation import Calls
from fastwright.survey.names import Names, Symbol
from fastwright.survey.objects import Objects
from fastwright.survey.strings import join
from fastwright.survey.values import (
    Const,
    Env,
    Frame,
    Made,
    Pairs,
    Ref,
    Seq,
    Unknown,
    Value,
    Values,
)

_DEEPEST = 30
_MOST = 64
_STEPS = 20_000
"""Terms read for one question. Real apps need up to 2,400; what multiplies is given up."""


class Evaluator:
    """Evaluates terms of a code base; answers are remembered."""

    def __init__(self, codebase: Codebase, names: Names) -> None:
        self.codebase = codebase
        self.names = names
        self._objects = Objects(self)
        self._calls = Calls(self)
        self._named: dict[tuple[Frame, str], Values] = {}
        self._depth = 0
        self._steps = 0

    def values(self, term: Term, frame: Frame) -> Values:
        """Everything that `term` may stand for; empty where there is no expression."""
        if term is None:
            return ()
        self._steps = self._steps + 1 if self._depth else 0
        if self._depth > _DEEPEST or self._steps > _STEPS:
            return (Unknown("nested too deep"),)
        self._depth += 1
        try:
            return self._values(term, frame)[:_MOST]
        finally:
            self._depth -= 1

    def afresh(self, term: Term, frame: Frame) -> Values:
        """`values` for an answer that is kept: how deep the first asker stands must not count."""
        before = self._depth, self._steps
        self._depth = self._steps = 0
        try:
            return self.values(term, frame)
        finally:
            self._depth, self._steps = before

    def _values(self, term: Term, frame: Frame) -> Values:
        if isinstance(term, str):
            return self.name(term, frame)
        match term:
            case ["s" | "k", value]:
                return (Const.of(value),)
            case ["c", index]:
                return self.call(index, frame)
            case ["a", inner, attribute]:
                return self.each(self.values(inner, frame), attribute)
            case ["w", inner] | ["*", inner]:
                return self.values(inner, frame)
            case ["?", test, yes, no]:
                known = truth(self.values(test, frame))
                branches = [t for t, sign in ((yes, True), (no, False)) if known in (sign, None)]
                return unique(v for branch in branches for v in self.values(branch, frame))
        return self._compound(term, frame)

    def _compound(self, term: list[Term], frame: Frame) -> Values:
        match term:
            case ["f", *parts]:
                return (join([self.values(part, frame) for part in parts]),)
            case ["l", *items]:
                return (Seq(tuple(self._items(items, frame))),)
            case ["d", *pairs]:
                return (Pairs(tuple(self._pairs(pairs, frame))),)
            case ["i", inner, *items]:
                return self._subscript(inner, items, frame)
            case ["b", operator, left, right]:
                return self._operator(operator, self.values(left, frame), self.values(right, frame))
            case ["g", element, *clauses]:
                turns = self._comprehension(element, clauses, frame)
                return (Seq(tuple(islice(turns, _MOST))),)
        return (Unknown("not followed"),)

    def name(self, dotted: str, frame: Frame) -> Values:
        """What a dotted name stands for where it is read."""
        head, *rest = dotted.split(".")
        values = self._head(head, frame)
        for part in rest:
            values = self.each(values, part)
        return values

    def _head(self, name: str, frame: Frame) -> Values:
        index = frame.scope
        while index >= 0:
            for scope, bound, values in frame.env:
                if scope == index and bound == name:
                    return values
            index = frame.unit.scopes[index].up
        key = (frame, name)
        if key not in self._named:
            self._named[key] = (Unknown(f"`{name}` is defined by itself"),)
            symbol = self.names.at(frame.unit, frame.scope, name, frame.at)
            self._named[key] = (
                self.symbol(symbol, frame) if symbol else (Unknown(f"`{name}` is not bound"),)
            )
        return self._named[key]

    def symbol(self, symbol: Symbol, frame: Frame | None = None) -> Values:
        """What a symbol stands for; `frame` is where it is read, if that matters."""
        unit = symbol.unit
        if unit is None or symbol.kind in ("scope", "module", "external"):
            return (Ref(symbol),)
        if symbol.kind == "parameter":
            return self._parameter(symbol, unit)
        here = frame is not None and frame.unit is unit
        env = _seen_from(symbol, frame) if frame is not None and here else ()
        at = frame.at if frame is not None and here and frame.scope == symbol.scope else -1
        found = self._assigned(symbol, Frame(unit, symbol.scope, env, at))
        return unique(found) if found else (Unknown(f"`{symbol.name}` is never assigned"),)

    def _parameter(self, symbol: Symbol, unit: Unit) -> Values:
        facts = unit.scopes[symbol.scope]
        row = next(p for p in facts.parameters if p.name == symbol.name)
        outer = Frame(unit, facts.up)
        if row is facts.parameters[0] and facts.is_method(unit.scopes):
            owner = Symbol("scope", unit, facts.up)
            return (Ref(owner),) if row.name == "cls" else self.itself(owner)
        kinds = self.classes_in(row.annotation, outer)
        made = tuple(Made(kind) for kind in kinds)
        default = self.values(row.default, outer) if isinstance(row.default, list | str) else ()
        return made or default or (Unknown(f"parameter `{row.name}` of `{facts.name}`"),)

    def _assigned(self, symbol: Symbol, frame: Frame) -> list[Value]:
        facts = frame.unit.scopes[symbol.scope]
        found: list[Value] = []
        for row in reaching(facts.assignments, symbol.name, frame.at):
            env = frame.env if row.loops else outside_loops(frame)
            inner = Frame(frame.unit, frame.scope, env, row.start)
            found += self._destructured(row.target, symbol.name, self.values(row.value, inner))
            if row.value is None:
                found += [Made(kind) for kind in self.classes_in(row.annotation, inner)]
        for loop in facts.loops:
            if symbol.name in target_names(loop.target) and (
                frame.at < 0 or loop.start <= frame.at <= loop.end
            ):
                inner = Frame(frame.unit, frame.scope, frame.env, loop.start)
                for item in elements(self.values(loop.iterable, inner)):
                    found += self._destructured(loop.target, symbol.name, item)
        for term, target in facts.contexts:
            if symbol.name in target_names(target):
                found += self.values(term, Frame(frame.unit, frame.scope, frame.env, 0))
        return found

    def _destructured(self, target: object, name: str, values: Values) -> Values:
        return next((v for n, v in bind(target, values) if n == name), ())

    def each(self, values: Values, attribute: str) -> Values:
        """What attribute `attribute` of any of `values` stands for."""
        found = [v for value in values for v in self.attribute(value, attribute)]
        return unique(found)

    def splatted(self, term: Term, frame: Frame) -> list[Values]:
        """The arguments that one written argument is: several for ``*known``."""
        if isinstance(term, list) and term and term[0] == "*":
            return list(elements(self.values(term[1], frame)))
        return [self.values(term, frame)]

    def _items(self, items: list[Term], frame: Frame) -> Iterator[Values]:
        for item in items:
            yield from self.splatted(item, frame)

    def _pairs(self, pairs: list[Term], frame: Frame) -> Iterator[tuple[Values, Values]]:
        for key, value in pairs:
            if key == ["**", None]:
                for inner in self.values(value, frame):
                    yield from inner.items if isinstance(inner, Pairs) else ()
            else:
                yield self.values(key, frame), self.values(value, frame)

    def _subscript(self, inner: Term, items: list[Term], frame: Frame) -> Values:
        keys = self.values(items[0], frame) if items else ()
        found: list[Value] = []
        for value in self.values(inner, frame):
            if (
                isinstance(value, Seq)
                and keys
                and isinstance(keys[0], Const)
                and isinstance(keys[0].value, int)
            ):
                found += (
                    value.items[keys[0].value]
                    if -len(value.items) <= keys[0].value < len(value.items)
                    else ()
                )
            elif isinstance(value, Pairs):
                found += [v for key, values in value.items if key == keys for v in values]
            elif isinstance(value, Ref):
                found.append(value)
        return unique(found) or (Unknown("subscript"),)

    def _operator(self, operator: str, left: Values, right: Values) -> Values:
        if operator in ("or", "and"):
            return unique((*left, *right))
        if operator == "+":
            seqs = [v for v in (*left, *right) if isinstance(v, Seq)]
            if seqs:
                return (Seq(tuple(item for seq in seqs for item in seq.items)),)
            return (join([left, right]),)
        if operator == "|":
            pairs = [v for v in (*left, *right) if isinstance(v, Pairs)]
            return (Pairs(tuple(item for p in pairs for item in p.items)),)
        return (Unknown(f"operator `{operator}`"),)

    def _comprehension(self, element: Term, clauses: list[Term], frame: Frame) -> Iterator[Values]:
        if not clauses:
            yield self.values(element, frame)
            return
        target, iterable = clauses[0]
        for item in elements(self.values(iterable, frame)):
            env = (*((frame.scope, name, v) for name, v in bind(target, item)), *frame.env)
            yield from self._comprehension(
                element, clauses[1:], Frame(frame.unit, frame.scope, env, frame.at)
            )

    # -- what other parts answer ------------------------------------------------------------

    def attribute(self, value: Value, name: str) -> Values:
        """What ``value.name`` stands for."""
        return self._objects.attribute(value, name)

    def itself(self, owner: Symbol) -> tuple[Made, ...]:
        """What ``self`` is in a class."""
        return self._objects.itself(owner)

    def made(self, owner: Symbol) -> tuple[Made, ...]:
        """The objects of a class that the project makes outside of tests."""
        return self._objects.made(owner)

    def member(self, owner: Symbol, name: str) -> Values:
        """What attribute `name` of class `owner` stands for, inherited ones included."""
        return self._objects.member(owner, name)

    def lineage(self, owner: Symbol) -> tuple[Symbol, ...]:
        """A class and all that it inherits from, nearest first; other packages' as external."""
        return self._objects.lineage(owner)

    def classes_in(self, annotation: Term, frame: Frame) -> tuple[Symbol, ...]:
        """The classes that an annotation names; unions and ``Annotated`` are seen through."""
        return self._objects.classes_in(annotation, frame)

    def call(self, index: int, frame: Frame) -> Values:
        """What a call stands for."""
        return self._calls.call(index, frame)

    def result(
        self, function: Symbol, frame: Frame, row: CallFact | None, of: Value | None = None
    ) -> Values:
        """What a function of ours returns or yields when called by `row` in `frame`."""
        return self._calls.result(function, frame, row, of)

    def arguments(
        self, function: Symbol, row: CallFact, frame: Frame, of: Value | None = None
    ) -> Env:
        """What the parameters of `function` stand for in one call, closures included."""
        return self._calls.arguments(function, row, frame, of)


def _seen_from(symbol: Symbol, frame: Frame) -> Env:
    """What an assignment in the scope of `symbol` sees of an environment: that of no scope below.

    A router of the module is one and the same, whoever calls the function that names it.
    """
    around, index = set(), symbol.scope
    while index >= 0 and frame.env:
        around.add(index)
        index = frame.unit.scopes[index].up
    return tuple(item for item in frame.env if item[0] in around)
