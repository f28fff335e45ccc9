"""Parameters that hold a model of pydantic, as far as their annotations say."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.survey.bindings import target_names
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import ParameterFact
from fastwright.survey.members import Members
from fastwright.survey.names import Symbol, is_class

_GIVING = frozenset({"Depends", "Security"})


class Bodies:
    """Finds them in one function after the other.

    What a dependency gives is left out: a row of the database often passes for the model.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self._names = members.classes.evaluator.names

    def of(self, unit: Unit, index: int) -> Iterator[tuple[str, int, Symbol]]:
        """The parameters of a function that it binds to nothing else: name, place and class."""
        scope = unit.scopes[index]
        targets = [row.target for row in scope.assignments] + [loop.target for loop in scope.loops]
        targets += [target for _, target in scope.contexts]
        bound = {name for target in targets for name in target_names(target)}
        for parameter in scope.parameters:
            is_plain = isinstance(parameter.annotation, str) and "*" not in parameter.kind
            if not is_plain or parameter.name in bound or _is_given(unit, parameter):
                continue
            symbol = self._names.resolve(unit, scope.up, parameter.annotation)
            is_known = symbol is not None and not symbol.rest and is_class(symbol)
            if symbol is not None and is_known and self._members.is_schema(symbol):
                yield parameter.name, scope.body, symbol


def _is_given(unit: Unit, parameter: ParameterFact) -> bool:
    """True where the default is a dependency, or any call but a part of the request."""
    match parameter.default:
        case ["c", int(number)]:
            return str(unit.facts.calls[number].callee).rpartition(".")[2] in _GIVING
    return False
