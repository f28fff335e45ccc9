"""Follows expressions to what they stand for: constants, classes, and objects by where they are made.

Evaluation is on demand, bounded, and never runs anything. Within one scope the assignment that
reaches a place counts; parameters have the values of the call that is followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import Assignment, CallFact, Term
from fastwright.survey.names import Names, Symbol
from fastwright.survey.strings import fold_method, join
from fastwright.survey.values import (
    Bound,
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

ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault", "decouple.config",
                         "environs.Env.str", "starlette.config.Config"})  # fmt: skip
_SAME = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted", "builtins.set",
                   "builtins.reversed", "builtins.str", "typing.cast", "functools.partial",
                   "builtins.iter", "functools.lru_cache", "functools.cache"})  # fmt: skip


class Evaluator:
    """Evaluates terms of a code base; answers are remembered."""

    def __init__(self, codebase: Codebase, names: Names) -> None:
        self.codebase = codebase
        self.names = names
        self._calls: dict[tuple[int, int, Env], Values] = {}
        self._named: dict[tuple[Frame, str], Values] = {}
        self._attributes: dict[tuple[Made, str], Values] = {}
        self._lineages: dict[Symbol, tuple[Symbol, ...]] = {}
        self._depth = 0

    def values(self, term: Term, frame: Frame) -> Values:
        """Everything that `term` may stand for; empty where there is no expression."""
        if term is None:
            return ()
        if self._depth > _DEEPEST:
            return (Unknown("nested too deep"),)
        self._depth += 1
        try:
            return self._values(term, frame)[:_MOST]
        finally:
            self._depth -= 1

    def _values(self, term: Term, frame: Frame) -> Values:
        if isinstance(term, str):
            return self.name(term, frame)
        match term:
            case ["s" | "k", value]:
                return (Const.of(value),)
            case ["c", index]:
                return self.call(index, frame)
            case ["a", inner, attribute]:
                return self._each(self.values(inner, frame), attribute)
            case ["w", inner] | ["*", inner]:
                return self.values(inner, frame)
            case ["?", _, yes, no]:
                return _unique((*self.values(yes, frame), *self.values(no, frame)))
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

    # -- names ------------------------------------------------------------------------------

    def name(self, dotted: str, frame: Frame) -> Values:
        """What a dotted name stands for where it is read."""
        head, *rest = dotted.split(".")
        values = self._head(head, frame)
        for part in rest:
            values = self._each(values, part)
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
            symbol = self.names.lookup(frame.unit, frame.scope, name)
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
        env = frame.env if frame is not None and here else ()
        at = frame.at if frame is not None and here and frame.scope == symbol.scope else -1
        found = self._assigned(symbol, Frame(unit, symbol.scope, env, at))
        return _unique(found) if found else (Unknown(f"`{symbol.name}` is never assigned"),)

    def _parameter(self, symbol: Symbol, unit: Unit) -> Values:
        facts = unit.scopes[symbol.scope]
        row = next(p for p in facts.parameters if p.name == symbol.name)
        outer = Frame(unit, facts.up)
        if row is facts.parameters[0] and facts.up >= 0 and unit.scopes[facts.up].kind == "c":
            owner = Symbol("scope", unit, facts.up)
            return (Ref(owner),) if row.name == "cls" else (Made(owner),)
        kinds = self.classes_in(row.annotation, outer)
        made = tuple(Made(kind) for kind in kinds)
        default = self.values(row.default, outer) if isinstance(row.default, list | str) else ()
        return made or default or (Unknown(f"parameter `{row.name}` of `{facts.name}`"),)

    def classes_in(self, annotation: Term, frame: Frame) -> tuple[Symbol, ...]:
        """The classes that an annotation names, unions, optionals and ``Annotated`` seen through."""
        match annotation:
            case str():
                return tuple(self._classes_named(annotation, frame))
            case ["b", "|", left, right]:
                return (*self.classes_in(left, frame), *self.classes_in(right, frame))
            case ["i", str(name), *items]:
                last = name.rpartition(".")[2]
                if last in ("Optional", "Union"):
                    return tuple(kind for item in items for kind in self.classes_in(item, frame))
                if last in ("Annotated", "AsyncGenerator", "Generator", "AsyncIterator", "Iterator",
                            "Awaitable", "Final", "ClassVar", "Coroutine"):  # fmt: skip
                    return self.classes_in(items[0] if last != "Coroutine" else items[-1], frame)
                return tuple(self._classes_named(name, frame))
        return ()

    def _classes_named(self, name: str, frame: Frame) -> Iterator[Symbol]:
        symbol = self.names.resolve(frame.unit, frame.scope, name)
        for _ in range(5):
            if symbol is None or symbol.name == "builtins.None":
                return
            if symbol.kind != "name" or symbol.unit is None or symbol.rest:
                if symbol.kind in ("scope", "external"):
                    yield symbol
                return
            row = next((r for r in symbol.unit.scopes[symbol.scope].assignments
                        if r.target == symbol.name), None)  # fmt: skip
            place = Frame(symbol.unit, symbol.scope)
            if row is None or not isinstance(row.value, str):
                if row is not None and row.value is not None and row.value[0] in "ib":
                    yield from self.classes_in(row.value, place)
                elif row is not None and row.value[0] == "c":
                    yield from (
                        v.symbol for v in self.values(row.value, place) if isinstance(v, Ref)
                    )
                return
            symbol = self.names.resolve(symbol.unit, symbol.scope, row.value)

    def _assigned(self, symbol: Symbol, frame: Frame) -> list[Value]:
        facts = frame.unit.scopes[symbol.scope]
        found: list[Value] = []
        for row in reaching(facts.assignments, symbol.name, frame.at):
            env = frame.env if row.loops else _outside_loops(frame)
            inner = Frame(frame.unit, frame.scope, env, row.start)
            found += self._destructured(row.target, symbol.name, self.values(row.value, inner))
            if row.value is None:
                found += [Made(kind) for kind in self.classes_in(row.annotation, inner)]
        for loop in facts.loops:
            if symbol.name in _names(loop.target) and (
                frame.at < 0 or loop.start <= frame.at <= loop.end
            ):
                inner = Frame(frame.unit, frame.scope, frame.env, loop.start)
                for item in elements(self.values(loop.iterable, inner)):
                    found += self._destructured(loop.target, symbol.name, item)
        for term, target in facts.contexts:
            if symbol.name in _names(target):
                found += self.values(term, Frame(frame.unit, frame.scope, frame.env, 0))
        return found

    def _destructured(self, target: object, name: str, values: Values) -> Values:
        return next((v for n, v in bind(target, values) if n == name), ())

    # -- attributes -------------------------------------------------------------------------

    def _each(self, values: Values, attribute: str) -> Values:
        found = [v for value in values for v in self.attribute(value, attribute)]
        return _unique(found)

    def attribute(self, value: Value, name: str) -> Values:
        """What ``value.name`` stands for."""
        if isinstance(value, Made):
            return self._of_object(value, name)
        if not isinstance(value, Ref):
            return (value,) if isinstance(value, Unknown) else (Unknown(f"`.{name}`"),)
        if _is_class(value.symbol):
            return self.member(value.symbol, name) or (Unknown(f"no `{name}`"),)
        symbol = self.names.follow(value.symbol, (name,))
        if symbol is None or symbol.rest:
            return (Unknown(f"no `{name}` in `{value.symbol.dotted()}`"),)
        return self.symbol(symbol)

    def _of_object(self, made: Made, name: str) -> Values:
        if made.of.kind == "external":
            return (Ref(Symbol("external", name=f"{made.of.dotted()}.{name}")),)
        key = (made, name)
        if key not in self._attributes:
            self._attributes[key] = (Unknown(f"`.{name}` is made of itself"),)
            self._attributes[key] = self._read_attribute(made, name)
        return self._attributes[key]

    def _read_attribute(self, made: Made, name: str) -> Values:
        found: list[Value] = []
        for owner in self.lineage(made.of):
            found += self._set_on_self(owner, name, made)
            if not found:
                found += self._member_of(owner, name)
            if found:
                break
        bound = (self._on_object(value, made) for value in found)
        return _unique([v for values in bound for v in values]) or (Unknown(f"no `{name}`"),)

    def _on_object(self, value: Value, made: Made) -> Values:
        if not isinstance(value, Ref) or not _is_function(value.symbol):
            return (value,)
        decorators = (
            value.symbol.unit.scopes[value.symbol.scope].decorators if value.symbol.unit else []
        )
        if any(str(term).rpartition(".")[2] in ("property", "cached_property", "computed_field")
               for term, _, _ in decorators):  # fmt: skip
            return (
                self.result(value.symbol, Frame(value.symbol.unit), None)
                if value.symbol.unit
                else ()
            )
        return (Bound(value.symbol, made),)

    def _set_on_self(self, owner: Symbol, name: str, made: Made) -> list[Value]:
        unit = owner.unit
        if unit is None:
            return []
        found: list[Value] = []
        for method in unit.inner.get(owner.scope, {}).values():
            for row in unit.scopes[method].assignments:
                if row.target == f"self.{name}":
                    env = made.env if unit.scopes[method].name.endswith("__init__") else ()
                    found += self.values(row.value, Frame(unit, method, env, row.start))
        return found

    def member(self, owner: Symbol, name: str) -> Values:
        """What attribute `name` of class `owner` stands for, inherited ones included."""
        for symbol in self.lineage(owner):
            found = self._member_of(symbol, name)
            if found:
                return found
        return ()

    def _member_of(self, owner: Symbol, name: str) -> Values:
        if owner.unit is None or owner.kind != "scope":
            return ()
        symbol = self.names.follow(owner, (name,))
        if symbol is None or symbol.rest:
            return ()
        return self.symbol(symbol)

    def lineage(self, owner: Symbol) -> tuple[Symbol, ...]:
        """A class and all that it inherits from, nearest first; other packages' as external."""
        if owner not in self._lineages:
            self._lineages[owner] = (owner,)
            self._lineages[owner] = tuple(dict.fromkeys(self._ancestors(owner)))
        return self._lineages[owner]

    def _ancestors(self, owner: Symbol) -> Iterator[Symbol]:
        yield owner
        unit = owner.unit
        if unit is None or owner.kind != "scope":
            return
        facts = unit.scopes[owner.scope]
        for term in facts.bases:
            term = term[1] if isinstance(term, list) and term[0] == "i" else term
            for value in self.values(term, Frame(unit, facts.up, (), facts.start)):
                if isinstance(value, Ref):
                    yield from self.lineage(value.symbol)
                elif isinstance(value, Made):
                    yield value.of

    # -- calls ------------------------------------------------------------------------------

    def call(self, index: int, frame: Frame) -> Values:
        """What a call stands for."""
        key = (id(frame.unit), index, frame.env)
        if key not in self._calls:
            self._calls[key] = (Unknown("calls itself"),)
            row = frame.unit.facts.calls[index]
            inner = Frame(frame.unit, row.scope, frame.env, row.start)
            found = [
                v
                for callee in self.values(row.callee, inner)
                for v in self._called(callee, row, index, inner)
            ]
            self._calls[key] = _unique(found or self._on_text(row, inner))
        return self._calls[key]

    def _on_text(self, row: CallFact, frame: Frame) -> Values:
        return (Unknown(f"`{frame.unit.text((row.start, row.named))}` is not followed"),)

    def _called(self, callee: Value, row: CallFact, index: int, frame: Frame) -> Values:
        if isinstance(callee, Bound):
            return self.result(callee.function, frame, row, callee.of)
        if isinstance(callee, Made) and callee.of.kind == "external":
            made = Symbol("external", name=f"{callee.of.dotted()}.__call__")
            return (Made(made, callee.unit, callee.call, callee.env),)
        if isinstance(callee, Made):
            found = self.attribute(callee, "__call__")
            return tuple(
                v
                for f in found
                if isinstance(f, Bound)
                for v in self.result(f.function, frame, row, f.of)
            )
        if not isinstance(callee, Ref):
            return self._text_method(row, frame)
        symbol = callee.symbol
        if symbol.kind == "external":
            return self._foreign(symbol, row, index, frame)
        if _is_function(symbol):
            return self.result(symbol, frame, row)
        if _is_class(symbol):
            return (Made(symbol, frame.unit, index, self._construction(symbol, row, frame)),)
        return ()

    def _construction(self, symbol: Symbol, row: CallFact, frame: Frame) -> Env:
        made = self.member(symbol, "__init__")
        for value in made:
            if isinstance(value, Ref) and _is_function(value.symbol):
                return self.arguments(value.symbol, row, frame, Made(symbol, frame.unit, -1))
        return frame.env

    def _text_method(self, row: CallFact, frame: Frame) -> Values:
        callee = row.callee
        if isinstance(callee, str):
            head, _, method = callee.rpartition(".")
            receiver: Term = head
        elif isinstance(callee, list) and callee[0] == "a":
            receiver, method = callee[1], callee[2]
        else:
            return ()
        values = self.values(receiver, frame) if receiver else ()
        pairs = [v for v in values if isinstance(v, Pairs)]
        if pairs:
            return tuple(_of_dictionary(v, method) for v in pairs)
        return fold_method(values, method, [self.values(a, frame) for a in row.arguments])

    def _foreign(self, symbol: Symbol, row: CallFact, index: int, frame: Frame) -> Values:
        name = symbol.dotted()
        if name in _SAME and row.arguments:
            return self.values(row.arguments[-1 if name == "typing.cast" else 0], frame)
        if name in ENVIRONMENT and len(row.arguments) + len(row.keywords) > 1:
            default = [v for k, v in row.keywords if k in ("default", "value")] or row.arguments[
                1:2
            ]
            return self.values(default[0], frame) if default else (Unknown("from the environment"),)
        if name == "builtins.getattr" and len(row.arguments) > 1:
            return self._getattr(row, frame)
        if name == "importlib.import_module" and row.arguments:
            return self._import_module(row, frame)
        if name.startswith("pydantic") and name.endswith(".Field"):
            default = [v for k, v in row.keywords if k == "default"] or row.arguments[:1]
            return self.values(default[0], frame) if default else (Unknown("no default"),)
        if name.startswith("builtins."):
            return self._text_method(row, frame)
        return (Made(symbol, frame.unit, index, frame.env),)

    def _getattr(self, row: CallFact, frame: Frame) -> Values:
        found = [
            v
            for name in self.values(row.arguments[1], frame)
            if isinstance(name, Const) and isinstance(name.value, str)
            for v in self._each(self.values(row.arguments[0], frame), name.value)
        ]
        return _unique(found)

    def _import_module(self, row: CallFact, frame: Frame) -> Values:
        names = (v.value for v in self.values(row.arguments[0], frame) if isinstance(v, Const))
        units = (self.codebase.find(n, frame.unit) for n in names if isinstance(n, str))
        return tuple(Ref(Symbol("module", unit)) for unit in units if unit)

    def result(
        self, function: Symbol, frame: Frame, row: CallFact | None, of: Value | None = None
    ) -> Values:
        """What a function of ours returns or yields when called by `row` in `frame`."""
        unit = function.unit
        if unit is None:
            return ()
        facts = unit.scopes[function.scope]
        env = self.arguments(function, row, frame, of) if row is not None else ()
        inner = Frame(unit, function.scope, env)
        terms = [*facts.values, *facts.yielded]
        found = _unique([v for term in terms for v in self.values(term, inner)])
        if any(not isinstance(v, Unknown) for v in found):
            return found
        typed = self.classes_in(facts.returns, Frame(unit, facts.up))
        return tuple(Made(kind) for kind in typed) or found

    def arguments(
        self, function: Symbol, row: CallFact, frame: Frame, of: Value | None = None
    ) -> Env:
        """What the parameters of `function` stand for in one call, closures included."""
        unit = function.unit
        if unit is None:
            return ()
        given = self._given(function, row, frame, of)
        outer = tuple(
            item for item in frame.env if frame.unit is unit and item[0] != function.scope
        )
        return (*outer, *((function.scope, name, values) for name, values in given))

    def _given(
        self, function: Symbol, row: CallFact, frame: Frame, of: Value | None
    ) -> list[tuple[str, Values]]:
        unit = function.unit
        facts = unit.scopes[function.scope] if unit is not None else None
        if facts is None or unit is None:
            return []
        place = [p for p in facts.parameters if p.kind == ""]
        given: list[tuple[str, Values]] = (
            [("self", (of,))] if of is not None and place and place[0].name == "self" else []
        )
        place = place[1:] if given or (place and place[0].name == "cls") else place
        values = [v for term in row.arguments for v in self._splatted(term, frame)]
        given += [(p.name, v) for p, v in zip(place, values, strict=False)]
        known = {p.name for p in facts.parameters}
        given += [(k, self.values(t, frame)) for k, t in row.keywords if k in known]
        names = {name for name, _ in given}
        rest = [p for p in facts.parameters if p.name not in names and p.default is not None]
        return given + [(p.name, self.values(p.default, Frame(unit, facts.up))) for p in rest]

    def _splatted(self, term: Term, frame: Frame) -> list[Values]:
        if isinstance(term, list) and term and term[0] == "*":
            return list(elements(self.values(term[1], frame)))
        return [self.values(term, frame)]

    # -- literals ---------------------------------------------------------------------------

    def _items(self, items: list[Term], frame: Frame) -> Iterator[Values]:
        for item in items:
            yield from self._splatted(item, frame)

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
        return _unique(found) or (Unknown("subscript"),)

    def _operator(self, operator: str, left: Values, right: Values) -> Values:
        if operator in ("or", "and"):
            return _unique((*left, *right))
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


def _outside_loops(frame: Frame) -> Env:
    """The environment without what loops of the scope bind: an object made before is one object."""
    named = {p.name for p in frame.unit.scopes[frame.scope].parameters}
    return tuple(item for item in frame.env if item[0] != frame.scope or item[1] in named)


def reaching(rows: list[Assignment], name: str, at: int) -> list[Assignment]:
    """The assignments to `name` that may hold at offset `at` (-1: at the end), latest first."""
    found: list[Assignment] = []
    for row in reversed(rows):
        if name in _names(row.target) and (at < 0 or row.start < at):
            found.append(row)
            if row.condition < 0 and not row.loops:
                break
    return found


def _of_dictionary(pairs: Pairs, method: str) -> Value:
    if method == "items":
        return Seq(tuple((Seq(pair),) for pair in pairs.items))
    if method in ("values", "keys"):
        return Seq(tuple(pair[method == "values"] for pair in pairs.items))
    return Unknown(f"`.{method}` of a dictionary")


def elements(values: Values) -> Iterator[Values]:
    """What iterating over `values` can give, one after the other."""
    for value in values:
        if isinstance(value, Seq):
            yield from value.items
        elif isinstance(value, Pairs):
            yield from (key for key, _ in value.items)


def bind(target: object, values: Values) -> Iterator[tuple[str, Values]]:
    """The names of a target with what each gets from `values`."""
    if isinstance(target, str):
        yield target, values
    elif isinstance(target, list):
        seq = next((v for v in values if isinstance(v, Seq) and len(v.items) == len(target)), None)
        for place, inner in enumerate(target):
            yield from bind(inner, seq.items[place] if seq else (Unknown("unpacked"),))


def _names(target: object) -> tuple[str, ...]:
    if isinstance(target, str):
        return (target,)
    return tuple(n for item in target for n in _names(item)) if isinstance(target, list) else ()


def _unique(values: Iterable[Value]) -> Values:
    return tuple(dict.fromkeys(values))


def _is_class(symbol: Symbol) -> bool:
    return (
        symbol.kind == "scope"
        and symbol.unit is not None
        and symbol.unit.scopes[symbol.scope].kind == "c"
    )


def _is_function(symbol: Symbol) -> bool:
    return (
        symbol.kind == "scope"
        and symbol.unit is not None
        and symbol.unit.scopes[symbol.scope].kind == "f"
    )
