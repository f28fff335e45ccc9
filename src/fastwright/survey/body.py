"""The values of one function, followed back from where they are used to its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from fastwright.survey import held as parts
from fastwright.survey.bindings import reaching, target_names
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact, Scope, Term
from fastwright.survey.held import EACH, SOMETHING, Held, Helds
from fastwright.survey.names import Symbol
from fastwright.survey.sinks import PATH_MADE

CAUGHT, ENVIRONMENT, SETTINGS = "<exception>", "<environment>", "<settings>"
"""Roots that are no parameters: what is caught, the process's environment, a settings object."""
_DEEPEST = 24
_NOTHING: Mapping[str, Helds] = MappingProxyType({})
Locals = Mapping[str, Helds]


class Carriers(Protocol):
    """What a body asks of the whole project."""

    def called(self, body: Body, row: CallFact, at: int, env: Locals) -> Helds:
        """What the result of a call holds of the caller's parameters."""

    def proved(self, body: Body, test: Term, at: int, *, holds: bool) -> list[tuple[Held, str]]:
        """What is limited where a test holds (or does not), and by what."""

    def governed(self, body: Body, values: Helds, at: int) -> Helds:
        """`values` with what the tests around an offset limit."""

    def ambient(self, body: Body, dotted: str) -> Helds:
        """What a name from outside the function holds of the process: environment, settings."""

    def caught(self, body: Body, name: str, at: int) -> Helds:
        """What an ``except`` clause, or the parameter of an exception handler, holds."""


class Body:
    """Answers what expressions of one function hold; answers about names are remembered."""

    def __init__(self, function: Symbol, unit: Unit, carriers: Carriers) -> None:
        self.function = function
        self.unit = unit
        self.facts: Scope = unit.scopes[function.scope]
        self.parameters = frozenset(p.name for p in self.facts.parameters)
        self._carriers = carriers
        self._names: dict[tuple[str, int], Helds] = {}
        self._depth = 0

    def held(self, term: Term, at: int, env: Locals = _NOTHING) -> Helds:
        """What `term` holds, read at offset `at`; `env` are names bound by a comprehension."""
        if term is None or self._depth > _DEEPEST:
            return ()
        if isinstance(term, str):
            return self._dotted(term, at, env)
        self._depth += 1
        try:
            return self._plain(term, at, env)
        finally:
            self._depth -= 1

    def _plain(self, term: list[Term], at: int, env: Locals) -> Helds:
        match term:
            case ["c", int(index)]:
                return self._carriers.called(self, self.unit.facts.calls[index], at, env)
            case ["a", inner, name]:
                return attribute(self.held(inner, at, env), name)
            case ["w" | "*" | "**", inner]:
                return self.held(inner, at, env)
            case ["f", *pieces]:
                return self._text(pieces, at, env)
            case ["b", operator, left, right]:
                return self._operator(operator, left, right, at, env)
            case ["?", test, yes, no]:
                return self._choice(test, yes, no, at, env)
        return self._collection(term, at, env)

    def _collection(self, term: list[Term], at: int, env: Locals) -> Helds:
        match term:
            case ["i", inner, ["x", int(start), int(end)]] if b":" in self.unit.content[start:end]:
                return self.held(inner, at, env)
            case ["i", inner, *items]:
                return parts.taken(
                    self.held(inner, at, env), parts.key_of(items[0] if items else None)
                )
            case ["l", *items]:
                found = [parts.placed(self.held(item, at, env), f"[{place}]")
                         for place, item in enumerate(items)]  # fmt: skip
                return parts.unique(h for values in found for h in values)
            case ["d", *pairs]:
                return self._dictionary(pairs, at, env)
            case ["g", element, *clauses]:
                return self._comprehension(element, clauses, at, env)
        return ()

    def _dictionary(self, pairs: list[Term], at: int, env: Locals) -> Helds:
        found: list[Held] = []
        for key, value in pairs:
            values = self.held(value, at, env)
            if key == ["**", None]:
                found += values
            else:
                found += parts.placed(values, self._place(key, at, env))
        return parts.unique(found)

    def _place(self, key: Term, at: int, env: Locals) -> str:
        """Where a key puts its value: ``*`` where it is not known, or the client names it.

        ``Model.column`` is a key of the app's own, though what it says is not known.
        """
        if isinstance(key, list) and key[0] == "s":
            return str(key[1])
        is_own = isinstance(key, str) and "." in key and not self.held(key, at, env)
        return f"*{key}" if is_own else "*"

    def _comprehension(
        self, element: Term, clauses: list[Term], at: int, env: Locals
    ) -> Helds:  # fmt: skip
        inner = dict(env)
        for target, iterable in clauses:
            values = parts.elements(self.held(iterable, at, inner))
            for name in target_names(target):
                inner[name] = parts.destructured(target, name, values)
        return parts.placed(self.held(element, at, inner), EACH)

    def _text(self, pieces: list[Term], at: int, env: Locals) -> Helds:
        found: list[Held] = []
        lead = ""
        for piece in pieces:
            found += parts.whole(self.held(piece, at, env), lead)
            lead += literal(piece)
        return parts.through(found, "text")

    def _operator(self, operator: str, left: Term, right: Term, at: int, env: Locals) -> Helds:
        if operator in ("or", "and", "|"):
            return parts.unique((*self.held(left, at, env), *self.held(right, at, env)))
        if operator == "+":
            behind = parts.whole(self.held(right, at, env), self._lead(left))
            joined = parts.unique((*self.held(left, at, env), *behind))
            return joined if _is_list(left) or _is_list(right) else parts.through(joined, "text")
        if operator == "%":
            lead = left[1].partition("%")[0] if _is_string(left) else SOMETHING
            values = parts.whole(self.held(right, at, env), lead)
            return parts.unique((*self.held(left, at, env), *parts.through(values, "text")))
        if operator == "/":
            behind = parts.whole(self.held(right, at, env), SOMETHING)
            joined = parts.unique((*self.held(left, at, env), *behind))
            return parts.through(joined, PATH_MADE)
        return self.held(left, at, env) if operator == "*" else ()

    def _lead(self, term: Term) -> str:
        """The constant text of the left side of ``+``."""
        match term:
            case ["b", "+", left, right]:
                return self._lead(left) + literal(right)
            case ["f", *pieces]:
                return "".join(literal(piece) for piece in pieces)
        return literal(term)

    def _choice(self, test: Term, yes: Term, no: Term, at: int, env: Locals) -> Helds:
        found: list[Held] = []
        for term, holds in ((yes, True), (no, False)):
            values = self.held(term, at, env)
            if values:
                proved = self._carriers.proved(self, test, at, holds=holds)
                values = tuple(limited(held, proved) for held in values)
            found += values
        return parts.unique(found)

    def statement_of(self, row: CallFact) -> int:
        """Where the assignment that a call stands in begins, else the call itself."""
        around = (a.start for a in self.facts.assignments if a.start <= row.start < a.end)
        return min(around, default=row.start)

    # -- names --------------------------------------------------------------------------------

    def _dotted(self, dotted: str, at: int, env: Locals) -> Helds:
        head, *rest = dotted.split(".")
        if head in env:
            values = env[head]
        else:
            known, values = self._assigned_attribute(dotted, at)
            if known:
                return values
            values = self._name(head, at)
            if not values:  # the process is asked by the whole name
                return self._carriers.ambient(self, dotted)
        for name in rest:
            values = attribute(values, name)
        return values

    def _assigned_attribute(self, dotted: str, at: int) -> tuple[bool, Helds]:
        """What ``item.name`` holds where it was assigned as such."""
        if "." not in dotted:
            return False, ()
        rows = reaching(self.facts.assignments, dotted, at)
        if not rows or (rows[-1].condition >= 0 or rows[-1].loops):
            return False, ()
        return True, parts.unique(h for row in rows for h in self._of_row(row, dotted))

    def _name(self, name: str, at: int) -> Helds:
        key = (name, at)
        if key not in self._names:
            self._names[key] = ()
            self._names[key] = self._read_name(name, at)
        return self._names[key]

    def _read_name(self, name: str, at: int) -> Helds:
        rows = reaching(self.facts.assignments, name, at)
        found = [held for row in rows for held in self._of_row(row, name)]
        settled = bool(rows) and rows[-1].condition < 0 and not rows[-1].loops
        if name in self.parameters and not settled:
            found += self._carriers.caught(self, name, at) or (Held(name),)
        found += self._filled(name, at)
        for loop in self.facts.loops:
            if loop.start <= at <= loop.end and name in target_names(loop.target):
                values = parts.elements(self.held(loop.iterable, loop.start))
                found += parts.destructured(loop.target, name, values)
        for term, target in self.facts.contexts:
            if name in target_names(target):
                found += parts.destructured(target, name, self.held(term, at))
        if self.facts.catches and name not in self.parameters:
            found += self._carriers.caught(self, name, at)
        return parts.unique(found)

    def _filled(self, name: str, at: int) -> list[Held]:
        """What ``name["key"] = value`` put into a dictionary before `at`."""
        found: list[Held] = []
        for row in self.facts.assignments:
            if row.target == f"{name}[]" and (at < 0 or row.start < at):
                key = _KEY.match(self.unit.content, row.start)
                place = key[1].decode() if key else "*"
                found += parts.placed(self.held(row.value, row.start), place)
        return found

    def _of_row(self, row: Assignment, name: str) -> Helds:
        values = self.held(row.value, row.start)
        if values and row.condition >= 0:
            values = self._carriers.governed(self, values, row.start)
        return parts.destructured(row.target, name, values)


_KEY = re.compile(rb"[\w.]+\[\s*[\"']([^\"'\\]+)[\"']\s*\]")
"""The constant key that ``name["key"] = value`` writes."""


def attribute(values: Helds, name: str) -> Helds:
    """What an attribute holds; the name of a path is a single segment."""
    if not values:
        return ()
    if name in ("name", "stem", "suffix") and any(PATH_MADE in h.passed for h in values):
        return parts.through(values, f"Path.{name}")
    if name in ("parent", "parts", "real") and any(PATH_MADE in h.passed for h in values):
        return values
    return parts.taken(values, name)


def limited(held: Held, proved: list[tuple[Held, str]]) -> Held:
    """`held` with what is proved of the same part of the same parameter."""
    return held.through(*(token for other, token in proved if same_part(held, other)))


_TELLING = frozenset({"hostname", "netloc", "host", "size", "read()", "file", "parents", "parent"})
"""Parts of an address, an upload or a path that say of the whole what has to be known."""


def same_part(one: Held, tested: Held) -> bool:
    """Whether what is known of `tested` is known of `one`: it is that part, or within it."""
    size = min(len(one.path), len(tested.path))
    rest = tested.path[size:]
    within = one.root == tested.root and one.path[:size] == tested.path[:size]
    return within and _TELLING.issuperset(rest)


def literal(term: Term) -> str:
    """The text of a constant; a mark for what is not one."""
    return str(term[1]) if _is_string(term) else SOMETHING


def _is_string(term: Term) -> bool:
    return isinstance(term, list) and bool(term) and term[0] == "s"


def _is_list(term: Term) -> bool:
    return isinstance(term, list) and bool(term) and term[0] == "l"
