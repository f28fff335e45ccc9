"""Classes that bodies are read into: pydantic models, dataclasses, typed dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fastwright.model.app import Field, Schema
from fastwright.model.places import Span
from fastwright.survey.classes import Class, Classes, annotated, called
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact, Scope, Term
from fastwright.survey.names import is_function
from fastwright.survey.terms_text import render
from fastwright.survey.values import Frame, Ref
from fastwright.survey.wiring import last_name

_MODELS = ("BaseModel", "SQLModel", "TypedDict", "GenericModel", "RootModel")
_SETTINGS = ("BaseSettings",)


def schemas(classes: Classes) -> tuple[Schema, ...]:
    """Every schema of the project; tables and settings are not schemas."""
    return tuple(_schema(classes, cls) for cls in classes.all if is_schema(classes, cls))


def is_schema(classes: Classes, cls: Class) -> bool:
    """Whether a class is read from or written to bodies."""
    if cls.inherits(*_SETTINGS) or classes.truth(classes.keyword(cls, "table")):
        return False
    if cls.inherits(*_MODELS):
        return True
    names = [called(term, cls.unit).rpartition(".")[2] for term, _, _ in cls.facts.decorators]
    return "dataclass" in names


def _schema(classes: Classes, cls: Class) -> Schema:
    fields: dict[str, Field] = {}
    config: dict[str, str] = {}
    for unit, facts, _ in classes.owners(cls):
        for name, row in annotated(facts.assignments):
            if name in ("model_config", "Config"):
                config.update(_config(row.value, unit))
            elif row.annotation is not None and not _is_class_variable(row):
                fields[name] = field(classes, name, row, unit)
        config.update(_inner_config(unit, facts.name))
    bases = tuple(s.dotted() for s in cls.lineage[1:])
    return Schema(cls.name, tuple(fields.values()), bases, tuple(config.items()), cls.span)


def _is_class_variable(row: Assignment) -> bool:
    return "ClassVar" in str(row.annotation) or str(row.target).startswith("__")


def _config(term: Term, unit: Unit) -> Iterator[tuple[str, str]]:
    match term:
        case ["c", int(index)]:
            yield from ((k, render(t, unit)) for k, t in unit.facts.calls[index].keywords)
        case ["d", *pairs]:
            yield from ((str(k[1]), render(v, unit)) for k, v in pairs if k and k[0] == "s")


def _inner_config(unit: Unit, name: str) -> Iterator[tuple[str, str]]:
    for scope in unit.scopes:
        if scope.kind == "c" and scope.name == f"{name}.Config":
            yield from ((n, render(r.value, unit)) for n, r in annotated(scope.assignments))


def field_call(row: Assignment, unit: Unit) -> CallFact | None:
    """The ``Field(…)`` of a declaration, as its value or inside ``Annotated``."""
    terms = [row.value]
    if isinstance(row.annotation, list) and row.annotation[0] == "i":
        terms += row.annotation[3:]
    for term in terms:
        if isinstance(term, list) and term[0] == "c":
            call = unit.facts.calls[term[1]]
            if str(call.callee).rpartition(".")[2] == "Field":
                return call
    return None


def field(classes: Classes, name: str, row: Assignment, unit: Unit) -> Field:
    """One declared field."""
    written = unit.text(row.annotation_span) if row.annotation_span else None
    span = Span(unit.path, row.start, row.end)
    call = field_call(row, unit)
    made_by = _made(classes, row, unit) if call is None else None
    if made_by is not None:
        default = made_by.default()
        return Field(name, written, default, default is None, _demands(*made_by.made), span)
    if call is None:
        default = render(row.value, unit) if row.value is not None else None
        return Field(name, written, default, row.value is None, (), span)
    default = _given_default(call, unit) or _after_annotated(row, unit)
    return Field(name, written, default, default is None, _demands(call, unit), span)


def _demands(call: CallFact, unit: Unit) -> tuple[tuple[str, str], ...]:
    """What a ``Field(…)`` demands of a value."""
    return tuple((k, render(t, unit)) for k, t in call.keywords if not k.startswith("default"))


class _Made(NamedTuple):
    """A function of ours that returns ``Field(…)``, and the call of it in a declaration."""

    facts: Scope
    made: tuple[CallFact, Unit]
    call: CallFact
    unit: Unit

    def default(self) -> str | None:
        """The default of the field: the helper's own, or what it is called with."""
        written = _given_default(*self.made)
        names = [p.name for p in self.facts.parameters]
        if written not in names:
            return written
        place = names.index(written)
        terms = [*self.call.arguments[place : place + 1],
                 *(t for k, t in self.call.keywords if k == written)]  # fmt: skip
        own = self.facts.parameters[place].default
        given = render(terms[0], self.unit) if terms else render(own, self.made[1])
        return None if given in _NO_DEFAULT else given


_NO_DEFAULT = ("...", "Ellipsis", "PydanticUndefined", "Undefined")


def _made(classes: Classes, row: Assignment, unit: Unit) -> _Made | None:
    """The helper that makes a field, where its one ``return`` is ``Field(…)``."""
    match row.value:
        case ["c", int(index)]:
            call = unit.facts.calls[index]
        case _:
            return None
    for value in classes.evaluator.values(call.callee, Frame(unit, 0, (), row.start)):
        symbol = value.symbol if isinstance(value, Ref) else None
        if symbol is None or symbol.unit is None or not is_function(symbol):
            continue
        facts, there = symbol.unit.scopes[symbol.scope], symbol.unit
        match facts.values:
            case [["c", int(made)]] if last_name(there.facts.calls[made].callee) == "Field":
                return _Made(facts, (there.facts.calls[made], there), call, unit)
    return None


def _given_default(call: CallFact, unit: Unit) -> str | None:
    terms = call.arguments[:1] or [t for k, t in call.keywords if k.startswith("default")]
    written = render(terms[0], unit) if terms else None
    return None if written in _NO_DEFAULT else written


def _after_annotated(row: Assignment, unit: Unit) -> str | None:
    if row.value is None or str(field_call_name(row, unit)) == "Field":
        return None
    return render(row.value, unit)


def field_call_name(row: Assignment, unit: Unit) -> str:
    """The plain name of what a declaration's value calls; empty for no call."""
    return called(row.value, unit).rpartition(".")[2] if isinstance(row.value, list) else ""
