"""Registrations, followed from each application down its routers, as routes with full paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.model.app import Application, Dependency, Inclusion, Parameter, Place, Route
from fastwright.model.places import Span
from fastwright.survey.applications import router_name, strings
from fastwright.survey.dependencies import Dependencies, is_depends
from fastwright.survey.facts import Term
from fastwright.survey.names import Symbol
from fastwright.survey.terms_text import render
from fastwright.survey.values import (
    UNKNOWN_TEXT,
    Bound,
    Const,
    Frame,
    Made,
    Ref,
    Seq,
    Value,
    Values,
    as_seen,
    text_of,
)
from fastwright.survey.wiring import VERBS, Registration, Wiring

_MOUNTS = frozenset({"mount"})


@dataclass(frozen=True, slots=True)
class Way:
    """What was collected on the way from the application to a router."""

    app: Made
    prefix: str = ""
    tags: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    conditions: tuple[str, ...] = ()
    in_schema: bool = True


class Routes:
    """Follows registrations of a `Wiring` and keeps what it meets."""

    def __init__(self, wiring: Wiring, dependencies: Dependencies) -> None:
        self.wiring = wiring
        self.evaluator = wiring.evaluator
        self.dependencies = dependencies
        self.reached: set[Made] = set()
        self.inclusions: dict[tuple[Span, str], Inclusion] = {}
        self.mounted: dict[Made, str] = {}

    def of_app(self, app: Made, name: str) -> list[Route]:
        """Every route that `app` serves, mounted applications' included, as written in `name`.

        Of one handler on one path the first answers: instances of a class that we tell apart by
        their class alone share a router, which is then included once for each.
        """
        way = Way(
            app, dependencies=self._dependencies(self.wiring.option(app, "dependencies"), Place.APP)
        )
        found: dict[tuple[str, str, str, str | None], Route] = {}
        for route in self._below(app, way, ()):
            key = (route.method, route.path, route.handler, route.condition)
            found.setdefault(key, replace(route, app=name))
        return list(found.values())

    def unreachable(self) -> list[Route]:
        """Routes on routers that no application includes."""
        found: dict[tuple[str, str, str], Route] = {}
        for made in list(self.wiring.on):
            if made not in self.reached and self.wiring.family(made.of) == "router":
                for route in self._below(made, Way(made), ()):
                    key = (route.method, route.path, route.handler)
                    found.setdefault(key, replace(route, reachable=False))
        return list(found.values())

    def _below(self, made: Made, way: Way, above: tuple[Made, ...]) -> Iterator[Route]:
        if made in above or len(above) > 12:
            return
        self.reached.update(as_seen(made))
        way = self._entered(made, way)
        for registration in self.wiring.registered(made):
            yield from self._registered(registration, way, (*above, made))

    def _entered(self, made: Made, way: Way) -> Way:
        if self.wiring.family(made.of) == "app":
            return way
        option = self.wiring.option
        hidden = any(v == Const.of(False) for v in option(made, "include_in_schema"))
        given = (*option(made, "dependencies"), *self._set_later(made, "dependencies"))
        own = self._dependencies(given, Place.ROUTER)
        return replace(
            way, prefix=way.prefix + self._text(option(made, "prefix")),
            tags=(*way.tags, *strings(option(made, "tags"))),
            dependencies=(*way.dependencies, *own), in_schema=way.in_schema and not hidden,
        )  # fmt: skip

    def _set_later(self, made: Made, name: str) -> Iterator[Value]:
        """What an attribute of a router is set to where it was made: ``router.name = [...]``."""
        if made.unit is None or made.call < 0:
            return
        scope = made.unit.facts.calls[made.call].scope
        rows = made.unit.scopes[scope].assignments
        called = {str(row.target) for row in rows if row.value == ["c", made.call]}
        for row in rows:
            if isinstance(row.target, str) and row.target in {f"{one}.{name}" for one in called}:
                frame = Frame(made.unit, scope, made.env, row.start)
                yield from self.wiring.evaluator.values(row.value, frame)

    def _text(self, values: Values) -> str:
        """A path part; ``{?}`` where something was given that is not known."""
        given = [v for v in values if v != Const.of(None)]
        if not given:
            return ""
        found = text_of(tuple(given))
        return UNKNOWN_TEXT if found is None else found

    def _registered(self, reg: Registration, way: Way, above: tuple[Made, ...]) -> Iterator[Route]:
        if reg.verb in ("include_router", "mount", "include_routers"):
            yield from self._included(reg, way, above)
        elif reg.verb in VERBS or reg.verb in _ROUTES:
            yield from self._routes(reg, way)

    # -- inclusion --------------------------------------------------------------------------

    def _included(self, reg: Registration, way: Way, above: tuple[Made, ...]) -> Iterator[Route]:
        mounts = reg.verb == "mount"
        keyword = self.wiring.keyword
        given = keyword(reg.row, "app" if mounts else "router", reg.frame, 1 if mounts else 0)
        prefix = self._text(
            keyword(reg.row, "path" if mounts else "prefix", reg.frame, 0 if mounts else -1)
        )
        routers = [v for v in given if isinstance(v, Made) and self.wiring.family(v.of)]
        if not routers and not mounts:
            self._not_followed(reg, given)
        for made in routers:
            self._note(reg, made, prefix, mounts=mounts)
            below = self._through(reg, way, prefix, mounts=mounts)
            if mounts:
                self.mounted[made] = below.prefix
            yield from self._below(made, below, above)

    def _not_followed(self, reg: Registration, given: Values) -> None:
        why = next((getattr(v, "why", None) for v in given if getattr(v, "why", None)), None)
        foreign = next((v for v in given if isinstance(v, Made)), None)
        if foreign is not None:
            is_ours = foreign.of.kind != "external"
            why = f"`{foreign.of.dotted()}` is " + ("no router" if is_ours else "another package's")
        self.wiring.lost.append(
            (reg.frame.unit, reg.row, why or "the router could not be followed")
        )

    def _through(self, reg: Registration, way: Way, prefix: str, *, mounts: bool) -> Way:
        path = (way.prefix + prefix).rstrip("/") if mounts else way.prefix + prefix
        if mounts:
            return Way(way.app, path, conditions=self._conditions(reg, way), in_schema=False)
        keyword = self.wiring.keyword
        own = self._dependencies(keyword(reg.row, "dependencies", reg.frame), Place.INCLUSION)
        hidden = any(v == Const.of(False) for v in keyword(reg.row, "include_in_schema", reg.frame))
        return replace(
            way, prefix=path, tags=(*way.tags, *strings(keyword(reg.row, "tags", reg.frame))),
            dependencies=(*way.dependencies, *own), conditions=self._conditions(reg, way),
            in_schema=way.in_schema and not hidden,
        )  # fmt: skip

    def _conditions(self, reg: Registration, way: Way) -> tuple[str, ...]:
        condition = reg.frame.unit.condition(reg.row.condition)
        return (*way.conditions, condition) if condition else way.conditions

    def _note(self, reg: Registration, made: Made, prefix: str, *, mounts: bool) -> None:
        unit, row = reg.frame.unit, reg.row
        span = Span(unit.path, row.start, row.end)
        terms = [t for k, t in row.keywords if k == "prefix"] or (
            row.arguments[:1] if mounts else []
        )
        inside = unit.scopes[row.scope]
        inclusion = Inclusion(
            router_name(made), router_name(reg.on), span, prefix or None,
            render(terms[0], unit) if terms else None,
            strings(self.wiring.keyword(row, "tags", reg.frame)),
            unit.dotted(row.scope) if inside.kind == "f" else None,
            unit.condition(row.condition), mounts,
        )  # fmt: skip
        self.inclusions.setdefault((span, inclusion.router), inclusion)

    def _dependencies(self, values: Values, place: Place) -> tuple[Dependency, ...]:
        found: list[Dependency] = []
        for value in values:
            for item in value.items if isinstance(value, Seq) else ():
                made = next((v for v in item if isinstance(v, Made) and is_depends(v)), None)
                node = self.dependencies.node(made, place) if made else None
                found += [node] if node else []
        return tuple(found)

    # -- routes -----------------------------------------------------------------------------

    def _routes(self, reg: Registration, way: Way) -> Iterator[Route]:
        handler = self._endpoint(reg)
        if handler is None:
            self.wiring.lost.append((reg.frame.unit, reg.row, "the handler could not be followed"))
            return
        paths = self.wiring.keyword(reg.row, "path", reg.frame, 0)
        path = way.prefix + self._text(paths) if paths else way.prefix + UNKNOWN_TEXT
        made = self._route(reg, way, handler, path)
        for method in self._methods(reg):
            yield replace(made, method=method)

    def _endpoint(self, reg: Registration) -> Symbol | None:
        if reg.function is not None:
            return reg.function
        for value in self.wiring.keyword(reg.row, "endpoint", reg.frame, 1):
            if isinstance(value, Ref):
                return value.symbol
            if isinstance(value, Bound):
                return value.function
        return None

    def _methods(self, reg: Registration) -> tuple[str, ...]:
        if reg.verb in VERBS:
            return (reg.verb.upper(),)
        if "websocket" in reg.verb:
            return ("WEBSOCKET",)
        methods = strings(self.wiring.keyword(reg.row, "methods", reg.frame))
        return tuple(m.upper() for m in methods) or ("GET",)

    def _route(self, reg: Registration, way: Way, handler: Symbol, path: str) -> Route:
        unit = handler.unit
        facts = unit.scopes[handler.scope] if unit is not None and handler.kind == "scope" else None
        signature = self.dependencies.signature(handler)
        parameters = tuple(_in_path(p, path) for p in signature.parameters)
        keyword = self.wiring.keyword
        own = self._dependencies(keyword(reg.row, "dependencies", reg.frame), Place.DECORATOR)
        plain = "api_route" not in reg.verb and reg.verb in _ROUTES and "route" in reg.verb
        hidden = any(v == Const.of(False) for v in keyword(reg.row, "include_in_schema", reg.frame))
        return Route(
            "", path or "/", handler.dotted(),
            Span(unit.path, facts.start, facts.end) if unit is not None and facts else None,
            parameters,
            (*way.dependencies, *own, *self._of_class(handler), *signature.dependencies),
            body_model=self._body(handler, parameters),
            response_model=self._response(reg, handler),
            status_code=self._status(reg),
            is_async=facts.is_async if facts else None,
            tags=tuple(dict.fromkeys((*way.tags, *strings(keyword(reg.row, "tags", reg.frame))))),
            in_schema=way.in_schema and not hidden and not plain,
            router=router_name(reg.on),
            condition=" and ".join(self._conditions(reg, way)) or None,
        )  # fmt: skip

    def _of_class(self, handler: Symbol) -> tuple[Dependency, ...]:
        unit = handler.unit
        if unit is None or handler.kind != "scope":
            return ()
        owner = unit.scopes[handler.scope].up
        if owner < 0 or unit.scopes[owner].kind != "c":
            return ()
        return self.dependencies.fields(Symbol("scope", unit, owner))

    def _status(self, reg: Registration) -> int | None:
        for value in self.wiring.keyword(reg.row, "status_code", reg.frame):
            if isinstance(value, Const) and isinstance(value.value, int):
                return value.value
            if isinstance(value, Ref):
                digits = [
                    w for w in value.symbol.dotted().rpartition(".")[2].split("_") if w.isdigit()
                ]
                return int(digits[0]) if digits else None
        return None

    def _response(self, reg: Registration, handler: Symbol) -> str | None:
        for key, term in reg.row.keywords:
            if key == "response_model":
                return self._type(term, reg.frame)
        handed = self.wiring.keyword(reg.row, "response_model", reg.frame)
        if handed:
            return next((v.symbol.dotted() for v in handed if isinstance(v, Ref)), None)
        unit = handler.unit
        if unit is None or handler.kind != "scope":
            return None
        facts = unit.scopes[handler.scope]
        return self._type(facts.returns, Frame(unit, facts.up, (), facts.start))

    def _type(self, term: Term, frame: Frame) -> str | None:
        """A type as written, names in it dotted."""
        if term is None or term == ["k", None]:
            return None
        if isinstance(term, str):
            return self.evaluator.names.dotted(frame.unit, frame.scope, term).removeprefix(
                "builtins."
            )
        if term[0] == "i":
            inner = ", ".join(self._type(item, frame) or "None" for item in term[2:])
            return f"{self._type(term[1], frame)}[{inner}]"
        if term[0] == "b" and term[1] == "|":
            return " | ".join(self._type(item, frame) or "None" for item in term[2:])
        return render(term, frame.unit)

    def _body(self, handler: Symbol, parameters: tuple[Parameter, ...]) -> str | None:
        names = {p.name for p in parameters if p.source == "body"}
        unit = handler.unit
        if unit is None or handler.kind != "scope" or not names:
            return None
        facts = unit.scopes[handler.scope]
        frame = Frame(unit, facts.up, (), facts.start)
        for row in facts.parameters:
            if row.name in names:
                annotation = self.dependencies.annotation(row.annotation, frame)
                return self._type(annotation.core, annotation.frame)
        return None


_ROUTES = frozenset({"api_route", "route", "websocket", "websocket_route", "add_api_route",
                     "add_route", "add_api_websocket_route", "add_websocket_route"})  # fmt: skip


def _in_path(parameter: Parameter, path: str) -> Parameter:
    named = f"{{{parameter.name}}}" in path or f"{{{parameter.name}:" in path
    if named and parameter.source not in ("dependency", "special"):
        return replace(parameter, source="path", required=True)
    return parameter


def finished(application: Application, prefix: str | None) -> Application:
    """`application` with the place where it is mounted."""
    return replace(application, mounted_at=prefix)
