"""Values that come from no parameter: what was caught, the environment, the settings."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.survey.body import CAUGHT, ENVIRONMENT, SETTINGS, Body
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact, Term
from fastwright.survey.held import Held, Helds
from fastwright.survey.names import Symbol
from fastwright.survey.values import Frame, Made, Ref

_WORDS = ("environ", "setting", "config")


class Ambience:
    """Recognises them in bodies; names are resolved, and classes of settings by what they inherit.

    The path of what was caught begins with the dotted names of its types, that of settings with
    the dotted name of their class.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._answering: dict[tuple[int, int], str] | None = None

    def named(self, body: Body, dotted: str) -> Helds:
        """What a name from outside a function holds of the process."""
        lowered = dotted.lower()
        if not any(word in lowered for word in _WORDS):
            return ()
        whole = self.evaluator.names.dotted(body.unit, body.function.scope, dotted)
        if whole == "os.environ":
            return (Held(ENVIRONMENT),)
        return self._settings(body, dotted) if not whole.startswith("os.") else ()

    def _settings(self, body: Body, dotted: str) -> Helds:
        words = dotted.split(".")
        for size in range(1, len(words) + 1):
            if not any(word in words[size - 1].lower() for word in _WORDS):
                continue
            frame = Frame(body.unit, body.function.scope)
            for value in self.evaluator.values(".".join(words[:size]), frame):
                if isinstance(value, Made) and self._is_settings(value.of):
                    return (Held(SETTINGS, (value.of.dotted(), *words[size:])),)
        return ()

    def _is_settings(self, kind: Symbol) -> bool:
        above = (symbol.dotted() for symbol in self.evaluator.lineage(kind))
        return any(name.rpartition(".")[2] == "BaseSettings" for name in above)

    def caught(self, body: Body, name: str, at: int) -> Helds:
        """What a clause caught, or a parameter that is an exception or settings, holds."""
        for catch in reversed(body.facts.catches):
            if catch.name == name and catch.start <= at <= catch.end:
                return (Held(CAUGHT, (self._types(body.unit, body.function.scope, catch.types),)),)
        row = next((p for p in body.facts.parameters if p.name == name), None)
        if row is not None and any(word in str(row.annotation).lower() for word in _WORDS):
            frame = Frame(body.unit, body.facts.up)
            for kind in self.evaluator.classes_in(row.annotation, frame):
                if self._is_settings(kind):
                    return (Held(SETTINGS, (kind.dotted(),)),)
        places = [p.name for p in body.facts.parameters if p.name not in ("self", "cls")]
        if places[1:2] == [name]:
            types = self._handled().get((id(body.unit), body.function.scope))
            return (Held(CAUGHT, (types,)),) if types is not None else ()
        return ()

    def answering(self) -> Iterator[Symbol]:
        """Every function that answers for an exception."""
        units = {id(unit): unit for unit in self.evaluator.codebase.units}
        for unit, scope in self._handled():
            yield Symbol("scope", units[unit], scope)

    def _handled(self) -> dict[tuple[int, int], str]:
        """The exceptions that each handler of exceptions is registered for."""
        if self._answering is None:
            self._answering = {}
            for unit in self.evaluator.codebase.units:
                if not unit.tests:
                    self._answering.update(self._handlers(unit))
        return self._answering

    def _handlers(self, unit: Unit) -> Iterator[tuple[tuple[int, int], str]]:
        for index, scope in enumerate(unit.scopes):
            for term, _, _ in scope.decorators if scope.kind == "f" else ():
                row = _called(unit, term)
                if row is not None and _last(row) == "exception_handler" and row.arguments:
                    yield (id(unit), index), self._types(unit, row.scope, row.arguments[0])
        for row in unit.facts.calls:
            if _last(row) == "add_exception_handler" and row.arguments:
                for value in self.evaluator.values(row.arguments[-1], Frame(unit, row.scope)):
                    symbol = value.symbol if isinstance(value, Ref) else None
                    if symbol is not None and symbol.unit is not None and symbol.kind == "scope":
                        place = (id(symbol.unit), symbol.scope)
                        yield place, self._types(unit, row.scope, row.arguments[0])

    def _types(self, unit: Unit, scope: int, term: Term) -> str:
        if term is None:
            return "BaseException"
        terms = term[1:] if isinstance(term, list) and term[0] == "l" else [term]
        names = (self.evaluator.names.dotted(unit, scope, t) if isinstance(t, str) else "?"
                 for t in terms)  # fmt: skip
        return ", ".join(name.removeprefix("builtins.") for name in names)


def _called(unit: Unit, term: Term) -> CallFact | None:
    return unit.facts.calls[term[1]] if isinstance(term, list) and term[0] == "c" else None


def _last(row: CallFact) -> str:
    return str(row.callee).rpartition(".")[2] if isinstance(row.callee, str) else ""
