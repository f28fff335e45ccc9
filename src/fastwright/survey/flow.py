"""Values of requests that reach places where they can do harm.

Each function has a summary: which of its parameters reach a sink in its own text, and which are
handed on to parameters of other functions. Summaries are made once; flows are paths over them.
Assignments are followed without regard to their order, so a path is possible, not certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import Parameter, Route
from fastwright.model.code import Flow
from fastwright.model.places import Span
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import CallFact, Term, inner_terms
from fastwright.survey.names import Symbol
from fastwright.survey.queries import Queries
from fastwright.survey.relations import Relations
from fastwright.survey.wiring import last_name

_SINKS = MappingProxyType({
    "sqlalchemy.text": 1, "sqlalchemy.sql.text": 1, "sqlalchemy.sql.expression.text": 1,
    "sqlmodel.text": 1, "os.system": 1, "os.popen": 1, "subprocess.run": 1, "subprocess.call": 1,
    "subprocess.Popen": 1, "subprocess.check_output": 1, "subprocess.check_call": 1,
    "asyncio.create_subprocess_shell": 1, "asyncio.create_subprocess_exec": 9,
    "builtins.eval": 1, "builtins.exec": 1, "builtins.open": 1, "pathlib.Path": 9,
    "fastapi.responses.FileResponse": 1, "starlette.responses.FileResponse": 1,
    "fastapi.responses.RedirectResponse": 1, "starlette.responses.RedirectResponse": 1,
    "fastapi.responses.HTMLResponse": 1, "starlette.responses.HTMLResponse": 1,
    "httpx.get": 1, "httpx.post": 1, "requests.get": 1, "requests.post": 1,
    "urllib.request.urlopen": 1, "pickle.loads": 1, "yaml.load": 1, "jinja2.Template": 1,
})  # fmt: skip
_STATEMENT_SINKS = frozenset({"execute", "fetch", "fetchrow", "fetchval", "fetch_all", "fetch_one",
                              "fetch_val", "executescript"})  # fmt: skip
_LIMITING = frozenset({"int", "float", "bool", "UUID", "datetime", "date", "Decimal", "Literal"})
_CLEANING = frozenset({"int", "float", "UUID", "bool", "quote", "quote_plus", "escape", "basename",
                       "secure_filename"})  # fmt: skip
_SOURCES = frozenset({"query", "path", "header", "cookie", "body", "form", "file"})
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Reach:
    """A parameter of a function arrives in a call: a sink, or a parameter of ours.

    `onward` is the parameter of `callee` that gets it; empty for a sink.
    """

    parameter: str
    sink: str
    span: Span
    callee: Symbol | None = None
    onward: str = ""
    cleaned: tuple[str, ...] = ()


class Flows:
    """Makes summaries of functions and follows request values over them."""

    def __init__(self, queries: Queries, relations: Relations) -> None:
        self.queries = queries
        self.relations = relations
        self._summaries: dict[Symbol, tuple[Reach, ...]] = {}

    def of_route(self, route: Route, handler: Symbol) -> Iterator[Flow]:
        """Every way of a value of the request to `route` into a sink."""
        for parameter in route.parameters:
            if parameter.source in _SOURCES:
                source = f"{route} {parameter.source} `{parameter.name}`"
                limits = _limits(parameter)
                for sink, path, cleaned in self._follow(handler, parameter.name, 0):
                    yield Flow(source, sink, path, (*limits, *cleaned))

    def _follow(
        self, function: Symbol, parameter: str, depth: int
    ) -> Iterator[tuple[str, tuple[Span, ...], tuple[str, ...]]]:
        for reach in self.summary(function):
            if reach.parameter != parameter:
                continue
            if reach.callee is None:
                yield reach.sink, (reach.span,), reach.cleaned
            elif depth < _DEEPEST:
                for sink, path, cleaned in self._follow(reach.callee, reach.onward, depth + 1):
                    yield sink, (reach.span, *path), (*reach.cleaned, *cleaned)

    def summary(self, function: Symbol) -> tuple[Reach, ...]:
        """Where the parameters of one function arrive."""
        if function not in self._summaries:
            self._summaries[function] = ()
            self._summaries[function] = tuple(self._read(function))
        return self._summaries[function]

    def _read(self, function: Symbol) -> Iterator[Reach]:
        unit = function.unit
        if unit is None:
            return
        carried = _carried(unit, function.scope)
        for _, row in self.queries.rows(function):
            callee = self.relations.callee(unit, row)
            span = Span(unit.path, row.start, row.end)
            sink, count = _sink(callee, row)
            if sink:
                for name, cleaned in _names(row.arguments[:count], unit, carried):
                    yield Reach(name, sink, span, cleaned=cleaned)
            elif callee is not None and callee.kind == "scope" and callee.unit is not None:
                yield from _handed_on(callee, row, unit, carried)


def _sink(callee: Symbol | None, row: CallFact) -> tuple[str, int]:
    """The sink that a call is, and how many of its first arguments matter."""
    dotted = callee.dotted() if callee is not None and callee.kind == "external" else ""
    if dotted in _SINKS:
        return dotted, _SINKS[dotted]
    name = last_name(row.callee)
    text = (
        bool(row.arguments) and isinstance(row.arguments[0], list) and row.arguments[0][0] in "fb"
    )
    return (f"{name} of SQL text", 1) if name in _STATEMENT_SINKS and text else ("", 0)


def _handed_on(
    callee: Symbol, row: CallFact, unit: Unit, carried: dict[str, set[str]]
) -> Iterator[Reach]:
    assert callee.unit is not None
    facts = callee.unit.scopes[callee.scope]
    place = [p.name for p in facts.parameters if p.kind == "" and p.name not in ("self", "cls")]
    given = [*zip(place, row.arguments, strict=False), *row.keywords]
    span = Span(unit.path, row.start, row.end)
    for onward, term in given:
        for name, cleaned in _names([term], unit, carried):
            yield Reach(name, "", span, callee, onward, cleaned)


def _carried(unit: Unit, scope: int) -> dict[str, set[str]]:
    """Which parameters each local name of a function carries."""
    facts = unit.scopes[scope]
    carried = {p.name: {p.name} for p in facts.parameters if p.name not in ("self", "cls")}
    for _ in range(3):
        for row in facts.assignments:
            held = {name for name, _ in _names([row.value], unit, carried)}
            for target in _targets(row.target):
                carried.setdefault(target, set()).update(held)
    return carried


def _targets(target: object) -> Iterator[str]:
    if isinstance(target, str) and target.isidentifier():
        yield target
    elif isinstance(target, list):
        for item in target:
            yield from _targets(item)


def _names(
    terms: Iterable[Term], unit: Unit, carried: dict[str, set[str]], cleaned: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The parameters that occur in `terms`, each with what cleans it on the way."""
    for term in terms:
        if isinstance(term, str):
            yield from ((name, cleaned) for name in sorted(carried.get(term.partition(".")[0], ())))
        elif isinstance(term, list) and term:
            if term[0] == "c":
                row = unit.facts.calls[term[1]]
                name = last_name(row.callee)
                inner = (*cleaned, name) if name in _CLEANING else cleaned
                values = [row.callee, *row.arguments, *(t for _, t in row.keywords)]
                yield from _names(values, unit, carried, inner)
            else:
                yield from _names(inner_terms(term), unit, carried, cleaned)


def _limits(parameter: Parameter) -> tuple[str, ...]:
    written = parameter.annotation or ""
    kinds = [kind for kind in sorted(_LIMITING) if kind in written]
    limits = [
        k for k, _ in parameter.constraints if k in ("pattern", "regex", "max_length", "le", "lt")
    ]
    return (*kinds, *limits)
