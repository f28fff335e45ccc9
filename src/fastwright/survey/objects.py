"""Attributes of objects and classes, and what classes inherit from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from fastwright.survey.bindings import unique
from fastwright.survey.codebase import Unit, of_tests
from fastwright.survey.facts import CallFact, Term
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.values import Bound, Const, Env, Frame, Made, Ref, Unknown, Value, Values

if TYPE_CHECKING:
    from fastwright.survey.evaluate import Evaluator


class Objects:
    """The part of an `Evaluator` that looks into objects and classes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._attributes: dict[tuple[Made, str], Values] = {}
        self._lineages: dict[Symbol, tuple[Symbol, ...]] = {}
        self._selves: dict[Symbol, tuple[Made, ...]] = {}
        self._sites: dict[str, list[tuple[Unit, int]]] = {}

    def itself(self, owner: Symbol) -> tuple[Made, ...]:
        """What ``self`` is in a class: the one object of it that the project makes, if it is one.

        What is given to that object is known then, in whatever method it is used.
        """
        if owner not in self._selves:
            self._selves[owner] = (Made(owner),)
            self._selves[owner] = self._only_one(owner) or (Made(owner),)
        return self._selves[owner]

    def _only_one(self, owner: Symbol) -> tuple[Made, ...]:
        unit = owner.unit
        if unit is None or "__init__" not in unit.inner.get(owner.scope, {}):
            return ()
        return self.made(owner) if len(self.sites(owner)) == 1 else ()

    def made(self, owner: Symbol) -> tuple[Made, ...]:
        """The objects of a class that the project makes outside of tests."""
        found: list[Made] = []
        for at, index in self.sites(owner):
            row = at.facts.calls[index]
            values = self.evaluator.call(index, Frame(at, row.scope, (), row.start))
            found += [v for v in values if isinstance(v, Made) and v.of == owner]
        return tuple(found)

    def sites(self, owner: Symbol) -> list[tuple[Unit, int]]:
        """The calls outside of tests that make an object of a class."""
        resolve = self.evaluator.names.resolve
        return [
            (at, index)
            for at, index in self._called(owner.dotted().rpartition(".")[2])
            if resolve(at, at.facts.calls[index].scope, str(at.facts.calls[index].callee)) == owner
        ]

    def _called(self, name: str) -> list[tuple[Unit, int]]:
        """The calls of that name outside of tests."""
        if not self._sites:
            for unit in self.evaluator.codebase.units:
                for index, row in enumerate(unit.facts.calls if not of_tests(unit.path) else ()):
                    if isinstance(row.callee, str):
                        place = row.callee.rpartition(".")[2]
                        self._sites.setdefault(place, []).append((unit, index))
        return self._sites.get(name, [])

    def attribute(self, value: Value, name: str) -> Values:
        """What ``value.name`` stands for."""
        if isinstance(value, Made):
            return self._of_object(value, name)
        if not isinstance(value, Ref):
            return (value,) if isinstance(value, Unknown) else (Unknown(f"`.{name}`"),)
        if is_class(value.symbol) and name in ("__name__", "__qualname__"):
            return (Const.of(value.symbol.dotted().rpartition(".")[2]),)
        if is_class(value.symbol):
            found = self.member(value.symbol, name) or (Unknown(f"no `{name}`"),)
            return tuple(_of_heir(one, value.symbol) for one in found)
        symbol = self.evaluator.names.follow(value.symbol, (name,))
        if symbol is None or symbol.rest:
            return (Unknown(f"no `{name}` in `{value.symbol.dotted()}`"),)
        return self.evaluator.symbol(symbol)

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
        return unique([v for values in bound for v in values]) or (Unknown(f"no `{name}`"),)

    def _on_object(self, value: Value, made: Made) -> Values:
        if not isinstance(value, Ref) or not is_function(value.symbol):
            return (value,)
        decorators = (
            value.symbol.unit.scopes[value.symbol.scope].decorators if value.symbol.unit else []
        )
        if any(str(term).rpartition(".")[2] in ("property", "cached_property", "computed_field")
               for term, _, _ in decorators):  # fmt: skip
            return (
                self.evaluator.result(value.symbol, Frame(value.symbol.unit), None)
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
                    env = self._given_to(Symbol("scope", unit, method), made)
                    found += self.evaluator.values(row.value, Frame(unit, method, env, row.start))
        return found

    def _given_to(self, method: Symbol, made: Made) -> Env:
        """What the parameters of an ``__init__`` stand for where `made` is made.

        That of a base is given what the one below it hands on with ``super().__init__(…)``.
        """
        owners = [owner for owner in self.lineage(made.of) if is_class(owner)]
        steps = [s for s in (self._initial(owner) for owner in owners) if s is not None]
        if method not in steps:
            return ()
        env = made.env
        for here, above in pairwise(steps[: steps.index(method) + 1]):
            row = _handed_on(here)
            if row is None or here.unit is None:
                return ()
            env = self.evaluator.arguments(above, row, Frame(here.unit, here.scope, env), made)
        return env

    def _initial(self, owner: Symbol) -> Symbol | None:
        """The ``__init__`` in the text of a class."""
        place = owner.unit.inner.get(owner.scope, {}).get("__init__") if owner.unit else None
        return Symbol("scope", owner.unit, place) if place is not None else None

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
        symbol = self.evaluator.names.follow(owner, (name,))
        if symbol is None or symbol.rest:
            return ()
        return self.evaluator.symbol(symbol)

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
        for base in facts.bases:
            term = base[1] if isinstance(base, list) and base[0] == "i" else base
            for value in self.evaluator.afresh(term, Frame(unit, facts.up, (), facts.start)):
                if isinstance(value, Ref):
                    yield from self.lineage(value.symbol)
                elif isinstance(value, Made):
                    yield value.of

    def classes_in(self, annotation: Term, frame: Frame) -> tuple[Symbol, ...]:
        """The classes that an annotation names; unions and ``Annotated`` are seen through."""
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
        symbol = self.evaluator.names.resolve(frame.unit, frame.scope, name)
        for _ in range(5):
            if symbol is None or symbol.name == "builtins.None":
                return
            if symbol.kind != "name" or symbol.unit is None or symbol.rest:
                if symbol.kind in ("scope", "external"):
                    yield symbol
                return
            row = next((r for r in symbol.unit.scopes[symbol.scope].assignments
                        if r.target == symbol.name), None)  # fmt: skip
            value = row.value if row is not None else None
            if not isinstance(value, str):
                yield from self._classes_made(value, Frame(symbol.unit, symbol.scope))
                return
            symbol = self.evaluator.names.resolve(symbol.unit, symbol.scope, value)

    def _classes_made(self, value: Term, place: Frame) -> Iterator[Symbol]:
        """The classes that an assigned expression is; none for ``name: Kind`` without a value."""
        if isinstance(value, list) and value[0] in "ib":
            yield from self.classes_in(value, place)
        elif isinstance(value, list) and value[0] == "c":
            found = self.evaluator.values(value, place)
            yield from (v.symbol for v in found if isinstance(v, Ref))


def _of_heir(value: Value, heir: Symbol) -> Value:
    """An inherited ``@classmethod`` with the class that it is asked of; else the value itself."""
    unit = value.symbol.unit if isinstance(value, Ref) and is_function(value.symbol) else None
    if unit is None or not isinstance(value, Ref):
        return value
    facts = unit.scopes[value.symbol.scope]
    inherited = (unit, facts.up) != (heir.unit, heir.scope)
    by_class = any(term == "classmethod" for term, _, _ in facts.decorators)
    return Bound(value.symbol, Ref(heir)) if by_class and inherited else value


def _handed_on(initial: Symbol) -> CallFact | None:
    """The call of the ``__init__`` above in one below it."""
    unit = initial.unit
    for row in unit.facts.calls if unit is not None else ():
        match row.callee:
            case ["a", ["c", int(index)], "__init__"] if (
                unit is not None and row.scope == initial.scope
                and unit.facts.calls[index].callee == "super"
            ):  # fmt: skip
                return row
    return None
