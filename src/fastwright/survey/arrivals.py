"""Where the parameters of each function arrive, through every call of a function of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fastwright.model.places import Span
from fastwright.survey import carrying, sinks
from fastwright.survey import held as parts
from fastwright.survey.ambience import Ambience
from fastwright.survey.bindings import reaching
from fastwright.survey.body import Body, Locals, same_part
from fastwright.survey.carrying import Given, Here, elsewhere
from fastwright.survey.declared import has_validator
from fastwright.survey.facts import CallFact, StopFact, Term, inner_terms
from fastwright.survey.held import Held, Helds
from fastwright.survey.limits import Limits, Proved
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.queries import Queries
from fastwright.survey.relations import Relations
from fastwright.survey.sink_harm import guards_itself, harm, is_column_list, is_free, matters
from fastwright.survey.sinks import Sink
from fastwright.survey.values import Frame, Made, Ref
from fastwright.survey.wiring import last_name, receiver_of

_LOADERS = frozenset({"importlib.import_module", "builtins.__import__"})
_ASKING = frozenset({"get", "get_one", "select", "query", "update", "insert"})
_DEEPEST = 40


class Arrival(NamedTuple):
    """The part at `path` of a parameter (or of what was caught) arrives in a sink."""

    root: str
    path: tuple[str, ...]
    passed: tuple[str, ...]
    lead: str
    kind: str
    sink: str
    into: str
    spans: tuple[Span, ...]


class Arrivals:
    """Summaries of functions, made when they are asked for and then remembered."""

    def __init__(self, queries: Queries, relations: Relations, tables: frozenset[str]) -> None:
        self.queries = queries
        self.relations = relations
        self.tables = tables
        self.limits = Limits(self.callee)
        self.ambience = Ambience(relations.evaluator)
        self._bodies: dict[Symbol, Body | None] = {}
        self._arrivals: dict[Symbol, tuple[Arrival, ...]] = {}
        self._returned: dict[Symbol, Helds] = {}
        self._made: dict[Symbol, tuple[Symbol | None, Helds]] = {}
        self._checked: dict[Symbol, list[tuple[int, int, Held, str]]] = {}
        self._demands: dict[Symbol, Proved] = {}
        self._depth = 0

    def body(self, function: Symbol) -> Body | None:
        """The reader of a function's body."""
        if function not in self._bodies:
            unit = function.unit
            self._bodies[function] = Body(function, unit, self) if unit is not None else None
        return self._bodies[function]

    def of(self, function: Symbol) -> tuple[Arrival, ...]:
        """Every sink that a parameter of `function` reaches, in it or below it."""
        if function not in self._arrivals:
            self._arrivals[function] = ()
            body = self.body(function)
            if body is not None and self._depth < _DEEPEST:
                self._depth += 1
                rows = self.queries.rows(function)
                self._arrivals[function] = _each_once(
                    arrival for _, row in rows for arrival in self._through(body, row)
                )
                self._depth -= 1
        return self._arrivals[function]

    def summarised(self) -> tuple[Symbol, ...]:
        """Every function that was read so far."""
        return tuple(self._arrivals)

    # -- what carriers are asked -------------------------------------------------------------

    def called(self, body: Body, row: CallFact, at: int, env: Locals) -> Helds:
        """What the result of a call holds of the caller's parameters."""
        found = carrying.result(self, row, Here(body, at, env))
        hides = carrying.HIDES.search(last_name(row.callee)) is not None
        return parts.through(found, "masked") if hides else found

    def proved(self, body: Body, test: Term, at: int, *, holds: bool) -> Proved:
        """What is limited where a test holds (or does not), and by what."""
        return self.limits.proved(body, test, at, holds=holds)

    def callee(self, body: Body, row: CallFact) -> Symbol | None:
        """What a call calls; a method of what another call made or gives, too."""
        match row.callee:
            case ["a", ["c", int(index)], str(name)]:
                return self._method(body, self.callee(body, body.unit.facts.calls[index]), name)
        return self.relations.callee(body.unit, row)

    def _method(self, body: Body, of: Symbol | None, name: str) -> Symbol | None:
        if of is None:
            return None
        if of.kind == "external":
            return Symbol("external", name=f"{of.dotted()}.{name}")
        if is_function(of) and of.unit is not None:
            facts = of.unit.scopes[of.scope]
            kinds = self.relations.evaluator.classes_in(facts.returns, Frame(of.unit, facts.up))
            return self._method(body, kinds[0], name) if kinds and kinds[0] != of else None
        for value in self.relations.evaluator.member(of, name):
            if isinstance(value, Ref) and is_function(value.symbol):
                return value.symbol
        return None

    def returned(self, function: Symbol) -> Helds:
        """What a function's result (or what it yields) holds of its parameters."""
        if function not in self._returned:
            self._returned[function] = ()
            body = self.body(function)
            if body is not None:
                facts = body.facts
                at = facts.returned
                found = [h for place, term in zip(at, facts.values, strict=False)
                         for h in self.governed(body, body.held(term, place), place)]  # fmt: skip
                found += [h for term in facts.yielded for h in body.held(term, -1)]
                self._returned[function] = parts.unique(
                    h for h in found if not h.root.startswith("<")
                )
        return self._returned[function]

    def ambient(self, body: Body, dotted: str) -> Helds:
        """What a name from outside the function holds of the process: environment, settings."""
        return self.ambience.named(body, dotted)

    def caught(self, body: Body, name: str, at: int) -> Helds:
        """What an ``except`` clause, or the parameter of an exception handler, holds."""
        return self.ambience.caught(body, name, at)

    def answered(self, function: Symbol) -> Iterator[Arrival]:
        """What the ``return`` statements of a handler give of what is no parameter."""
        body = self.body(function)
        for stop, term in _returns(body) if body is not None else ():
            for held in body.held(term, stop.start) if body is not None else ():
                if held.root.startswith("<") and body is not None:
                    span = Span(body.unit.path, stop.start, stop.end)
                    yield Arrival(held.root, held.path, held.passed, held.lead, "answer",
                                  "return", "", (span,))  # fmt: skip

    def shown(self, function: Symbol) -> Iterator[Arrival]:
        """What the ``return`` statements of a handler that answers with HTML hold as text."""
        body = self.body(function)
        for stop, term in _returns(body) if body is not None else ():
            for held in body.held(term, stop.start) if body is not None else ():
                if body is not None and "text" in held.passed and not held.root.startswith("<"):
                    span = Span(body.unit.path, stop.start, stop.end)
                    limited = held.through(*self._limits(body, held, stop.start))
                    yield Arrival(held.root, held.path, limited.passed, held.lead, "html",
                                  "return", "", (span,))  # fmt: skip

    def governed(self, body: Body, values: Helds, at: int) -> Helds:
        """`values` with what the tests around an offset limit."""
        return parts.unique(held.through(*self.limits.on(body, held, at)) for held in values)

    def made(self, owner: Symbol) -> tuple[Symbol | None, Helds]:
        """The constructor of a class of ours, and what an object holds of its parameters."""
        if owner not in self._made:
            self._made[owner] = (None, ())
            for value in self.relations.evaluator.member(owner, "__init__"):
                if isinstance(value, Ref) and is_function(value.symbol):
                    self._made[owner] = (value.symbol, self._kept(value.symbol))
        return self._made[owner]

    def validated(self, owner: Symbol, name: str) -> tuple[str, ...]:
        """What a validator of a model demands of a field when an object is made: a doubt."""
        lineage = self.relations.evaluator.lineage(owner)
        found = any(has_validator(s, name) for s in lineage if is_class(s))
        return ("?validator",) if found else ()

    def _kept(self, constructor: Symbol) -> Helds:
        body = self.body(constructor)
        found: list[Held] = []
        for row in body.facts.assignments if body is not None else ():
            if body is not None and isinstance(row.target, str) and row.target.startswith("self."):
                found += parts.placed(body.held(row.value, row.start), row.target[5:])
        return parts.unique(found)

    # -- sinks --------------------------------------------------------------------------------

    def _through(self, body: Body, written: CallFact) -> Iterator[Arrival]:
        row = elsewhere(written)
        callee = self.callee(body, row)
        sink = sinks.table_made(callee, row, self.tables) or sinks.sink_of(callee, row)
        sink = sink or self._columns_written(body, row)
        span = Span(body.unit.path, written.start, written.end)
        if sink is not None:
            plain = sink.kind == "unpickle" and self._makes_plain(body, sinks.loader_of(row), row)
            yield from () if plain else self._arrived(body, sink, row, span)
        elif callee is not None:
            below = self.made(callee)[0] if is_class(callee) else callee
            if below is not None and is_function(below):
                yield from self._onward(body, below, row, span)

    def _makes_plain(self, body: Body, loader: str, row: CallFact) -> bool:
        """True for a loader of yaml's safe ones, and for one of ours above them."""
        frame, evaluator = Frame(body.unit, row.scope, (), row.start), self.relations.evaluator
        classes = evaluator.classes_in(loader, frame) if loader else ()
        names = {s.dotted() for kind in classes for s in evaluator.lineage(kind)} | {loader}
        return bool({name.rpartition(".")[2] for name in names} & sinks.SAFE_LOADERS)

    def _columns_written(self, body: Body, row: CallFact) -> Sink | None:
        sink = sinks.columns_written(row)
        receiver = receiver_of(row.callee) if sink is not None else None
        into = self._mapped(body, receiver) or self._queried(body, receiver, row.start, 0)
        return sink._replace(name=into) if sink is not None and into else None

    def _onward(self, body: Body, below: Symbol, row: CallFact, span: Span) -> Iterator[Arrival]:
        inner = [arrival for arrival in self.of(below) if not arrival.root.startswith("<")]
        if not inner:
            return
        at = body.statement_of(row)
        given = Given(below, row, Here(body, at, {}))
        limits: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
        for arrival in inner:
            there = Held(arrival.root, arrival.path, (), arrival.passed, arrival.lead)
            for held in parts.substituted(there, given):
                wanted = is_column_list(arrival.kind, held) and is_free(arrival.kind, held)
                if len(arrival.spans) < 8 and wanted:
                    part = held.root, held.path
                    if part not in limits:
                        limits[part] = self._limits(body, held, row.start)
                    yield arrival._replace(
                        root=held.root, path=held.path, passed=held.through(*limits[part]).passed,
                        lead=held.lead, spans=(span, *arrival.spans),
                    )  # fmt: skip

    def _arrived(self, body: Body, sink: Sink, row: CallFact, span: Span) -> Iterator[Arrival]:
        at = body.statement_of(row)
        for term in sink.terms:
            for held in body.held(term, at):
                kind = harm(sink, held)
                if kind and matters(kind, held.root) and is_column_list(kind, held):
                    # What is read at once may be measured afterwards.
                    governed = body.facts.body_end + 1 if kind == "read" else row.start
                    limited = held.through(*self._limits(body, held, governed))
                    if sink.name in _LOADERS and held.lead:
                        limited = limited.through("?a fixed beginning")
                    if kind == "url" and guards_itself(body, row):
                        limited = limited.through("?transport")
                    into = self._into(body, sink, row, at)
                    yield Arrival(held.root, held.path, limited.passed, held.lead, kind,
                                  sink.name, into, (span,))  # fmt: skip

    def _into(self, body: Body, sink: Sink, row: CallFact, at: int) -> str:
        """The class of what is written to or read from."""
        if sink.kind == "fields":
            return sink.name
        if sink.kind not in ("column", "attribute") or not row.arguments:
            return ""
        frame = Frame(body.unit, row.scope, (), at)
        for value in self.relations.evaluator.values(row.arguments[0], frame):
            symbol = value.symbol if isinstance(value, Ref) else None
            symbol = value.of if isinstance(value, Made) else symbol
            if symbol is not None and symbol.dotted() in self.tables:
                return symbol.dotted()
        return self._queried(body, row.arguments[0], at, 0)

    def _queried(self, body: Body, term: Term, at: int, depth: int) -> str:
        """The mapped class that a row was asked for by, down from where its name was assigned."""
        if depth > 12:
            return ""
        if isinstance(term, str):
            rows = reaching(body.facts.assignments, term, at)
            found = (self._queried(body, r.value, r.start, depth + 1) for r in rows)
            return next(filter(None, found), "")
        inner = inner_terms(term)
        if isinstance(term, list) and term and term[0] == "c":
            row = body.unit.facts.calls[term[1]]
            if last_name(row.callee) in _ASKING and row.arguments:
                named = self._mapped(body, row.arguments[0])
                if named:
                    return named
            inner = [receiver_of(row.callee), *row.arguments]
            below = self._given_back(self.callee(body, row), depth)
            if below:
                return below
        found = (self._queried(body, t, at, depth + 1) for t in inner)
        return next(filter(None, found), "")

    def _given_back(self, callee: Symbol | None, depth: int) -> str:
        """The mapped class of the row that a function of ours gives back."""
        below = self.body(callee) if callee is not None and is_function(callee) else None
        terms = zip(below.facts.values, below.facts.returned, strict=False) if below else ()
        found = (self._queried(below, t, at, depth + 2) for t, at in terms if below is not None)
        return next(filter(None, found), "")

    def _mapped(self, body: Body, term: Term) -> str:
        if not isinstance(term, str):
            return ""
        names = self.relations.evaluator.names
        dotted = names.dotted(body.unit, body.function.scope, term)
        return dotted if dotted in self.tables else ""

    # -- limits -------------------------------------------------------------------------------

    def _limits(self, body: Body, held: Held, at: int) -> tuple[str, ...]:
        tokens = list(self.limits.on(body, held, at))
        for start, end, other, token in self._checks(body):
            inside = any(b.start <= start <= b.end and not b.start <= at <= b.end
                         for b in body.facts.branches)  # fmt: skip
            if end <= at and same_part(held, other) and not inside:
                tokens.append(token)
        return tuple(dict.fromkeys(tokens))

    def _checks(self, body: Body) -> list[tuple[int, int, Held, str]]:
        """What calls of a body limit by raising, with the bytes of the call."""
        if body.function not in self._checked:
            self._checked[body.function] = []
            self._checked[body.function] = [
                (row.start, row.end, held, token)
                for _, row in self.queries.rows(body.function)
                for held, token in self._check(body, row)
            ]
        return self._checked[body.function]

    def _check(self, body: Body, row: CallFact) -> Iterator[tuple[Held, str]]:
        yield from self.limits.checks(body, row, row.start)
        callee = self.callee(body, row)
        if callee is None or not is_function(callee):
            return
        given = Given(callee, row, Here(body, row.start, {}))
        for demanded, token in self._demanded(callee):
            yield from ((held, token) for held in parts.substituted(demanded, given))
        if row.end in body.facts.dropped and callee.unit is not None:
            facts = callee.unit.scopes[callee.scope]
            for parameter in facts.parameters if facts.raises else ():
                yield from ((held, f"?{facts.name}") for held in given(parameter.name))

    def _demanded(self, function: Symbol) -> Proved:
        """What a function has proved of its parameters when it returns."""
        if function not in self._demands:
            self._demands[function] = []
            body = self.body(function)
            if body is not None:
                self._demands[function] = self.limits.demanded(body)
        return self._demands[function]


def _each_once(found: Iterable[Arrival]) -> tuple[Arrival, ...]:
    """Arrivals that differ in more than the calls between the first and the last.

    There are as many ways through functions that call each other as their calls multiply.
    """
    told: dict[tuple[object, ...], Arrival] = {}
    for arrival in found:
        told.setdefault((*arrival[:-1], arrival.spans[0], arrival.spans[-1]), arrival)
    return tuple(told.values())


def _returns(body: Body) -> Iterator[tuple[StopFact, Term]]:
    """Each ``return`` statement with the term that it gives."""
    stops = {stop.start: stop for stop in body.facts.stops if stop.kind == "return"}
    for start, term in zip(body.facts.returned, body.facts.values, strict=False):
        if start in stops:
            yield stops[start], term
