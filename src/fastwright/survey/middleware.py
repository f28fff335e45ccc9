"""Middleware of the chosen application, outermost first."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import Middleware
from fastwright.model.places import Span
from fastwright.survey.facts import CallFact
from fastwright.survey.terms_text import render
from fastwright.survey.values import Frame, Made, Ref, Seq, Value
from fastwright.survey.wiring import Registration, Wiring


def middleware(wiring: Wiring, app: Made) -> tuple[Middleware, ...]:
    """``add_middleware`` and ``@app.middleware``, last added first, then the constructor's list."""
    added = [m for reg in wiring.registered(app) for m in _added(wiring, reg)]
    return (*added[::-1], *_listed(wiring, app))


def _added(wiring: Wiring, reg: Registration) -> Iterator[Middleware]:
    span = Span(reg.frame.unit.path, reg.row.start, reg.row.end)
    if reg.verb == "middleware" and reg.function is not None and reg.function.unit is not None:
        facts = reg.function.unit.scopes[reg.function.scope]
        yield Middleware(
            reg.function.dotted(), (), Span(reg.function.unit.path, facts.start, facts.end)
        )
    elif reg.verb == "add_middleware":
        for value in wiring.keyword(reg.row, "middleware_class", reg.frame, 0):
            condition = reg.frame.unit.condition(reg.row.condition)
            options = _options(reg.row, reg.frame)
            yield Middleware(_name(value), options, span, condition=condition)


def _listed(wiring: Wiring, app: Made) -> Iterator[Middleware]:
    for value in wiring.option(app, "middleware"):
        for item in value.items if isinstance(value, Seq) else ():
            for made in item:
                if isinstance(made, Made) and made.unit is not None and made.call >= 0:
                    yield from _constructed(wiring, made)


def _constructed(wiring: Wiring, made: Made) -> Iterator[Middleware]:
    """``Middleware(CORSMiddleware, allow_origins=…)``."""
    unit = made.unit
    assert unit is not None
    row = unit.facts.calls[made.call]
    frame = Frame(unit, row.scope, made.env, row.start)
    for value in wiring.keyword(row, "cls", frame, 0)[:1]:
        yield Middleware(_name(value), _options(row, frame), Span(unit.path, row.start, row.end))


def _name(value: Value) -> str:
    if isinstance(value, Ref):
        return value.symbol.dotted()
    return value.of.dotted() if isinstance(value, Made) else "?"


def _options(row: CallFact, frame: Frame) -> tuple[tuple[str, str], ...]:
    skipped = ("middleware_class", "cls", "**")
    return tuple((k, render(t, frame.unit)) for k, t in row.keywords if k not in skipped)
