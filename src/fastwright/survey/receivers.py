"""Which object a method is called on, where its class alone does not say what the method asks.

A repository that says ``select(self.model)`` asks of the class that its heir names, or that it was
given when it was made. Objects are followed only for classes that leave so much open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact, Term
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.relations import Relations
from fastwright.survey.values import Env, Frame, Made, Ref, Value
from fastwright.survey.wiring import last_name

_ASKING = frozenset({"select", "query", "insert", "update", "delete", "get", "get_one"})
_OWN = re.compile(r"(?:self|cls)\.\w+")
_MAKES = re.compile(r"(?:self|cls)\.\w*model\w*")
_LENT = re.compile(r"self\.\w+\.\w+")
_MOST = 3
"""Objects that one name is believed to stand for; what may be anything is not followed."""

Entered = tuple[Symbol, Env]
"""A function that is called, with what its object and arguments are where that matters."""


class Receivers:
    """Follows calls into functions of ours together with their objects."""

    def __init__(self, relations: Relations) -> None:
        self.relations = relations
        self.evaluator: Evaluator = relations.evaluator
        self._open: dict[Symbol, bool] = {}
        self._taking: dict[Symbol, bool] = {}

    def entered(
        self, here: Entered, rows: Iterable[tuple[int, CallFact]]
    ) -> Iterator[Entered]:  # fmt: skip
        """What `rows`, the calls in the text of a function, run."""
        function, env = here
        unit = function.unit
        for _, row in rows if unit is not None else ():
            callee = self.relations.callee(unit, row) if unit is not None else None
            if callee is not None and (callee.kind != "scope" or callee.unit is None):
                callee = None
            if unit is None or not self._matters(row, callee, env):
                yield from [(callee, ())] if callee is not None else ()
                continue
            frame = Frame(unit, row.scope, env, row.start)
            found = tuple(self._on_objects(row, function, frame))
            for method, made in found or ([(callee, None)] if callee is not None else ()):
                yield method, self._given(method, row, frame, made)

    def _matters(self, row: CallFact, callee: Symbol | None, env: Env) -> bool:
        if callee is None:
            lent = isinstance(row.callee, str) and _LENT.fullmatch(row.callee)
            return bool(env and lent)
        owner = _owner(callee)
        return self._takes_class(callee) or (owner is not None and self.is_open(owner))

    def _takes_class(self, function: Symbol) -> bool:
        """Whether a function asks of a class that it is handed."""
        if function not in self._taking:
            unit = function.unit if is_function(function) else None
            facts = unit.scopes[function.scope] if unit is not None else None
            names = {p.name for p in facts.parameters} - {"self", "cls"} if facts else set()
            rows = unit.facts.calls if unit is not None and names else ()
            self._taking[function] = any(
                row.scope == function.scope and str(row.arguments[0]).partition(".")[0] in names
                for row in rows
                if row.arguments and last_name(row.callee) in _ASKING
            )
        return self._taking[function]

    def _given(self, method: Symbol, row: CallFact, frame: Frame, made: Made | None) -> Env:
        """What the parameters of a function stand for, as far as classes and objects go."""
        env = environment(method, made) if made is not None and self.is_open(made.of) else ()
        if not self._takes_class(method):
            return env
        every = self.evaluator.arguments(method, row, frame, made)
        kept = ((scope, name, tuple(_known(values))) for scope, name, values in every
                if scope == method.scope and name not in ("self", "cls"))  # fmt: skip
        return (*env, *(item for item in kept if item[2]))

    def _on_objects(
        self, row: CallFact, function: Symbol, frame: Frame
    ) -> Iterator[tuple[Symbol, Made | None]]:
        name = last_name(row.callee)
        head = row.callee.rpartition(".")[0] if isinstance(row.callee, str) else row.callee[1]
        if not head:
            return
        is_super = _is_super(frame.unit, head)
        values = self._itself(function, frame) if is_super else self.evaluator.values(head, frame)
        if not any(map(_object, values)) and isinstance(head, str):
            values = self._typed(frame, head)
        made = tuple(dict.fromkeys(m for v in values if (m := _object(v)) is not None))
        for one in made if len(made) <= _MOST else ():
            method = self.relations.method(one.of, name)
            if is_super:
                method = self.relations.callee(frame.unit, row)
            if method is not None and is_function(method):
                yield method, one

    def _typed(self, frame: Frame, head: str) -> tuple[Value, ...]:
        """An object of the class that a name is declared to be of, or given by all who make it."""
        kind = self.relations.typed(frame.unit, frame.scope, head)
        return (Made(kind),) if kind is not None and is_class(kind) else ()

    def _itself(self, function: Symbol, frame: Frame) -> tuple[Value, ...]:
        """The object that a method runs on."""
        facts = frame.unit.scopes[function.scope]
        first = facts.parameters[0].name if facts.parameters else ""
        return self.evaluator.values(first, frame) if first else ()

    def is_open(self, owner: Symbol) -> bool:
        """Whether a class, or one that it inherits from, asks of what its heirs or makers name."""
        if owner not in self._open:
            classes = (c for c in self.evaluator.lineage(owner) if is_class(c))
            self._open[owner] = any(self._leaves_open(cls) for cls in classes)
        return self._open[owner]

    def _leaves_open(self, cls: Symbol) -> bool:
        unit = cls.unit
        if unit is None or unit.tests:
            return False
        whole = unit.scopes[cls.scope]
        inside = (r for r in unit.facts.calls if whole.start <= r.start < whole.end)
        return any(self._is_general(unit, row) for row in inside)

    def _is_general(self, unit: Unit, row: CallFact) -> bool:
        first = row.arguments[0] if row.arguments else None
        asks = last_name(row.callee) in _ASKING and isinstance(first, str)
        if asks and _OWN.match(str(first)):
            return True
        written = row.callee if isinstance(row.callee, str) else ""
        if _MAKES.fullmatch(written):
            return True
        return bool(_LENT.fullmatch(written)) and self.relations.callee(unit, row) is None


def environment(function: Symbol, of: Made | None) -> Env:
    """What the first parameter of a method stands for on that object."""
    unit = function.unit
    if of is None or unit is None:
        return ()
    facts = unit.scopes[function.scope]
    if not facts.parameters or not facts.is_method(unit.scopes):
        return ()
    by_class = any(term == "classmethod" for term, _, _ in facts.decorators)
    return ((function.scope, facts.parameters[0].name, (Ref(of.of) if by_class else of,)),)


def _is_super(unit: Unit, term: Term) -> bool:
    made = term[1] if isinstance(term, list) and term[0] == "c" else None
    return made is not None and unit.facts.calls[made].callee == "super"


def _owner(function: Symbol) -> Symbol | None:
    """The class that a method stands in."""
    unit = function.unit
    up = unit.scopes[function.scope].up if unit is not None and is_function(function) else -1
    return Symbol("scope", unit, up) if unit and up >= 0 and unit.scopes[up].kind == "c" else None


def _object(value: Value) -> Made | None:
    """An object of ours without what does not matter: where it was made, and plain arguments."""
    if isinstance(value, Ref) and is_class(value.symbol):
        return Made(value.symbol)
    if not isinstance(value, Made) or not is_class(value.of):
        return None
    kept = ((scope, name, tuple(_known(values))) for scope, name, values in value.env)
    return Made(value.of, env=tuple(item for item in kept if item[2]))


def _known(values: tuple[Value, ...]) -> Iterator[Value]:
    """Those of an object's arguments that are classes, or objects of ours."""
    for value in values:
        if isinstance(value, Ref) and is_class(value.symbol):
            yield value
        elif isinstance(value, Made) and (made := _object(value)) is not None:
            yield made
