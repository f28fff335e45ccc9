"""Calls that do not fit what they call: functions, classes and schemas of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from fastwright.model.app import Schema
from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.survey.absent import scope_at
from fastwright.survey.classes import Class, called
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact, ParameterFact, Scope, Term
from fastwright.survey.members import Members
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.relations import Relations
from fastwright.survey.values import Made

_PLAIN = frozenset({"staticmethod", "classmethod"})
_MODELS = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel"})
_FIRST = re.compile(r"model_validator\b.*\b(?:before|wrap)\b|root_validator|\balways\b", re.DOTALL)
"""A decorator below which a class may give itself what was not handed to it."""
_OBJECT = "`{}` is an object of `HTTPException`: no class that is called, or named by an `except`"
_MADE_OTHERWISE = ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "NamedTuple", "TypedDict",
                   "Protocol")  # fmt: skip
"""Classes above one whose call is no call of ``__init__``."""
_EXCEPTIONS = frozenset({"fastapi.HTTPException", "fastapi.exceptions.HTTPException",
                         "starlette.exceptions.HTTPException"})  # fmt: skip
_TASKS = frozenset({"celery.Celery.task", "celery.shared_task"})
"""Decorators of functions that can be called as before."""
_ANOTHER = frozenset({"bind", "base", "**"})
"""What has a task called with more than it is handed, or in another way."""


class _Call(NamedTuple):
    """One call, the function in which it stands, and what it calls."""

    unit: Unit
    row: CallFact
    callee: Symbol


class Misfits:
    """Finds such calls in one file after the other."""

    def __init__(
        self, relations: Relations, members: Members, schemas: Mapping[str, Schema], *, modern: bool
    ) -> None:
        self._relations = relations
        self._names = relations.evaluator.names
        self._members = members
        self._schemas = schemas
        self._modern = modern
        self._made_by: dict[Symbol, Schema | Scope | Class | None] = {}
        self._overridden = _overridden(members)
        self._objects = {row.target for unit in relations.evaluator.codebase.units
                         for row in unit.scopes[0].assignments if _is_made(row)}  # fmt: skip

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """The calls in the functions of a file that raise before what they call begins."""
        for row in unit.facts.calls:
            if unit.scopes[row.scope].kind != "f":
                continue
            error, why = "TypeError", self._of_object(unit, row)
            callee = self._relations.callee(unit, row) if not why else None
            if callee is not None and not _is_spread(row):
                error, why = self._why(_Call(unit, row, callee))
            if why and scope_at(unit, row.start) == row.scope:
                at = Span(unit.path, row.start, row.named)
                yield Mistake(unit.dotted(row.scope), at, error, why)
        yield from self._caught(unit)

    def _caught(self, unit: Unit) -> Iterator[Mistake]:
        """``except NotFound`` where ``NotFound = HTTPException(404)``: no exception can be it."""
        for index, scope in enumerate(unit.scopes):
            for row in scope.catches if scope.kind == "f" else ():
                terms = row.types[1:] if isinstance(row.types, list) else [row.types]
                for name in filter(partial(self._is_object, unit, index), terms):
                    start = unit.content.find(name.encode(), row.start, row.end)
                    at = Span(unit.path, start, start + len(name.encode()))
                    yield Mistake(unit.dotted(index), at, "TypeError", _OBJECT.format(name))

    def _why(self, call: _Call) -> tuple[str, str]:
        """The exception, and what is wrong; empty words where all is right."""
        if is_function(call.callee):
            return "TypeError", self._of_function(call)
        written = call.row.callee
        if self._names.resolve(call.unit, call.row.scope, str(written)) != call.callee:
            return "", ""
        if call.callee not in self._made_by:
            self._made_by[call.callee] = self._making(call.callee)
        made_by = self._made_by[call.callee]
        if isinstance(made_by, Schema):
            return "ValidationError", self._of_schema(call.row, made_by)
        if isinstance(made_by, Scope):
            return "TypeError", self._of_own_init(call, made_by)
        return "TypeError", self._of_row(call.row, made_by) if made_by is not None else ""

    def _making(self, symbol: Symbol) -> Schema | Scope | Class | None:
        """What decides what a class is called with: a schema, its ``__init__``, or its columns.

        ``None`` where something else does, or may.
        """
        cls = self._members.classes.by_symbol.get(symbol)
        if cls is None or cls.facts.decorators or _twins(cls.unit, cls.facts) > 1:
            return None
        ours = self._members.classes.owners(cls)[::-1]
        inner = [(unit, unit.inner.get(owner.scope, {})) for unit, _, owner in ours]
        own = {name for _, names in inner for name in names}
        is_special = any(key == "metaclass" for _, facts, _ in ours for key, _ in facts.keywords)
        if cls.inherits(*_MADE_OTHERWISE) or is_special or own & {"__new__", "__call__"}:
            return None
        if "__init__" in own:
            unit, names = next(row for row in inner if "__init__" in row[1])
            facts = unit.scopes[names["__init__"]]
            return facts if _is_open_book(unit, facts) else None
        schema = self._schemas.get(cls.name)
        if schema is not None:
            return schema if self._is_plain_model(cls, schema) else None
        is_row = self._members.is_row(symbol) and not cls.inherits("SQLModel", "MappedAsDataclass")
        return cls if is_row else None

    def _of_object(self, unit: Unit, row: CallFact) -> str:
        """``raise NotFound("…")`` of ``NotFound = HTTPException(404)``: an object is no class."""
        written = row.callee if isinstance(row.callee, str) else ""
        if not self._is_object(unit, row.scope, written):
            return ""
        return _OBJECT.format(written)

    def _is_object(self, unit: Unit, scope: int, written: Term) -> bool:
        """True for a name of a module that is bound to an ``HTTPException(…)``, and to no other."""
        if not isinstance(written, str):
            return False
        known = written.rpartition(".")[2] in self._objects
        symbol = self._names.resolve(unit, scope, written) if known else None
        if symbol is None or symbol.kind != "name" or symbol.unit is None or symbol.rest:
            return False
        there = symbol.unit
        rows = [r for r in there.scopes[symbol.scope].assignments if r.target == symbol.name]
        match [r.value for r in rows]:
            case [["c", int(index)]] if there.scopes[symbol.scope].kind == "m":
                made = self._relations.callee(there, there.facts.calls[index])
                return made is not None and self._is_refusal(made)
        return False

    def _is_refusal(self, made: Symbol) -> bool:
        """True for ``HTTPException`` and what inherits from it, where that adds no ``__call__``."""
        lineage = self._relations.evaluator.lineage(made) if is_class(made) else (made,)
        ours = (s.unit.inner.get(s.scope, {}) for s in lineage if s.unit is not None)
        is_callable = any("__call__" in inner for inner in ours)
        return not is_callable and any(s.dotted() in _EXCEPTIONS for s in lineage)

    # -- functions ----------------------------------------------------------------------------

    def _of_function(self, call: _Call) -> str:
        unit = call.callee.unit
        if unit is None:
            return ""
        facts = unit.scopes[call.callee.scope]
        taken = self._taken(call, unit, facts)
        why = _difference(call.row, facts.parameters[taken:]) if taken is not None else ""
        is_open = bool(why) and (_is_open_book(unit, facts) or self._is_task(unit, facts))
        if not is_open or not self._is_certain(call, unit, facts):
            return ""
        return f"`{facts.name}` {why}"

    def _taken(self, call: _Call, unit: Unit, facts: Scope) -> int | None:
        """How many parameters the receiver fills; ``None`` for ``Class.method(object)``."""
        if facts.up < 0 or unit.scopes[facts.up].kind != "c":
            return 0
        decorated = {called(term, unit) for term, _, _ in facts.decorators}
        if "staticmethod" in decorated:
            return 0
        if "classmethod" in decorated:
            return 1
        written = call.row.callee if isinstance(call.row.callee, str) else ""
        head = written.rpartition(".")[0]
        symbol = self._names.resolve(call.unit, call.row.scope, head) if head else None
        return None if symbol is not None and is_class(symbol) and not symbol.rest else 1

    def _is_task(self, unit: Unit, facts: Scope) -> bool:
        """True for a task of Celery, which takes what its function does when it is called."""
        if len(facts.decorators) != 1 or _twins(unit, facts) > 1:
            return False
        term = facts.decorators[0][0]
        row = unit.facts.calls[term[1]] if isinstance(term, list) and term[0] == "c" else None
        if row is not None and _ANOTHER & {key for key, _ in row.keywords}:
            return False
        made = self._relations.typed(unit, facts.up, called(term, unit))
        return made is not None and made.dotted() in _TASKS

    def _is_certain(self, call: _Call, unit: Unit, facts: Scope) -> bool:
        """True where the call can be of no other function than this one."""
        written = call.row.callee
        if not isinstance(written, str):
            return True
        symbol = self._names.resolve(call.unit, call.row.scope, written)
        if symbol == call.callee:  # under another name of a module, it may be another's
            own = facts.name.rpartition(".")[2]
            return "." not in written or written.rpartition(".")[2] == own
        head, *rest = written.split(".")[:-1] or [""]
        symbol = self._names.lookup(call.unit, call.row.scope, head)
        if symbol is None or symbol.kind not in ("name", "parameter") or len(rest) > 1:
            return False
        if _is_first_of_static(symbol):
            return False
        if (unit.dotted(facts.up), facts.name.rpartition(".")[2]) in self._overridden:
            return False
        owner = self._members.classes.by_symbol.get(Symbol("scope", unit, facts.up))
        if owner is None or owner.inherits("Protocol"):
            return False
        values = self._relations.evaluator.symbol(symbol)
        if len(values) != 1 or not isinstance(values[0], Made):
            return False
        return not rest or self._is_kept_once(values[0].of, rest[0])

    def _is_kept_once(self, owner: Symbol, part: str) -> bool:
        """True where one assignment alone gives ``self.<part>`` its value."""
        evaluator = self._relations.evaluator
        rows = [
            row
            for symbol in evaluator.lineage(owner)
            if symbol.unit is not None
            for method in symbol.unit.inner.get(symbol.scope, {}).values()
            for row in symbol.unit.scopes[method].assignments
            if row.target == f"self.{part}"
        ]
        made = evaluator.each((Made(owner),), part) if len(rows) == 1 else ()
        return len(made) == 1 and isinstance(made[0], Made)

    # -- classes ------------------------------------------------------------------------------

    def _of_own_init(self, call: _Call, facts: Scope) -> str:
        why = _difference(call.row, facts.parameters[1:])
        return f"`{facts.name}` {why}" if why else ""

    def _is_plain_model(self, cls: Class, schema: Schema) -> bool:
        """True for a model of pydantic whose fields are what it is made of, by their names."""
        foreign = {s.dotted() for s in cls.lineage if s.kind == "external"} - {"typing.Generic"}
        aliased = any("alias" in key for f in schema.fields for key, _ in f.constraints)
        is_renamed = aliased or "alias_generator" in dict(schema.config)
        is_model = bool(foreign) and foreign <= _MODELS
        return is_model and not is_renamed and not self._gives_itself(cls)

    def _of_schema(self, row: CallFact, schema: Schema) -> str:
        """A model of pydantic that lacks a field it must be given, or may not have one."""
        if row.arguments:
            return ""
        given = {key for key, _ in row.keywords}
        fields = [f for f in schema.fields if not f.name.startswith("_")]
        must = [f.name for f in fields if f.required and self._must(f.annotation)]
        lacking = [name for name in must if name not in given]
        name = schema.name.rpartition(".")[2]
        if lacking:
            return f"`{name}` is not given {_listed(lacking)}, which it requires"
        unknown = sorted(given - {f.name for f in fields})
        extra = dict(schema.config).get("extra", "").strip("\"'")
        if unknown and extra.endswith("forbid"):
            return f"`{name}` has no {_listed(unknown)} and forbids what it does not have"
        return ""

    def _must(self, annotation: str | None) -> bool:
        """True where a field without default has to be given, by the pydantic of the project."""
        words = annotation or ""
        return self._modern or not ("Optional" in words or "None" in words or "Any" in words)

    def _gives_itself(self, cls: Class) -> bool:
        """True for a class with code of its own that runs before its fields are read."""
        return any(
            unit.scopes[index].name.endswith("__get_validators__")
            or any(_FIRST.search(unit.text(at)) for _, *at in unit.scopes[index].decorators)
            for unit, _, owner in self._members.classes.owners(cls)
            for index in unit.inner.get(owner.scope, {}).values()
        )

    def _of_row(self, row: CallFact, cls: Class) -> str:
        """A mapped class of SQLAlchemy that is handed what it has no column for."""
        known = self._members.of(cls.symbol)
        if known is None:
            return ""
        unknown = [k for k, _ in row.keywords if k not in known and not self._members.is_given(k)]
        return f"`{cls.name.rpartition('.')[2]}` has no {_listed(unknown)}" if unknown else ""


def _is_first_of_static(symbol: Symbol) -> bool:
    """True for the first parameter of a static method, which is no ``self``."""
    if symbol.kind != "parameter" or symbol.unit is None:
        return False
    facts = symbol.unit.scopes[symbol.scope]
    decorated = {called(term, symbol.unit) for term, _, _ in facts.decorators}
    return "staticmethod" in decorated and facts.parameters[0].name == symbol.name


def _is_made(row: Assignment) -> bool:
    """True for ``Name = Something(…)``, which looks like a class and is none."""
    is_call = isinstance(row.value, list) and row.value[0] == "c"
    return is_call and isinstance(row.target, str) and row.target[:1].isupper()


def _is_spread(row: CallFact) -> bool:
    """True where arguments are handed over that the call does not name."""
    stars = [t for t in row.arguments if t.__class__ is list and t[:1] == ["*"]]
    return bool(stars) or bool(row.keywords and any(key == "**" for key, _ in row.keywords))


def _is_open_book(unit: Unit, facts: Scope) -> bool:
    """True for a function whose signature is what is written, and that is there once."""
    decorated = {called(term, unit) for term, _, _ in facts.decorators}
    text = unit.text((facts.start, facts.body))
    return decorated <= _PLAIN and _twins(unit, facts) == 1 and ", /" not in text


def _twins(unit: Unit, facts: Scope) -> int:
    return sum(scope.name == facts.name for scope in unit.scopes)


def _difference(row: CallFact, parameters: list[ParameterFact]) -> str:
    """How the arguments of a call differ from what a function takes, in words."""
    kinds = {p.kind for p in parameters}
    placed = [p for p in parameters if p.kind == ""]
    named = {p.name for p in parameters if p.kind in ("", "k")}
    unknown = [key for key, _ in row.keywords if key not in named]
    if unknown and "**" not in kinds:
        return f"has no parameter {_listed(unknown)}"
    if len(row.arguments) > len(placed) and "*" not in kinds:
        return f"takes {len(placed)} arguments by place and is given {len(row.arguments)}"
    given = {p.name for p in placed[: len(row.arguments)]} | {key for key, _ in row.keywords}
    lacking = [
        p.name
        for p in parameters
        if "*" not in p.kind and p.default is None and p.name not in given
    ]
    return f"is not given {_listed(lacking)}, which it requires" if lacking else ""


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:3]) + (" …" if len(names) > 3 else "")


def _overridden(members: Members) -> frozenset[tuple[str, str]]:
    """The methods that a class below defines anew, by class and name."""
    found: set[tuple[str, str]] = set()
    for cls in members.classes.all:
        own = cls.unit.inner.get(cls.symbol.scope, ())
        for above in cls.lineage[1:]:
            if above.kind == "scope" and above.unit is not None:
                found |= {(above.dotted(), name) for name in own}
    return frozenset(found)
