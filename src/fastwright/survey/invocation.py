"""What calls give: objects of classes, results of functions, and known functions of libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastwright.survey.bindings import of_dictionary, unique
from fastwright.survey.facts import CallFact, ParameterFact, Term
from fastwright.survey.fetching import row_of
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.strings import camel_words, fold_method
from fastwright.survey.values import (
    MARK,
    Bound,
    Const,
    Env,
    Frame,
    Made,
    Pairs,
    Ref,
    Seq,
    Unknown,
    Value,
    Values,
    text_of,
)

if TYPE_CHECKING:
    from fastwright.survey.evaluate import Evaluator

ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault", "decouple.config",
                         "environs.Env.str", "starlette.config.Config"})  # fmt: skip
_SAME = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted", "builtins.set",
                   "builtins.reversed", "builtins.str", "typing.cast", "typing.NewType",
                   "functools.partial", "builtins.iter", "functools.lru_cache",
                   "functools.cache"})  # fmt: skip


def _is_foreign(value: Value) -> bool:
    """Whether a value is what a call of another package gives."""
    return isinstance(value, Made) and value.of.kind == "external"


_NESTED = 2
"""Times that one call is followed inside itself. What a recursion is given may grow at each turn,
so that no turn is like one before it; its sizes multiply."""


class Calls:
    """The part of an `Evaluator` that follows calls."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._calls: dict[tuple[int, int, Env], Values] = {}
        self._under_way: Counter[tuple[int, int]] = Counter()

    def call(self, index: int, frame: Frame) -> Values:
        """What a call stands for."""
        place = (id(frame.unit), index)
        if self._under_way[place] >= _NESTED:
            return (Unknown("calls itself"),)
        key = (*place, frame.env)
        if key not in self._calls:
            self._calls[key] = (Unknown("calls itself"),)
            self._under_way[place] += 1
            try:
                self._calls[key] = self._followed(index, frame)
            finally:
                self._under_way[place] -= 1
        return self._calls[key]

    def _followed(self, index: int, frame: Frame) -> Values:
        row = frame.unit.facts.calls[index]
        inner = Frame(frame.unit, row.scope, frame.env, row.start)
        found = [
            v
            for callee in self.evaluator.values(row.callee, inner)
            for v in self._called(callee, row, index, inner)
        ]
        return unique(found or self._on_text(row, inner))

    def _on_text(self, row: CallFact, frame: Frame) -> Values:
        return (Unknown(f"`{frame.unit.text((row.start, row.named))}` is not followed"),)

    def _called(self, callee: Value, row: CallFact, index: int, frame: Frame) -> Values:
        if isinstance(callee, Bound):
            return self.result(callee.function, frame, row, callee.of)
        if isinstance(callee, Made) and callee.of.kind == "external":
            made = Symbol("external", name=f"{callee.of.dotted()}.__call__")
            return (Made(made, callee.unit, callee.call, callee.env),)
        if isinstance(callee, Made):
            found = self.evaluator.attribute(callee, "__call__")
            return tuple(
                v
                for f in found
                if isinstance(f, Bound)
                for v in self.result(f.function, frame, row, f.of)
            )
        if not isinstance(callee, Ref):
            return self._text_method(row, frame)
        symbol = callee.symbol
        if symbol.kind == "external":
            return self._foreign(symbol, row, index, frame)
        if is_function(symbol):
            return self.result(symbol, frame, row)
        if is_class(symbol):
            return (Made(symbol, frame.unit, index, self._construction(symbol, row, frame)),)
        return ()

    def _construction(self, symbol: Symbol, row: CallFact, frame: Frame) -> Env:
        made = self.evaluator.member(symbol, "__init__")
        for value in made:
            if isinstance(value, Ref) and is_function(value.symbol):
                return self.arguments(value.symbol, row, frame, Made(symbol, frame.unit, -1))
        return frame.env

    def _text_method(self, row: CallFact, frame: Frame) -> Values:
        callee = row.callee
        if isinstance(callee, str):
            head, _, method = callee.rpartition(".")
            receiver: Term = head
        elif isinstance(callee, list) and callee[0] == "a":
            receiver, method = callee[1], callee[2]
        else:
            return ()
        values = self.evaluator.values(receiver, frame) if receiver else ()
        pairs = [v for v in values if isinstance(v, Pairs)]
        if pairs:
            return tuple(of_dictionary(v, method) for v in pairs)
        return fold_method(values, method, [self.evaluator.values(a, frame) for a in row.arguments])

    def _foreign(self, symbol: Symbol, row: CallFact, index: int, frame: Frame) -> Values:
        name = symbol.dotted()
        if name in _SAME and row.arguments:
            return self.evaluator.values(
                row.arguments[-1 if name.startswith("typing.") else 0], frame
            )
        if name in ENVIRONMENT and len(row.arguments) + len(row.keywords) > 1:
            default = [v for k, v in row.keywords if k in ("default", "value")] or row.arguments[
                1:2
            ]
            return (
                self.evaluator.values(default[0], frame)
                if default
                else (Unknown("from the environment"),)
            )
        if name in ("re.sub", "re.split") and len(row.arguments) > 1:
            return self._words(name, row, frame)
        if name == "builtins.getattr" and len(row.arguments) > 1:
            return self._getattr(row, frame)
        if name == "importlib.import_module" and row.arguments:
            return self._import_module(row, frame)
        if name.startswith("pydantic") and name.endswith(".Field"):
            default = [v for k, v in row.keywords if k == "default"] or row.arguments[:1]
            return self.evaluator.values(default[0], frame) if default else (Unknown("no default"),)
        if name.startswith("builtins."):
            return self._text_method(row, frame)
        fetched = row_of(self.evaluator, name, row, frame)
        return (Made(fetched) if fetched else Made(symbol, frame.unit, index, frame.env),)

    def _words(self, name: str, row: CallFact, frame: Frame) -> Values:
        """The idiom that takes ``CamelCase`` apart; other patterns are not run."""
        pattern = text_of(self.evaluator.values(row.arguments[0], frame)) or ""
        given = text_of(self.evaluator.values(row.arguments[-1], frame))
        if given is None or "[A-Z]" not in pattern:
            return (Unknown(f"`{name}` is not run"),)
        words = camel_words(given)
        if name == "re.split":
            return (Seq(tuple((Const.of(word),) for word in words)),)
        return (Const.of("_".join(words)),)

    def _getattr(self, row: CallFact, frame: Frame) -> Values:
        found = [
            v
            for name in self.evaluator.values(row.arguments[1], frame)
            if isinstance(name, Const) and isinstance(name.value, str)
            for v in self.evaluator.each(self.evaluator.values(row.arguments[0], frame), name.value)
        ]
        return unique(found)

    def _import_module(self, row: CallFact, frame: Frame) -> Values:
        names = (
            v.value for v in self.evaluator.values(row.arguments[0], frame) if isinstance(v, Const)
        )
        units = (self.evaluator.codebase.find(n, frame.unit) for n in names if isinstance(n, str))
        return tuple(Ref(Symbol("module", unit)) for unit in units if unit)

    def result(
        self, function: Symbol, frame: Frame, row: CallFact | None, of: Value | None = None
    ) -> Values:
        """What a function of ours returns or yields when called by `row` in `frame`."""
        unit = function.unit
        if unit is None:
            return ()
        facts = unit.scopes[function.scope]
        env = self.arguments(function, row, frame, of) if row is not None else ()
        inner = Frame(unit, function.scope, env)
        terms = [*facts.values, *facts.yielded]
        found = unique([v for term in terms for v in self.evaluator.values(term, inner)])
        if row is not None:
            found = tuple(self._told_apart(v, function, frame, row) for v in found)
        if any(not isinstance(v, Unknown) and not _is_foreign(v) for v in found):
            return found
        typed = self.evaluator.classes_in(facts.returns, Frame(unit, facts.up))
        if any(map(_is_foreign, found)):  # ``session.scalar(…)`` gives what is declared, if ours
            typed = tuple(kind for kind in typed if is_class(kind))
        return tuple(Made(kind) for kind in typed) or found

    def _told_apart(self, value: Value, function: Symbol, frame: Frame, row: CallFact) -> Value:
        """A router that a function of ours makes is another one for each call of the function."""
        if not isinstance(value, Made) or not self._is_made_in(value, function):
            return value
        lineage = self.evaluator.lineage(value.of)
        if not any(kind.dotted().endswith("Router") for kind in lineage):
            return value
        place = (Const.of(f"{frame.unit.path}@{row.start}"),)
        return value._replace(env=((row.scope, MARK, place), *value.env))

    def _is_made_in(self, made: Made, function: Symbol) -> bool:
        """Whether the call that made an object stands in `function`, or in what that calls."""
        mark = made.env[0] if made.env and made.env[0][1] == MARK else None
        if mark is not None:
            place = text_of(mark[2]) or ""
            return (
                function.unit is not None
                and mark[0] == function.scope
                and (place.startswith(f"{function.unit.path}@"))
            )
        if made.unit is not function.unit or made.unit is None or made.call < 0:
            return False
        return made.unit.facts.calls[made.call].scope == function.scope

    def arguments(
        self, function: Symbol, row: CallFact, frame: Frame, of: Value | None = None
    ) -> Env:
        """What the parameters of `function` stand for in one call, closures included."""
        unit = function.unit
        if unit is None:
            return ()
        given = self._given(function, row, frame, of)
        outer = tuple(
            item for item in frame.env if frame.unit is unit and item[0] != function.scope
        )
        return (*outer, *((function.scope, name, values) for name, values in given))

    def _keywords(self, row: CallFact, frame: Frame) -> Iterator[tuple[str, Values]]:
        """The keywords of a call, those of a known dictionary (``**known``) among them."""
        for name, term in row.keywords:
            values = self.evaluator.values(term, frame)
            if name != "**":
                yield name, values
                continue
            for key, value in (p for v in values if isinstance(v, Pairs) for p in v.items):
                if (word := text_of(key)) is not None:
                    yield word, value

    def _gathered(
        self, parameters: list[ParameterFact], row: CallFact, frame: Frame
    ) -> list[tuple[str, Values]]:
        """What ``**options`` holds: the keywords that no other parameter takes."""
        place = next((p for p in parameters if p.kind == "**"), None)
        known = {"**", *(p.name for p in parameters)}
        items = [((Const.of(k),), self.evaluator.values(t, frame))
                 for k, t in row.keywords if k not in known]  # fmt: skip
        return [(place.name, (Pairs(tuple(items)),))] if place is not None and items else []

    def _given(
        self, function: Symbol, row: CallFact, frame: Frame, of: Value | None
    ) -> list[tuple[str, Values]]:
        unit = function.unit
        facts = unit.scopes[function.scope] if unit is not None else None
        if facts is None or unit is None:
            return []
        place = [p for p in facts.parameters if p.kind == ""]
        first = "cls" if isinstance(of, Ref) else "self"
        given: list[tuple[str, Values]] = (
            [(first, (of,))] if of is not None and place and place[0].name == first else []
        )
        place = place[1:] if given or (place and place[0].name == "cls") else place
        values = [v for term in row.arguments for v in self.evaluator.splatted(term, frame)]
        given += [(p.name, v) for p, v in zip(place, values, strict=False)]
        known = {p.name for p in facts.parameters}
        given += [(k, v) for k, v in self._keywords(row, frame) if k in known]
        given += self._gathered(facts.parameters, row, frame)
        names = {name for name, _ in given}
        rest = [p for p in facts.parameters if p.name not in names and p.default is not None]
        return given + [
            (p.name, self.evaluator.values(p.default, Frame(unit, facts.up))) for p in rest
        ]
