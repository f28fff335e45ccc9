"""The ASGI applications of a project: where each is made, and how a server would name it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.app import Application, Router
from fastwright.model.places import Span
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import CallFact
from fastwright.survey.names import Symbol
from fastwright.survey.values import Const, Frame, Made, Ref, text_of
from fastwright.survey.wiring import Wiring, is_test

Target = str | PurePosixPath | None
"""Which application is meant: ``module:name``, or one in that file or folder of the repository."""


def made_objects(wiring: Wiring, family: str) -> list[Made]:
    """Every application (``app``) or router (``router``) that the project makes."""
    found: dict[Made, None] = {}
    for name in sorted(wiring.class_names(family)):
        for unit, index in wiring.sites(name):
            found.update(dict.fromkeys(_made(wiring, unit, index, family)))
    order = {unit.path: place for place, unit in enumerate(wiring.codebase.units)}
    return sorted(found, key=lambda m: (order[m.unit.path] if m.unit else -1, m.call))


def _made(wiring: Wiring, unit: Unit, index: int, family: str) -> Iterator[Made]:
    row = unit.facts.calls[index]
    callee = wiring.evaluator.values(row.callee, Frame(unit, row.scope, (), row.start))
    if not any(isinstance(v, Ref) and wiring.family(v.symbol) == family for v in callee):
        return
    for env in wiring.contexts(unit, row.scope):
        for value in wiring.evaluator.call(index, Frame(unit, row.scope, env, row.start)):
            if isinstance(value, Made) and (value.unit, value.call) == (unit, index):
                yield value


def statement(unit: Unit, made: Made) -> tuple[Span, str]:
    """The statement that makes an object, and the local name that it gets."""
    row = unit.facts.calls[made.call]
    for assignment in unit.scopes[row.scope].assignments:
        if assignment.start <= row.start and row.end <= assignment.end:
            name = assignment.target if isinstance(assignment.target, str) else ""
            return Span(unit.path, assignment.start, assignment.end), name
    return Span(unit.path, row.start, row.end), ""


def routers(wiring: Wiring) -> tuple[Router, ...]:
    """Every router, once for each place that makes one."""
    found: dict[Span, Router] = {}
    for made in made_objects(wiring, "router"):
        if made.unit is None or is_test(made.unit):
            continue
        span, variable = statement(made.unit, made)
        name = router_name(made)
        prefix = text_of(wiring.option(made, "prefix"))
        tags = words(wiring, made, "tags")
        found.setdefault(span, Router(name, made.unit.path, span, variable, prefix, tags))
    return tuple(found.values())


def router_name(made: Made) -> str:
    """The dotted name of an object: its module or function, and its local name there."""
    if made.unit is None:
        return made.of.dotted()
    row = made.unit.facts.calls[made.call]
    _, variable = statement(made.unit, made)
    place = made.unit.dotted(row.scope)
    return f"{place}.{variable}" if variable else place


def words(wiring: Wiring, made: Made, option: str) -> tuple[str, ...]:
    """An option that is a list of strings."""
    return strings(wiring.option(made, option))


def strings(values: tuple[object, ...]) -> tuple[str, ...]:
    """The strings of a list that `values` stand for."""
    items = [i for v in values for i in getattr(v, "items", ())]
    found = [c.value for item in items for c in item if isinstance(c, Const)]
    return tuple(str(word) for word in found if word is not None)


def applications(wiring: Wiring) -> dict[Made, Application]:
    """Every application with what is known of it; those of tests only if there is no other."""
    made = made_objects(wiring, "app")
    serious = [m for m in made if m.unit is not None and not is_test(m.unit)]
    return {m: _application(wiring, m) for m in serious or made}


def _application(wiring: Wiring, made: Made) -> Application:
    unit = made.unit
    assert unit is not None
    row = unit.facts.calls[made.call]
    created, variable = statement(unit, made)
    target, factory, parameters = _target(wiring, made, unit, row, variable)
    lifespan = next((v for v in wiring.option(made, "lifespan") if isinstance(v, Ref)), None)
    return Application(
        target, unit.path, created, variable, factory,
        lifespan.symbol.dotted() if lifespan else None,
        text_of(wiring.option(made, "title")), None, parameters,
    )  # fmt: skip


def _target(
    wiring: Wiring, made: Made, unit: Unit, row: CallFact, variable: str
) -> tuple[str, bool, tuple[str, ...]]:
    if unit.scopes[row.scope].kind == "m":
        return f"{unit.name}:{variable}", False, ()
    named = next(_module_names(wiring, made, unit, row.scope), None)
    if named is not None:
        return named, False, ()
    factory = _factory(unit, row.scope)
    facts = unit.scopes[factory]
    required = tuple(p.name for p in facts.parameters if p.default is None and not p.kind)
    return f"{unit.name}:{facts.name}", True, required


def _factory(unit: Unit, scope: int) -> int:
    while unit.scopes[scope].kind != "f" and unit.scopes[scope].up > 0:
        scope = unit.scopes[scope].up
    return scope


def _module_names(wiring: Wiring, made: Made, unit: Unit, scope: int) -> Iterator[str]:
    """``module:name`` of module-level names that hold an application made in a function."""
    function = Symbol("scope", unit, _factory(unit, scope))
    waiting, seen = [function], {function}
    while waiting and len(seen) < 20:
        for caller, row, _ in wiring.callers(waiting.pop(0)):
            outer = caller.scopes[row.scope]
            if outer.kind == "f":
                symbol = Symbol("scope", caller, row.scope)
                if symbol not in seen and not is_test(caller):
                    seen.add(symbol)
                    waiting.append(symbol)
                continue
            yield from _held(wiring, made, caller, row)


def _held(wiring: Wiring, made: Made, caller: Unit, row: CallFact) -> Iterator[str]:
    if is_test(caller):
        return
    for assignment in caller.scopes[0].assignments:
        inside = assignment.start <= row.start and row.end <= assignment.end
        if inside and isinstance(assignment.target, str):
            values = wiring.evaluator.name(assignment.target, Frame(caller))
            if any(isinstance(v, Made) and _same_place(v, made) for v in values):
                yield f"{caller.name}:{assignment.target}"


def _same_place(one: Made, other: Made) -> bool:
    return (one.unit, one.call) == (other.unit, other.call)


def choose(
    found: dict[Made, Application], routes_of: dict[Made, tuple[int, int]], target: Target
) -> Made | None:
    """The application to speak of: the one asked for, else the one with the most routes.

    `routes_of` counts the routes of each whose whole path is known, and all of them.

    Of several with as many routes, or of one name, none is better than another: `None`.
    """
    if isinstance(target, str):
        wanted = target.replace("()", "")
        best = [m for m, a in found.items() if a.target == wanted]
    else:
        near = _near(found, target)
        rank = {m: (routes_of.get(m, (0, 0)), not found[m].mounted_at) for m in near}
        best = [made for made, own in rank.items() if own == max(rank.values())]
    places = {(found[made].path, found[made].target) for made in best}
    return best[0] if len(places) == 1 else None


def _near(found: dict[Made, Application], place: PurePosixPath | None) -> list[Made]:
    """Those that `place`, a file or folder, holds; all of them where it holds none."""
    inside = [m for m, a in found.items() if place is not None and a.path.is_relative_to(place)]
    return inside or list(found)
