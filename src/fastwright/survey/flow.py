"""Values of requests that reach places where they can do harm.

A flow begins at a parameter of a handler or of one of its dependencies, or at an attribute of the
request itself; it is followed through assignments, fields, dictionaries, text and calls
(`arrivals`), and what limits the value on its way is noted (`limits`, `declared`). A test counts
where it governs the place of use, or leaves before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import NamedTuple

from fastwright.model.app import Parameter, Route
from fastwright.model.code import Flow
from fastwright.survey.arrivals import Arrival, Arrivals
from fastwright.survey.declared import Declared, Types
from fastwright.survey.dependencies import Dependencies
from fastwright.survey.facts import ParameterFact
from fastwright.survey.held import EACH, KEY, VALUE, Held, Helds, taken
from fastwright.survey.limits import is_doubt, is_enough
from fastwright.survey.names import Symbol, is_class
from fastwright.survey.queries import Queries
from fastwright.survey.relations import Relations
from fastwright.survey.values import Frame

_SOURCES = frozenset({"query", "path", "header", "cookie", "body", "form", "file"})
_OF_REQUEST = MappingProxyType({
    "query_params": "query", "headers": "header", "cookies": "cookie", "path_params": "path",
    "json()": "body", "form()": "form", "body()": "body", "receive_text()": "body",
    "receive_json()": "body", "receive_bytes()": "body", "stream()": "body",
})  # fmt: skip
_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|(?<!_)token$|(access|refresh|reset|auth|api)_?(token|key)|"
    r"^(otp|pin|cvv|cvc|card_number|ssn)$|private_key|credit_card",
    re.IGNORECASE,
)
_PAGE = re.compile(r"\bresponse_class\s*=\s*(?:\w+\.)*HTMLResponse\b")
_DEEPEST = 6


class _Origin(NamedTuple):
    """A value of the request: where the route takes it from, its name, and what is declared."""

    place: str
    name: str
    passed: tuple[str, ...]
    declared: Declared


class Flows:
    """Follows values of requests over the summaries of functions."""

    def __init__(
        self, queries: Queries, relations: Relations, dependencies: Dependencies
    ) -> None:  # fmt: skip
        self.arrivals = Arrivals(queries, relations, queries.mapped)
        self.dependencies = dependencies
        self.types = Types(dependencies)
        self._places = _places(relations)

    def of_route(self, route: Route, handler: Symbol) -> Iterator[Flow]:
        """Every way of a value of the request to `route` into a sink."""
        yield from self._of_function(route, handler)
        if self._is_page(handler):
            yield from self._from(route, handler, self.arrivals.shown(handler))
        yield from self._answered(handler)
        for node in route.every_dependency():
            function = self._called(node.call)
            if function is not None and not is_class(function):
                yield from self._of_function(route, function)

    def of_process(self) -> Iterator[Flow]:
        """What is no parameter (caught, environment, settings), into answers and logs.

        Functions that answer for an exception are read, and all that were read so far.
        """
        for function in self.arrivals.ambience.answering():
            yield from self._answered(function)
            self.arrivals.of(function)
        for function in self.arrivals.summarised():
            yield from (_of_process(function, a) for a in self.arrivals.of(function)
                        if a.root.startswith("<"))  # fmt: skip

    def _answered(self, function: Symbol) -> Iterator[Flow]:
        yield from (_of_process(function, a) for a in self.arrivals.answered(function))

    def _of_function(self, route: Route, function: Symbol) -> Iterator[Flow]:
        yield from self._from(route, function, self.arrivals.of(function))

    def _is_page(self, handler: Symbol) -> bool:
        """Whether a decorator says that what a handler returns is HTML."""
        unit = handler.unit
        rows = unit.scopes[handler.scope].decorators if unit is not None else ()
        return unit is not None and any(_PAGE.search(unit.text((a, b))) for _, a, b in rows)

    def _from(
        self, route: Route, function: Symbol, arrivals: Iterable[Arrival]
    ) -> Iterator[Flow]:  # fmt: skip
        for arrival in arrivals:
            held = Held(arrival.root, arrival.path, (), arrival.passed, arrival.lead)
            for origin in self._origins(route, function, held, 0):
                flow = _flow(route, arrival, origin)
                if flow is not None:
                    yield flow

    def _origins(
        self, route: Route, function: Symbol, held: Held, depth: int
    ) -> Iterator[_Origin]:  # fmt: skip
        """The values of the request that a value of a handler or dependency is."""
        unit = function.unit
        facts = unit.scopes[function.scope] if unit is not None else None
        row = next((p for p in facts.parameters if p.name == held.root), None) if facts else None
        if row is None or facts is None or unit is None or depth > _DEEPEST:
            return
        parameter = self._parameter(function, row, route)
        source = parameter.source if parameter is not None else None
        frame = Frame(unit, facts.up, (), facts.start)
        if source in _SOURCES:
            declared = self.types.of(row, frame, held.path)
            name = written((held.root, *held.path))
            yield _Origin(str(source), name, held.passed, declared)
        elif source == "special" and held.path and held.path[0] in _OF_REQUEST:
            name = written((held.root, *held.path))
            yield _Origin(_OF_REQUEST[held.path[0]], name, held.passed, Declared())
        elif source == "dependency":
            yield from self._of_dependency(route, function, row, held, depth)

    def _of_dependency(
        self, route: Route, function: Symbol, row: ParameterFact, held: Held, depth: int
    ) -> Iterator[_Origin]:  # fmt: skip
        below = self._fills(function, row)
        if below is None:
            yield from self._of_form(function, row, held)
            return
        for result in self._results(below):
            values: Helds = (result,)
            for name in held.path:
                values = taken(values, name)
            for value in values:
                constructor = self.arrivals.made(below)[0] if is_class(below) else below
                if constructor is not None:
                    yield from self._origins(
                        route, constructor, value.through(*held.passed), depth + 1
                    )

    def _of_form(self, function: Symbol, row: ParameterFact, held: Held) -> Iterator[_Origin]:
        """Fields of the form that FastAPI itself reads for a login."""
        signature = self.dependencies.signature(function)
        node = next((d for d in signature.dependencies if d.name == row.name), None)
        if node is not None and "OAuth2PasswordRequestForm" in node.call and held.path:
            name = written((held.root, *held.path))
            yield _Origin("form", name, held.passed, Declared(("str",)))

    def _results(self, below: Symbol) -> tuple[Held, ...]:
        return self.arrivals.made(below)[1] if is_class(below) else self.arrivals.returned(below)

    def _fills(self, function: Symbol, row: ParameterFact) -> Symbol | None:
        """The function or class of ours whose result a parameter gets."""
        signature = self.dependencies.signature(function)
        node = next((d for d in signature.dependencies if d.name == row.name), None)
        return self._called(node.call) if node is not None else None

    def _called(self, dotted: str) -> Symbol | None:
        return self._places.get(dotted)

    def _parameter(self, function: Symbol, row: ParameterFact, route: Route) -> Parameter | None:
        signature = self.dependencies.signature(function)
        found = next((p for p in signature.parameters if p.name == row.name), None)
        in_path = f"{{{row.name}}}" in route.path or f"{{{row.name}:" in route.path
        if found is not None and in_path and found.source not in ("dependency", "special"):
            return Parameter(found.name, found.annotation, found.default, "path")
        return found


def _places(relations: Relations) -> dict[str, Symbol]:
    """Every function and class of the project by its dotted name."""
    return {
        unit.dotted(index): Symbol("scope", unit, index)
        for unit in relations.evaluator.codebase.units
        for index, scope in enumerate(unit.scopes)
        if scope.kind != "m"
    }


def _of_process(function: Symbol, arrival: Arrival) -> Flow:
    place = arrival.root.strip("<>")
    first, rest = (*arrival.path, "")[0], arrival.path[1:]
    name = written(("", *arrival.path)).strip(".") if place == "environment" else ""
    return Flow(
        f"{place} `{first or name}`" if first or name else f"the {place}",
        arrival.sink, arrival.spans,
        tuple(t for t in arrival.passed if is_enough(t, arrival.kind)),
        tuple(t.lstrip("?") for t in arrival.passed if t.startswith("?")), arrival.kind, "",
        function.dotted(), place, name or ".".join(rest), arrival.lead, first,
    )  # fmt: skip


def _flow(route: Route, arrival: Arrival, origin: _Origin) -> Flow | None:
    tokens = [*origin.passed, *origin.declared.tokens]
    behind = arrival.kind == "url" and bool(arrival.lead)
    if origin.place == "path" and f"{{{origin.name}}}" in route.path and not behind:
        tokens.append("segment")
    if arrival.kind == "log" and not _is_secret(origin):
        return None
    if arrival.kind == "read" and origin.place != "file":
        return None
    if arrival.kind == "path" and origin.place == "file" and "filename" not in origin.name:
        return None  # the content of an upload is no path
    kind = arrival.kind
    model = origin.declared.model
    return Flow(
        f"{route} {origin.place} `{origin.name}`", arrival.sink, arrival.spans,
        tuple(dict.fromkeys(t for t in tokens if is_enough(t, kind))),
        tuple(dict.fromkeys(t.lstrip("?") for t in tokens if is_doubt(t, kind))),
        kind, str(route), route.handler, origin.place, origin.name,
        arrival.lead, arrival.into, origin.declared.names,
        model.dotted() if model is not None else None,
    )  # fmt: skip


def _is_secret(origin: _Origin) -> bool:
    model = origin.declared.model
    if model is not None and model.unit is not None:
        rows = model.unit.scopes[model.scope].assignments
        return any(isinstance(r.target, str) and _SECRET.search(r.target) for r in rows)
    return bool(_SECRET.search(origin.name.rpartition(".")[2].strip("[]'\"")))


def written(path: tuple[str, ...]) -> str:
    """A path of attributes and keys as a person would write it."""
    head, *rest = path
    words = head
    for part in rest:
        if part in (EACH, KEY, VALUE) or part.startswith("["):
            words += "[…]" if part in (EACH, VALUE) else ".keys()" if part == KEY else part
        else:
            words += f".{part}" if part.isidentifier() or part.endswith("()") else f"[{part!r}]"
    return words
