"""Which local names of a function hold a row of a mapped class, for certain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.storage import Relationship, Table
from fastwright.survey.bindings import target_names
from fastwright.survey.classes import Classes
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import Assignment, Loop, ParameterFact, Scope, Term
from fastwright.survey.names import Symbol, is_function
from fastwright.survey.relations import Relations
from fastwright.survey.terms_text import render
from fastwright.survey.values import Frame

Row = tuple[str, int, Symbol]
"""A name, the offset from which it holds a row, and the class of the row."""
Model = Symbol | None
Value = Assignment | Loop | None

_LISTS = frozenset({"list", "List", "Sequence", "Iterable", "Collection"})

_GOT = re.compile(r"(?:await )?[\w.]+\.get\( ?([\w.]+) ?,.*\)")
_MADE_OF = re.compile(r"\b(?:select|query)\(\s*([\w.]+)\s*,?\s*\)")
_ASKS = re.compile(r"\b(?:select|query)\(")
_ASKED = re.compile(r"\b(?:select|query|execute|exec|scalars)\(")
_ASKED_ON = re.compile(
    rf"{_ASKED.pattern}|^[a-z_]\w*\.(?s:.)*\.(?:all|first|one|one_or_none)\(\s*\)$"
)
_NAMED = re.compile(r"(?<![\w.])([a-z_]\w*)(?=\.|\))|^[a-z_]\w*$")
_OTHERS = re.compile(
    r"add_columns?\(|with_only_columns|with_entities|mappings\(|union|tuples\(|add_entity|"
    r"from_statement|subquery\("
)
_OPENED = re.compile(r"\bscalars?\(|\.exec\(|\.query\(|\.scalar_one")
_ONE = re.compile(r"\.(?:scalar_one|scalar_one_or_none|scalar|first|one|one_or_none)\( ?\)$")
_AT_ONCE = re.compile(r"(?:await )?[\w.]+\.scalar\(")
_BY_KEY = re.compile(r"\.query\( ?[\w.]+ ?\)(?:\.options\([^()]*\))?\.get\([^()]*\)$")
_MANY = re.compile(r"\.all\( ?\)$|^(?:await )?[\w.]+\.scalars\(|\.scalars\( ?\)$")
_DEEPEST = 3


class Rows:
    """The names of functions that hold rows, and what relationships lead to."""

    def __init__(self, classes: Classes, relations: Relations, tables: Sequence[Table]) -> None:
        self._evaluator: Evaluator = classes.evaluator
        self._callee = relations.callee
        self._found: dict[tuple[int, int], tuple[Row, ...]] = {}
        mapped = {t.model: t for t in tables if t.model is not None and t.mapper != "core"}
        self.mapped = frozenset(mapped)
        self._plain = {name.rpartition(".")[2] for name in mapped}
        self._symbols = {c.name: s for s, c in classes.by_symbol.items() if c.name in mapped}
        self._known = frozenset(self._symbols.values())
        self._related = {
            (self._symbols[name], row.name): self._symbols.get(row.target or "")
            for name, table in mapped.items()
            if name in self._symbols
            for row in table.relationships
            if row.many is False or _leads_to_one(table, row, mapped)
        }

    def related(self, model: Symbol, name: str) -> Model:
        """The class of the one row that a relationship leads to."""
        return self._related.get((model, name))

    def of(self, unit: Unit, index: int) -> tuple[Row, ...]:
        """The names of one function that hold nothing but rows of one class."""
        key = (id(unit), index)
        if key not in self._found:
            self._found[key] = ()  # a function that gives what it calls itself for ends here
            self._found[key] = tuple(self._read(unit, index))
        return self._found[key]

    def _read(self, unit: Unit, index: int) -> Iterator[Row]:
        if unit.tests or not self.mapped:
            return
        scope = unit.scopes[index]
        bound = _bound(scope)
        for parameter in scope.parameters:
            model = self._injected(unit, scope.up, parameter)
            model = model or self._said(parameter.annotation, unit, scope.up)
            if model is not None and parameter.name not in bound and "*" not in parameter.kind:
                yield parameter.name, scope.body, model
        given = {parameter.name for parameter in scope.parameters}
        given |= {name for _, target in scope.contexts for name in target_names(target)}
        for name, values in bound.items():
            lasting = values[1:] if _is_opened(unit, name, [v for _, v in values]) else values
            found = {self._held(unit, index, value) for _, value in lasting}
            model = next(iter(found)) if len(found) == 1 and name not in given else None
            if model is not None:
                yield name, min(at for at, _ in lasting), model

    def is_injected(self, unit: Unit, index: int, name: str) -> bool:
        """True for a parameter that a dependency fills with a row, whatever its annotation says."""
        scope = unit.scopes[index]
        own = (p for p in scope.parameters if p.name == name)
        return any(self._injected(unit, scope.up, p) is not None for p in own)

    def _injected(self, unit: Unit, scope: int, parameter: ParameterFact) -> Model:
        """The class of the rows that the dependency in a parameter's default gives."""
        match parameter.default:
            case ["c", int(number)]:
                call = unit.facts.calls[number]
            case _:
                return None
        if str(call.callee).rpartition(".")[2] not in ("Depends", "Security") or not call.arguments:
            return None
        written = call.arguments[0]
        names = self._evaluator.names
        given = names.resolve(unit, scope, written) if isinstance(written, str) else None
        if given is None or given.unit is None or given.rest or not is_function(given):
            return None
        facts = given.unit.scopes[given.scope]
        held = {name: found for name, _, found in self.of(given.unit, given.scope)}
        terms = (term for term in facts.values if term != ["k", None])
        kinds = {held.get(term) if isinstance(term, str) else None for term in terms}
        return next(iter(kinds)) if len(kinds) == 1 and not facts.yields else None

    def _said(self, annotation: Term, unit: Unit, scope: int, *, many: bool = False) -> Model:
        """The one mapped class that an annotation names, or that it names a list of."""
        match annotation:
            case ["i", str(name), item] if many and name.rpartition(".")[2] in _LISTS:
                return self._said(item, unit, scope)
        words = set(re.findall(r"\w+", str(annotation))) if annotation is not None else set()
        if many or not words & self._plain:
            return None
        kinds = self._evaluator.classes_in(annotation, Frame(unit, scope))
        return kinds[0] if len(kinds) == 1 and kinds[0] in self._known else None

    def _held(self, unit: Unit, index: int, value: Value) -> Model:
        if isinstance(value, Loop):
            return self._each(unit, index, value.iterable)
        if value is None or value.value_span is None or not isinstance(value.target, str):
            return None
        return self._one(unit, index, value)

    def _returned(self, unit: Unit, term: Term, *, many: bool = False) -> Model:
        """The mapped class that a called function of ours says it gives, and asks for."""
        match term:
            case ["c", int(call)] | ["w", ["c", int(call)]]:
                callee = self._callee(unit, unit.facts.calls[call])
            case _:
                return None
        if callee is None or callee.unit is None or not is_function(callee):
            return None
        facts = callee.unit.scopes[callee.scope]
        model = self._said(facts.returns, callee.unit, facts.up, many=many)
        if model is None or not self._bears_out(callee.unit, callee.scope, model, many=many):
            return None
        return model

    def _bears_out(self, unit: Unit, index: int, model: Symbol, *, many: bool) -> bool:
        """True where a function asks for what its annotation says, or gives what another does."""
        facts = unit.scopes[index]
        asked = set(_MADE_OF.findall(unit.text((facts.body, facts.body_end))))
        if asked or many:
            return {self._row_class(unit, index, name) for name in asked} == {model}
        held = {name: found for name, _, found in self.of(unit, index)}
        given = [term for term in facts.values if term != ["k", None]]
        kinds = {held.get(t) if isinstance(t, str) else self._returned(unit, t) for t in given}
        return kinds == {model}

    def _one(self, unit: Unit, index: int, row: Assignment) -> Model:
        match row.value:
            case ["c", _] | ["w", ["c", _]]:
                said = self._returned(unit, row.value)
            case _:
                return None
        text = unit.text(row.value_span or ())
        ends = _ONE.search(text) or _BY_KEY.search(text) or _AT_ONCE.match(text)
        if said is not None or not (ends or ".get(" in text):
            return said
        text = self._whole(unit, index, text)
        got = _GOT.fullmatch(text)
        if got is not None and text.count(".get(") == 1:
            return self._row_class(unit, index, got[1])
        return self._asked(unit, index, text) if ends else None

    def _each(self, unit: Unit, index: int, iterable: Term) -> Model:
        term = iterable
        if isinstance(term, str):
            rows = [r for r in unit.scopes[index].assignments if r.target == term]
            term = rows[0].value if len(rows) == 1 else None
        said = self._returned(unit, term, many=True)
        if said is not None or not iterable:
            return said
        text = self._whole(unit, index, render(iterable, unit))
        return self._asked(unit, index, text) if _MANY.search(text) else None

    def _asked(self, unit: Unit, index: int, text: str) -> Model:
        """The class that the one statement in `text` gives whole rows of."""
        made = _MADE_OF.findall(text)
        if len(made) != 1 or len(_ASKS.findall(text)) != 1 or _OTHERS.search(text):
            return None
        return self._row_class(unit, index, made[0]) if _OPENED.search(text) else None

    def _row_class(self, unit: Unit, index: int, name: str) -> Model:
        symbol = self._evaluator.names.resolve(unit, index, name)
        return symbol if symbol in self._known else None

    def _whole(self, unit: Unit, index: int, written: str) -> str:
        """An expression with the local names in it that hold statements and results written out."""
        values: dict[str, list[str]] = {}
        for name, rows in _bound(unit.scopes[index]).items():
            values[name] = [_text(unit, row) for _, row in rows]
        text = written
        for _ in range(_DEEPEST):
            for name in {hit[0] for hit in _NAMED.finditer(text)}:
                given = _first_of(name, values.get(name, []))
                if len(given) == 1 and _ASKED_ON.search(given[0]):
                    parts = re.split(rf"(?<![\w.]){name}\b(?!\s*=)", text)
                    text = given[0].join(parts)
        return re.sub(r"\s+", " ", text).strip()


def _is_opened(unit: Unit, name: str, values: list[Value]) -> bool:
    """True for ``found = execute(…)`` that ``found = found.first()`` takes the place of."""
    return len(values) == 2 and _text(unit, values[1]).startswith(f"{name}.")


def _text(unit: Unit, value: Value) -> str:
    span = value.value_span if isinstance(value, Assignment) else None
    return unit.text(span) if span is not None else ""


def _first_of(name: str, values: list[str]) -> list[str]:
    """What a name is bound to, without what refines the very statement: ``q = q.where(…)``."""
    refining = [value for value in values if re.match(rf"{name}\s*\.", value)]
    first = [value for value in values if value not in refining]
    asks_else = any(_OTHERS.search(value) or _ASKS.search(value) for value in refining)
    return values if asks_else or len(first) != 1 else first


def _leads_to_one(table: Table, row: Relationship, mapped: Mapping[str, Table]) -> bool:
    """True where the keys alone say that a relationship leads to one row: one there, none back.

    SQLAlchemy decides by them where neither an annotation nor ``uselist`` says it.
    """
    there = mapped.get(row.target or "")
    if row.many is not None or row.through or there is None or there is table:
        return False
    to_there = [c for c in table.columns if (c.foreign_key or "").rpartition(".")[0] == there.name]
    back = [c for c in there.columns if (c.foreign_key or "").rpartition(".")[0] == table.name]
    return len(to_there) == 1 and not back


def _bound(scope: Scope) -> dict[str, list[tuple[int, Value]]]:
    """What each local name is bound to, and where; ``None`` for a part of something."""
    found: dict[str, list[tuple[int, Value]]] = {}
    for row in scope.assignments:
        for name in target_names(row.target):
            found.setdefault(name, []).append((row.end, row if row.target == name else None))
    for loop in scope.loops:
        for name in target_names(loop.target):
            found.setdefault(name, []).append((loop.start, loop if loop.target == name else None))
    return {name: rows for name, rows in found.items() if name.isidentifier()}
