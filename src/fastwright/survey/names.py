"""What a name means where it stands: scopes, imports, re-exports, down to a definition."""

from __future__ import annotations

import builtins
from typing import NamedTuple

from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import Import

_BUILTINS = frozenset(dir(builtins))
_DEEPEST = 20


class Symbol(NamedTuple):
    """What a name stands for.

    `kind` is ``scope`` (a function or class: `unit`, `scope`), ``module`` (`unit`), ``name``
    (assigned: `name` in `unit` and `scope`), ``parameter`` (likewise) or ``external`` (`name`).
    `rest` are attributes that were not followed.
    """

    kind: str
    unit: Unit | None = None
    scope: int = 0
    name: str = ""
    rest: tuple[str, ...] = ()

    def dotted(self) -> str:
        """The dotted name, equal for equal things."""
        whole = self.name
        if self.kind != "external" and self.unit is not None:
            whole = self.unit.dotted(self.scope) + (f".{whole}" if whole else "")
        return ".".join((whole, *self.rest)) if self.rest else whole


class Names:
    """Resolves names in a code base; answers are remembered."""

    def __init__(self, codebase: Codebase) -> None:
        self.codebase = codebase
        self._top: dict[tuple[int, int, str], Symbol | None] = {}
        self._bindings: dict[tuple[int, int], dict[str, str | Import]] = {}
        self._looked: dict[tuple[int, int, str], Symbol | None] = {}
        self._followed: dict[tuple[Symbol, tuple[str, ...]], Symbol | None] = {}

    def resolve(self, unit: Unit, scope: int, dotted: str) -> Symbol | None:
        """What `dotted` means in a scope of `unit`; ``None`` for a name that nothing binds."""
        head, *rest = dotted.split(".")
        symbol = self.lookup(unit, scope, head)
        return self.follow(symbol, tuple(rest)) if symbol else None

    def dotted(self, unit: Unit, scope: int, dotted: str) -> str:
        """The dotted name of what `dotted` means; as written where nothing binds it."""
        symbol = self.resolve(unit, scope, dotted)
        return symbol.dotted() if symbol else dotted

    def lookup(self, unit: Unit, scope: int, name: str) -> Symbol | None:
        """What the plain name `name` means in a scope of `unit`."""
        key = (id(unit), scope, name)
        if key not in self._looked:
            self._looked[key] = self._look(unit, scope, name)
        return self._looked[key]

    def _look(self, unit: Unit, scope: int, name: str) -> Symbol | None:
        index: int = scope
        while index >= 0:
            if index == scope or unit.scopes[index].kind != "c":
                bound = self.bindings(unit, index)
                found = self._bound(unit, index, name, 0) if name in bound or "*" in bound else None
                if found is not None:
                    return found
            index = unit.scopes[index].up
        return Symbol("external", name=f"builtins.{name}") if name in _BUILTINS else None

    def at(self, unit: Unit, scope: int, name: str, place: int) -> Symbol | None:
        """What a plain name means at an offset of a scope (-1: at its end).

        In front of a function that is called as an import is, and in its defaults and decorators,
        the name still stands for what was imported.
        """
        symbol = self.lookup(unit, scope, name)
        if place < 0 or symbol is None or symbol.kind != "scope" or symbol.unit is not unit:
            return symbol
        facts = unit.scopes[symbol.scope]
        if facts.up == scope and place < facts.end:
            row = next((i for i in unit.scopes[scope].imports if i.local == name), None)
            return self.imported(unit, row) if row is not None else symbol
        return symbol

    def _bound(self, unit: Unit, scope: int, name: str, depth: int) -> Symbol | None:
        key = (id(unit), scope, name)
        if key not in self._top:
            self._top[key] = None  # an import cycle ends here
            self._top[key] = self._read(unit, scope, name, depth)
        return self._top[key]

    def _read(self, unit: Unit, scope: int, name: str, depth: int) -> Symbol | None:
        bindings = self.bindings(unit, scope)
        binding = bindings.get(name)
        if binding is None:
            return self._starred(unit, scope, name, depth) if "*" in bindings else None
        if isinstance(binding, Import):
            return self.imported(unit, binding, depth)
        if binding == "scope":
            return Symbol("scope", unit, unit.inner[scope][name])
        return Symbol(binding, unit, scope, name)

    def bindings(self, unit: Unit, scope: int) -> dict[str, str | Import]:
        """How each local name of a scope is bound: an import, or the kind of a `Symbol`."""
        key = (id(unit), scope)
        found = self._bindings.get(key)
        if found is None:
            found = self._bindings[key] = _bindings(unit, scope)
        return found

    def _starred(self, unit: Unit, scope: int, name: str, depth: int) -> Symbol | None:
        if depth > _DEEPEST or name.startswith("_"):
            return None
        for star in (i for i in unit.scopes[scope].imports if i.local == "*"):
            source, _ = self.codebase.source(unit, star)
            found = self._bound(source, 0, name, depth + 1) if source else None
            if found is not None:
                return found
        return None

    def imported(self, unit: Unit, row: Import, depth: int = 0) -> Symbol | None:
        """What an import binds its local name to."""
        source, absolute = self.codebase.source(unit, row)
        if row.name == "":  # `import a.b` binds `a`
            source = self.codebase.find(row.local, unit)
            return Symbol("module", source) if source else Symbol("external", name=row.local)
        if row.name is None:
            return Symbol("module", source) if source else Symbol("external", name=absolute)
        if source is not None and depth <= _DEEPEST:
            found = self._bound(source, 0, row.name, depth + 1)
            if found is not None:
                return found
        inner = self.codebase.submodule(source, absolute, row.name, unit)
        if inner is None and row.level:
            inner = self.codebase.folder(unit, row)
        if inner is not None:
            return Symbol("module", inner)
        if source is not None:
            return Symbol("name", source, 0, row.name)
        return Symbol("external", name=f"{absolute}.{row.name}" if absolute else row.name)

    def follow(self, symbol: Symbol, rest: tuple[str, ...]) -> Symbol | None:
        """`symbol` with the attributes `rest` taken, as far as they can be followed."""
        if not rest:
            return symbol
        key = (symbol, rest)
        if key not in self._followed:
            self._followed[key] = self._follow(symbol, rest)
        return self._followed[key]

    def _follow(self, symbol: Symbol, rest: tuple[str, ...]) -> Symbol | None:
        for count, part in enumerate(rest):
            following = self._attribute(symbol, part)
            if following is None:
                return Symbol(symbol.kind, symbol.unit, symbol.scope, symbol.name, rest[count:])
            symbol = following
        return symbol

    def _attribute(self, symbol: Symbol, part: str) -> Symbol | None:
        if symbol.kind == "external":
            whole = f"{symbol.name}.{part}"
            ours = self.codebase.named.get(whole)
            return Symbol("module", ours) if ours else Symbol("external", name=whole)
        unit = symbol.unit
        if unit is None:
            return None
        if symbol.kind == "module":
            found = self._bound(unit, 0, part, 0)
            if found is not None:
                return found
            inner = self.codebase.submodule(unit, unit.name, part, unit)
            return Symbol("module", inner) if inner else None
        if symbol.kind == "scope" and unit.scopes[symbol.scope].kind == "c":
            return self._bound(unit, symbol.scope, part, 0)
        return None


def _bindings(unit: Unit, scope: int) -> dict[str, str | Import]:
    facts = unit.scopes[scope]
    found: dict[str, str | Import] = {}
    for parameter in facts.parameters:
        found[parameter.name] = "parameter"
    for loop in facts.loops:
        found.update(dict.fromkeys(_flat(loop.target), "name"))
    for _, target in facts.contexts:
        found.update(dict.fromkeys(_flat(target), "name"))
    for assignment in facts.assignments:
        for name in _flat(assignment.target):
            found.setdefault(name, "name")
    for row in facts.imports:
        found[row.local] = row
    for name in unit.inner.get(scope, ()):
        found[name] = "scope"
    return found


def _flat(target: object) -> tuple[str, ...]:
    if isinstance(target, str):
        return (target,) if target.isidentifier() else ()
    if isinstance(target, list):
        return tuple(name for item in target for name in _flat(item))
    return ()


def is_class(symbol: Symbol) -> bool:
    """Whether a symbol is a class of ours."""
    return symbol.kind == "scope" and _kind(symbol) == "c"


def is_function(symbol: Symbol) -> bool:
    """Whether a symbol is a function or method of ours."""
    return symbol.kind == "scope" and _kind(symbol) == "f"


def _kind(symbol: Symbol) -> str:
    return symbol.unit.scopes[symbol.scope].kind if symbol.unit is not None else ""
