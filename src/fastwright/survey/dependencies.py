"""Dependency trees and parameters of handlers, ``Annotated`` aliases seen through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastwright.model.app import Dependency, Parameter, Place
from fastwright.model.places import Span
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact, ParameterFact, Term
from fastwright.survey.names import Symbol
from fastwright.survey.terms_text import render
from fastwright.survey.values import Bound, Const, Frame, Made, Ref, Seq, Value, Values

_SOURCES = MappingProxyType({
    "Query": "query",
    "Path": "path",
    "Header": "header",
    "Cookie": "cookie",
    "Body": "body",
    "Form": "form",
    "File": "file",
})  # fmt: skip
_GENERIC = MappingProxyType({"Literal": "query", "FromDishka": "dependency"})
_SPECIAL = frozenset({"Request", "Response", "WebSocket", "HTTPConnection", "BackgroundTasks",
                      "SecurityScopes"})  # fmt: skip
_SCALARS = frozenset({"str", "int", "float", "bool", "bytes", "UUID", "UUID4", "datetime", "date",
                      "time", "timedelta", "Decimal", "EmailStr", "AnyUrl", "HttpUrl", "Literal",
                      "PositiveInt", "NonNegativeInt", "constr", "conint"})  # fmt: skip
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Signature:
    """What FastAPI reads from a callable's parameters."""

    parameters: tuple[Parameter, ...]
    dependencies: tuple[Dependency, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """One parameter that a dependency fills: what is called, and what the parameter is said to be.

    `written` is the called expression as a dotted name; `alias` the ``Annotated`` alias used.
    """

    target: Value
    call: str
    written: str
    kinds: tuple[str, ...]
    alias: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation with its aliases expanded: the type itself, and what ``Annotated`` adds.

    `written` are the terms of `extras`, each with its file.
    """

    core: Term
    frame: Frame
    extras: Values
    alias: str | None = None
    written: tuple[tuple[Unit, Term], ...] = ()


def is_depends(value: Value) -> bool:
    """Whether a value is what ``Depends(…)`` or ``Security(…)`` made."""
    if not isinstance(value, Made) or value.of.kind != "external":
        return False
    package, _, last = value.of.dotted().rpartition(".")
    return last in ("Depends", "Security") and package.partition(".")[0] == "fastapi"


class Dependencies:
    """Builds dependency trees; a callable's own part of the tree is built once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._signatures: dict[tuple[Symbol, Place], Signature] = {}
        self.uses: dict[tuple[Span, str], Use] = {}
        self._depth = 0

    def signature(self, function: Symbol, place: Place = Place.PARAMETER) -> Signature:
        """Parameters and dependencies of a function of ours (or a class, by its ``__init__``)."""
        key = (function, place)
        if key not in self._signatures:
            self._signatures[key] = Signature((), ())
            self._signatures[key] = self._read(function, place)
        return self._signatures[key]

    def signatures(self) -> dict[str, tuple[Parameter, ...]]:
        """The parameters of every callable that was read, by its dotted name."""
        found = {f.dotted(): read.parameters for (f, _), read in self._signatures.items()}
        return {name: parameters for name, parameters in found.items() if parameters}

    def _read(self, function: Symbol, place: Place) -> Signature:
        unit = function.unit
        if unit is None or self._depth > _DEEPEST:
            return Signature((), ())
        self._depth += 1
        try:
            return self._read_parameters(function, unit, place)
        finally:
            self._depth -= 1

    def _read_parameters(self, function: Symbol, unit: Unit, place: Place) -> Signature:
        facts = unit.scopes[function.scope]
        frame = Frame(unit, facts.up, (), facts.start)
        rows = facts.parameters
        if facts.up >= 0 and unit.scopes[facts.up].kind == "c" and not _is_static(facts.decorators):
            rows = rows[1:]
        parameters: list[Parameter] = []
        dependencies: list[Dependency] = []
        for row in rows:
            if row.kind not in ("*", "**"):
                parameter, dependency = self.parameter(row, frame, place)
                parameters.append(parameter)
                dependencies += [dependency] if dependency else []
        return Signature(tuple(parameters), tuple(dependencies))

    def parameter(
        self, row: ParameterFact, frame: Frame, place: Place
    ) -> tuple[Parameter, Dependency | None]:
        """One parameter, and the dependency that fills it if one does."""
        annotation = self.annotation(row.annotation, frame)
        default = self.evaluator.values(row.default, frame)
        marks = (*annotation.extras, *default)
        depends = next((v for v in marks if isinstance(v, Made) and is_depends(v)), None)
        written = frame.unit.text(row.annotation_span) if row.annotation_span else None
        given = frame.unit.text(row.default_span) if row.default_span else None
        if depends is not None:
            node = self.node(depends, place, name=row.name, annotation=annotation)
            span = _span(row, frame.unit)
            return Parameter(row.name, written, given, "dependency", False, span=span), node
        mark = next((v for v in marks if _source(v)), None)
        parameter = Parameter(
            row.name, written, given,
            _source(mark) if mark is not None else self._implied(annotation),
            self._required(row, mark), self._constraints(mark), _span(row, frame.unit),
        )  # fmt: skip
        return parameter, None

    def _required(self, row: ParameterFact, mark: Value | None) -> bool:
        if row.default is None:
            return True
        made = next((v for v in (mark,) if isinstance(v, Made)), None)
        if made is None or made.unit is None or row.default != ["c", made.call]:
            return False
        call = made.unit.facts.calls[made.call]
        given = call.arguments[:1] or [t for k, t in call.keywords if k.startswith("default")]
        if not given:
            return True
        written = render(given[0], made.unit)
        return written in ("...", "Ellipsis")

    def _constraints(self, mark: Value | None) -> tuple[tuple[str, str], ...]:
        if not isinstance(mark, Made) or mark.unit is None or mark.call < 0:
            return ()
        unit = mark.unit
        return tuple((k, render(t, unit)) for k, t in unit.facts.calls[mark.call].keywords)

    def _implied(self, annotation: Annotation) -> str | None:
        """Where FastAPI takes a parameter without a mark from, path parameters aside."""
        term, frame = annotation.core, annotation.frame
        if term is None:
            return "query"
        match term:
            case ["b", "|", left, ["k", None]] | ["b", "|", ["k", None], left]:
                return self._implied(replace(annotation, core=left))
            case ["i", str(name), inner, *_] if name.rpartition(".")[2] == "Optional":
                return self._implied(replace(annotation, core=inner))
            case ["i", str(name), *inner]:
                kinds = {self._implied(replace(annotation, core=t)) for t in inner}
                if "file" in kinds:
                    return "file"
                if _last(name) == "Union" and "query" in kinds and kinds <= {"query", None}:
                    return "query"
                return _GENERIC.get(_last(name), "body")
            case str():
                return self._implied_by_name(term, frame)
        return None

    def _implied_by_name(self, name: str, frame: Frame) -> str | None:
        last = name.rpartition(".")[2]
        if last in _SCALARS:
            return "query"
        for symbol in self.evaluator.classes_in(name, frame):
            roots = [s.dotted() for s in self.evaluator.lineage(symbol) if s.kind == "external"]
            lasts = {root.rpartition(".")[2] for root in roots}
            if lasts & _SPECIAL:
                return "special"
            if "UploadFile" in lasts:
                return "file"
            if lasts & {"Enum", "StrEnum", "IntEnum", *_SCALARS}:
                return "query"
            if lasts & {"BaseModel", "SQLModel", "dict", "list", "TypedDict"}:
                return "body"
        return None

    # -- annotations ------------------------------------------------------------------------

    def annotation(self, term: Term, frame: Frame) -> Annotation:
        """`term` with aliases of ``Annotated`` expanded."""
        alias = None
        extras: Values = ()
        written: tuple[tuple[Unit, Term], ...] = ()
        for _ in range(6):
            if isinstance(term, list) and term[0] == "i" and _last(term[1]) == "Annotated":
                for extra in term[3:]:
                    extras = (*extras, *self.evaluator.values(extra, frame))
                    written = (*written, (frame.unit, extra))
                term = term[2] if len(term) > 2 else None
                continue
            found = self._alias(term, frame) if isinstance(term, str) else None
            if found is None:
                break
            term, frame, name = found
            alias = alias or name
        return Annotation(term, frame, extras, alias, written)

    def _alias(self, name: str, frame: Frame) -> tuple[Term, Frame, str] | None:
        symbol = self.evaluator.names.resolve(frame.unit, frame.scope, name)
        if symbol is None or symbol.kind != "name" or symbol.unit is None or symbol.rest:
            return None
        rows = symbol.unit.scopes[symbol.scope].assignments
        row = next((r for r in reversed(rows) if r.target == symbol.name), None)
        if row is None or not (isinstance(row.value, str) or (row.value and row.value[0] in "ib")):
            return None
        return row.value, Frame(symbol.unit, symbol.scope, (), row.start), symbol.dotted()

    # -- nodes ------------------------------------------------------------------------------

    def node(
        self, made: Made, place: Place, *, name: str = "", annotation: Annotation | None = None
    ) -> Dependency | None:
        """The tree below one ``Depends(…)``."""
        if made.unit is None or made.call < 0:
            return None
        row = made.unit.facts.calls[made.call]
        frame = Frame(made.unit, row.scope, made.env, row.start)
        target = next(
            (v for v in self._called(row, frame, annotation) if not isinstance(v, Const)), None
        )
        call, children, scheme, options, returns = self._target(target, place)
        if target is None or call == "?":
            call = render(row.arguments[0], made.unit) if row.arguments else "?"
        if target is not None and annotation is not None:
            self._use(row, frame, call, target, annotation)
        own = tuple(
            (k, render(t, made.unit)) for k, t in row.keywords if k not in ("dependency", "scopes")
        )
        return Dependency(
            call, name, place, self._scopes(row, frame), scheme, returns, children,
            (*own, *options), Span(made.unit.path, row.start, row.end),
        )  # fmt: skip

    def _use(
        self, row: CallFact, frame: Frame, call: str, target: Value, annotation: Annotation
    ) -> None:
        kinds = self.evaluator.classes_in(annotation.core, annotation.frame)
        written = row.arguments[0] if row.arguments else ""
        named = (
            self.evaluator.names.dotted(frame.unit, frame.scope, written)
            if isinstance(written, str)
            else call
        )
        span = Span(frame.unit.path, row.start, row.end)
        names = tuple(kind.dotted() for kind in kinds)
        use = Use(target, call, named or call, names, annotation.alias, span)
        self.uses.setdefault((span, annotation.alias or ""), use)

    def _called(self, row: CallFact, frame: Frame, annotation: Annotation | None) -> Values:
        given = row.arguments[:1] or [t for k, t in row.keywords if k == "dependency"]
        if given:
            return self.evaluator.values(given[0], frame)
        if annotation is None:
            return ()
        return tuple(Ref(s) for s in self.evaluator.classes_in(annotation.core, annotation.frame))

    def _scopes(self, row: CallFact, frame: Frame) -> tuple[str, ...]:
        terms = [t for k, t in row.keywords if k == "scopes"]
        values = self.evaluator.values(terms[0], frame) if terms else ()
        items = [i for v in values if isinstance(v, Seq) for i in v.items]
        return tuple(str(c.value) for item in items for c in item if isinstance(c, Const))

    def _target(
        self, target: Value | None, place: Place
    ) -> tuple[str, tuple[Dependency, ...], str | None, tuple[tuple[str, str], ...], str | None]:
        if isinstance(target, Bound):
            return (
                *self._function(target.function, place),
                None,
                (),
                self._returns(target.function),
            )
        if isinstance(target, Made):
            return self._instance(target, place)
        if not isinstance(target, Ref):
            return "?", (), None, (), None
        symbol = target.symbol
        if symbol.kind == "external":
            return symbol.dotted(), (), None, (), None
        if symbol.unit is not None and symbol.unit.scopes[symbol.scope].kind == "c":
            return (
                symbol.dotted(),
                self._method(symbol, "__init__", place),
                None,
                (),
                symbol.dotted(),
            )
        return (*self._function(symbol, place), None, (), self._returns(symbol))

    def _function(self, symbol: Symbol, place: Place) -> tuple[str, tuple[Dependency, ...]]:
        return symbol.dotted(), self.signature(symbol, place).dependencies

    def _method(self, owner: Symbol, name: str, place: Place) -> tuple[Dependency, ...]:
        for value in self.evaluator.member(owner, name):
            if isinstance(value, Ref) and value.symbol.kind == "scope":
                return self.signature(value.symbol, place).dependencies
        return tuple(self._fields(owner, place)) if name == "__init__" else ()

    def _fields(self, owner: Symbol, place: Place) -> Iterator[Dependency]:
        """Dependencies among a class's annotated fields and its bases' (views, dataclasses)."""
        seen: set[str] = set()
        for symbol in self.evaluator.lineage(owner):
            unit = symbol.unit if symbol.kind == "scope" else None
            for row in unit.scopes[symbol.scope].assignments if unit is not None else ():
                if unit is None or not isinstance(row.target, str) or row.target in seen:
                    continue
                seen.add(row.target)
                fact = ParameterFact(row.target, "", row.annotation, None, row.value, None)
                node = self.parameter(fact, Frame(unit, symbol.scope, (), row.start), place)[1]
                if node is not None:
                    yield node

    def fields(self, owner: Symbol, place: Place = Place.PARAMETER) -> tuple[Dependency, ...]:
        """Dependencies that a class-based view declares as class attributes."""
        return tuple(self._fields(owner, place))

    def _instance(
        self, made: Made, place: Place
    ) -> tuple[str, tuple[Dependency, ...], str | None, tuple[tuple[str, str], ...], str | None]:
        name = made.of.dotted()
        scheme = self.scheme(made.of)
        options: tuple[tuple[str, str], ...] = ()
        if made.unit is not None and made.call >= 0:
            row, unit = made.unit.facts.calls[made.call], made.unit
            options = tuple((k, render(t, unit)) for k, t in row.keywords)
        children = () if made.of.kind == "external" else self._method(made.of, "__call__", place)
        return name, children, scheme, options, self._call_returns(made.of)

    def _call_returns(self, of: Symbol) -> str | None:
        for value in self.evaluator.member(of, "__call__"):
            if isinstance(value, Ref) and value.symbol.kind == "scope":
                return self._returns(value.symbol)
        return None

    def scheme(self, of: Symbol) -> str | None:
        """The class name of FastAPI's security scheme that `of` is or inherits from."""
        for symbol in self.evaluator.lineage(of):
            if symbol.kind == "external" and symbol.dotted().startswith("fastapi.security"):
                return symbol.dotted().rpartition(".")[2]
        return None

    def _returns(self, function: Symbol) -> str | None:
        unit = function.unit
        if unit is None:
            return None
        facts = unit.scopes[function.scope]
        kinds = self.evaluator.classes_in(facts.returns, Frame(unit, facts.up, (), facts.start))
        return next((k.dotted() for k in kinds if k.dotted() != "builtins.None"), None)


def _last(term: Term) -> str:
    return term.rpartition(".")[2] if isinstance(term, str) else ""


def _span(row: ParameterFact, unit: Unit) -> Span | None:
    """The bytes from a parameter's annotation to the end of its default."""
    spans = [span for span in (row.annotation_span, row.default_span) if span]
    return Span(unit.path, spans[0][0], spans[-1][1]) if spans else None


def _source(value: Value | None) -> str | None:
    if isinstance(value, Made) and value.of.kind == "external":
        package, _, last = value.of.dotted().rpartition(".")
        return _SOURCES.get(last) if package.partition(".")[0] == "fastapi" else None
    return None


def _is_static(decorators: list[tuple[Term, int, int]]) -> bool:
    return any(term == "staticmethod" for term, _, _ in decorators)
