"""Abstract methods, and the one method of the project that runs where such a one is called."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from fastwright.survey.codebase import Unit, of_tests
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import Scope, Term
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.wiring import last_name

_ABSTRACT = frozenset({"abstractmethod", "abstractproperty", "abstractclassmethod"})
_EMPTY = re.compile(
    rb"\s*(?:[rRuU]?(?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|\"[^\"\n]*\"|'[^'\n]*')\s*;?\s*)?"
    rb"(?:(?:#[^\n]*|\.\.\.|pass|raise NotImplementedError\b[^\n]*)\s*)*"
)
_PROMISES = frozenset({"Protocol", "ABC", "ABCMeta"})
_FEWEST = 2
"""Methods that a class has to have of a ``Protocol`` that it does not inherit from."""


class Ports:
    """Finds what stands behind abstract methods; each class is asked once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._below: dict[str, list[Symbol]] = {}
        self._abstract: dict[Symbol, bool] = {}
        self._behind: dict[tuple[Symbol, str], Symbol | None] = {}

    def behind(self, owner: Symbol, method: Symbol) -> Symbol:
        """The one method that runs where `method` is called on an `owner`; itself if it has text.

        Itself, too, where several classes of the project may stand there.
        """
        if not self._is_abstract(method) or method.unit is None:
            return method
        name = method.unit.scopes[method.scope].name.rpartition(".")[2]
        key = (owner, name)
        if key not in self._behind:
            self._behind[key] = self._only(owner, name)
        return self._behind[key] or method

    def _only(self, owner: Symbol, name: str) -> Symbol | None:
        having = {c: m for c in self._heirs(owner) if (m := self._written(c, name)) is not None}
        if not having and self._is_protocol(owner):
            having = self._alike(owner, name)
        if len(set(having.values())) > 1:
            having = {c: m for c, m in having.items() if self.evaluator.made(c)}
        methods = set(having.values())
        return methods.pop() if len(methods) == 1 else None

    def _heirs(self, owner: Symbol) -> Iterator[Symbol]:
        """The classes outside of tests that inherit from `owner`, however far below it."""
        self._read_bases()
        waiting, seen = [owner], {owner}
        while waiting:
            above = waiting.pop()
            name = last_name(above.dotted())
            for heir in self._below.get(name, ()):
                if heir not in seen and above in self.evaluator.lineage(heir):
                    seen.add(heir)
                    waiting.append(heir)
                    yield heir

    def _read_bases(self) -> None:
        """Lists the classes of the project by the plain names of their bases, once."""
        if self._below:
            return
        found: dict[str, list[Symbol]] = defaultdict(list)
        for unit in self.evaluator.codebase.units:
            for index, facts in enumerate(() if of_tests(unit.path) else unit.scopes):
                for base in facts.bases if facts.kind == "c" else ():
                    found[_plain(base)].append(Symbol("scope", unit, index))
        self._below = {"": [], **found}

    def _written(self, owner: Symbol, name: str) -> Symbol | None:
        """The method of that name that a class has, unless it is as abstract there."""
        for symbol in self.evaluator.lineage(owner):
            found = self.evaluator.names.follow(symbol, (name,)) if is_class(symbol) else None
            if found is not None and not found.rest and is_function(found):
                return None if self._is_abstract(found) else found
        return None

    def _is_protocol(self, owner: Symbol) -> bool:
        return any(base.dotted().endswith(".Protocol") for base in self.evaluator.lineage(owner))

    def _alike(self, owner: Symbol, name: str) -> dict[Symbol, Symbol]:
        """The classes that have every method of a ``Protocol`` without inheriting from it."""
        wanted = _methods(owner)
        found: dict[Symbol, Symbol] = {}
        for unit in self.evaluator.codebase.units if len(wanted) >= _FEWEST else ():
            for index, facts in enumerate(() if of_tests(unit.path) else unit.scopes):
                if facts.kind == "c" and wanted <= unit.inner.get(index, {}).keys():
                    cls = Symbol("scope", unit, index)
                    method = self._written(cls, name) if cls != owner else None
                    found.update({cls: method} if method is not None else {})
        return found

    def _is_abstract(self, method: Symbol) -> bool:
        if method not in self._abstract:
            self._abstract[method] = self._read_abstract(method)
        return self._abstract[method]

    def _read_abstract(self, method: Symbol) -> bool:
        unit = method.unit
        if unit is None or not is_function(method):
            return False
        facts = unit.scopes[method.scope]
        up = facts.up
        if up < 0 or unit.scopes[up].kind != "c":
            return False
        if any(last_name(_decorator(unit, term)) in _ABSTRACT for term, _, _ in facts.decorators):
            return True
        if _EMPTY.fullmatch(unit.content, facts.body, facts.body_end) is None:
            return False
        return _refuses(unit, facts) or self._promises(Symbol("scope", unit, up))

    def _promises(self, owner: Symbol) -> bool:
        """Whether a class is there to be inherited from, as it says itself."""
        unit = owner.unit
        bases = unit.scopes[owner.scope].bases if unit is not None else []
        return any(_plain(base) in _PROMISES for base in bases)


def _refuses(unit: Unit, facts: Scope) -> bool:
    return b"NotImplementedError" in unit.content[facts.body : facts.body_end]


def _methods(owner: Symbol) -> frozenset[str]:
    """The public methods in the text of a class."""
    inner = owner.unit.inner.get(owner.scope, {}) if owner.unit is not None else {}
    return frozenset(name for name in inner if not name.startswith("_"))


def _plain(base: Term) -> str:
    """The last name of a base, what it is a generic of left out."""
    term = base[1] if isinstance(base, list) and base[0] == "i" else base
    return term.rpartition(".")[2] if isinstance(term, str) else ""


def _decorator(unit: Unit, term: Term) -> Term:
    if isinstance(term, list) and term and term[0] == "c":
        return unit.facts.calls[term[1]].callee
    return term
