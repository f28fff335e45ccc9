"""The classes of a project by what they inherit from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.places import Span
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import Assignment, Scope, Term
from fastwright.survey.names import Symbol
from fastwright.survey.values import Const, Frame, Ref, Values

_BASES = frozenset({"DeclarativeBase", "DeclarativeBaseNoMeta", "declarative_base",
                    "automap_base", "AutomapBase", "MappedBase"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Class:
    """One class of the project; `roots` are the dotted names of foreign classes above it."""

    symbol: Symbol
    unit: Unit
    facts: Scope
    lineage: tuple[Symbol, ...]
    roots: frozenset[str]

    @property
    def name(self) -> str:
        """The dotted name."""
        return self.unit.dotted(self.symbol.scope)

    @property
    def span(self) -> Span:
        """The whole class with its decorators."""
        return Span(self.unit.path, self.facts.start, self.facts.end)

    def inherits(self, *names: str) -> bool:
        """Whether a foreign class of one of these plain names stands above it."""
        return any(root.rpartition(".")[2] in names for root in self.roots)


class Classes:
    """Every class of a code base, classified once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.all = tuple(self._read())
        self.by_symbol = {cls.symbol: cls for cls in self.all}

    def _read(self) -> Iterator[Class]:
        for unit in self.evaluator.codebase.units:
            for index, facts in enumerate(unit.scopes):
                if facts.kind == "c":
                    symbol = Symbol("scope", unit, index)
                    lineage = self.evaluator.lineage(symbol)
                    roots = frozenset(s.dotted() for s in lineage if s.kind == "external")
                    yield Class(symbol, unit, facts, lineage, roots)

    def is_declarative(self, cls: Class) -> bool:
        """Whether SQLAlchemy maps it, or it is a base or mixin that SQLAlchemy knows."""
        if any(root.rpartition(".")[2] in _BASES for root in cls.roots):
            return True
        return any(self._decorated(symbol) for symbol in cls.lineage)

    def _decorated(self, symbol: Symbol) -> bool:
        if symbol.unit is None or symbol.kind != "scope":
            return False
        terms = symbol.unit.scopes[symbol.scope].decorators
        return any(called(term, symbol.unit).endswith("as_declarative") for term, _, _ in terms)

    def owners(self, cls: Class) -> list[tuple[Unit, Scope, Symbol]]:
        """The project's classes from the furthest base down to `cls` itself."""
        found = [
            (s.unit, s.unit.scopes[s.scope], s)
            for s in cls.lineage
            if s.kind == "scope" and s.unit is not None and s.unit.scopes[s.scope].kind == "c"
        ]
        return found[::-1]

    def attribute(self, cls: Class, name: str) -> Values:
        """What a class attribute stands for; a method (``declared_attr``) by what it returns."""
        found: Values = ()
        for value in self.evaluator.member(cls.symbol, name):
            symbol = getattr(value, "symbol", None)
            if isinstance(symbol, Symbol) and symbol.kind == "scope" and symbol.unit is not None:
                env = ((symbol.scope, "cls", (Ref(cls.symbol),)),)
                terms = symbol.unit.scopes[symbol.scope].values
                frame = Frame(symbol.unit, symbol.scope, env)
                found = (*found, *(v for t in terms for v in self.evaluator.values(t, frame)))
            else:
                found = (*found, value)
        return found

    def keyword(self, cls: Class, name: str) -> Values:
        """What a keyword of the class statement (``table=True``) stands for."""
        terms = [t for k, t in cls.facts.keywords if k == name]
        outer = Frame(cls.unit, cls.facts.up, (), cls.facts.start)
        return self.evaluator.values(terms[0], outer) if terms else ()

    def truth(self, values: Values) -> bool:
        """Whether `values` are the constant ``True``."""
        return any(v == Const.of(True) for v in values)


def called(term: Term, unit: Unit) -> str:
    """The written name of what is called, or the name itself."""
    if isinstance(term, list) and term and term[0] == "c":
        callee = unit.facts.calls[term[1]].callee
        return callee if isinstance(callee, str) else ""
    return term if isinstance(term, str) else ""


def annotated(rows: list[Assignment]) -> Iterator[tuple[str, Assignment]]:
    """Assignments to plain names: what a class declares as fields."""
    for row in rows:
        if isinstance(row.target, str) and row.target.isidentifier():
            yield row.target, row
