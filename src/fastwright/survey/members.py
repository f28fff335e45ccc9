"""What the classes of a project have: members and attributes, where nothing can add others."""

from __future__ import annotations

import enum
import re
from functools import cached_property
from types import MappingProxyType

from fastwright.survey.classes import Class, Classes, called
from fastwright.survey.facts import Assignment
from fastwright.survey.names import Names, Symbol

_ENUMS = MappingProxyType({
    "Enum": enum.Enum, "IntEnum": enum.IntEnum, "StrEnum": enum.StrEnum, "Flag": enum.Flag,
    "IntFlag": enum.IntFlag, "str": str, "int": int, "object": object,
})  # fmt: skip
"""The classes above an enum, and what each brings along."""
_COUNTED = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})
_MAPPERS = frozenset({"DeclarativeBase", "DeclarativeBaseNoMeta", "declarative_base", "SQLModel",
                      "AsyncAttrs", "object", "ABC"})  # fmt: skip
_OF_ROWS = frozenset({"metadata", "registry", "awaitable_attrs"})
_OF_MODELS = frozenset({
    "dict", "json", "copy", "construct", "parse_obj", "parse_raw", "parse_file", "from_orm",
    "schema", "schema_json", "validate", "update_forward_refs", "fields", "sqlmodel_update",
})  # fmt: skip
_SCHEMAS = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel", "typing.Generic"})
_EXTRA = re.compile(
    rb"\bextra\b|\*\*|class Config\(|model_config\b[^\n=]*=\s*(?!(?:\w+\.)?ConfigDict\(|\{)"
)
_HARMLESS = frozenset({
    "unique", "verify", "dataclass_transform", "as_declarative", "declarative_mixin", "final",
    "total_ordering",
})  # fmt: skip
_ADDING = re.compile(
    rb"\b(?:locals|vars)\(\)|__getattr(?:ibute)?__|autoload|__table__\s*=|\bexec\("
)
_SETS = re.compile(rb"\bsetattr\(\s*(?:self|cls)\b")
_ASKS = re.compile(rb"\bhasattr\(\s*(?:self|cls)\b")
_BACKREF = re.compile(rb"""\bbackref\s*=\s*(?:[\w.]*\(\s*)?["'](\w+)["']""")
_MIXED = re.compile(
    rb"\bdeclarative_base\([^)]*\b(?:cls|constructor|metaclass)\s*=|\bautomap_base\("
)


class Members:
    """The attributes of classes of ours, for those of which all are known."""

    def __init__(self, classes: Classes, mapped: frozenset[str]) -> None:
        self.classes = classes
        self._names: Names = classes.evaluator.names
        self._mapped = mapped
        self._known: dict[Symbol, frozenset[str] | None] = {}

    def of(self, symbol: Symbol) -> frozenset[str] | None:
        """What the class and its objects have; ``None`` where they may have more."""
        if symbol not in self._known:
            cls = self.classes.by_symbol.get(symbol)
            self._known[symbol] = self._read(cls) if cls is not None else None
        return self._known[symbol]

    def is_row(self, symbol: Symbol) -> bool:
        """True for a mapped class of ours."""
        return symbol.kind == "scope" and symbol.dotted() in self._mapped

    def _read(self, cls: Class) -> frozenset[str] | None:
        foreign = {root.rpartition(".")[2] for root in cls.roots}
        is_enum = bool(foreign & _COUNTED) and foreign <= set(_ENUMS)
        is_row = self.is_row(cls.symbol) and foreign <= _MAPPERS and not self._is_mixed
        is_schema = self.is_schema(cls.symbol) and not self._is_open(cls)
        if not (is_enum or is_row or is_schema) or not self.is_plain(cls):
            return None
        if is_enum:
            return self._own(cls) | {name for root in foreign for name in dir(_ENUMS[root])}
        below = (self._own(c) for c in self._below.get(cls.symbol, ()))
        theirs = _OF_MODELS if is_schema or "SQLModel" in foreign else frozenset[str]()
        return self._own(cls).union(*below) | _OF_ROWS | self._backrefs | theirs

    def is_schema(self, symbol: Symbol) -> bool:
        """True for a class of ours that is a model of pydantic and of nothing else."""
        cls = self.classes.by_symbol.get(symbol)
        return cls is not None and bool(cls.roots) and cls.roots <= _SCHEMAS

    def _is_open(self, cls: Class) -> bool:
        """True for a model that may take fields which it does not name."""
        owners = self.classes.owners(cls)
        return any(_EXTRA.search(unit.content, facts.start, facts.end) for unit, facts, _ in owners)

    def _own(self, cls: Class) -> frozenset[str]:
        """What the class and those of ours above it name in their bodies, and put on ``self``."""
        found: set[str] = set()
        for unit, _, owner in self.classes.owners(cls):
            found.update(self._names.bindings(unit, owner.scope))
            for method in unit.inner.get(owner.scope, {}).values():
                targets = (row.target for row in unit.scopes[method].assignments)
                found.update(t[5:] for t in targets if isinstance(t, str) and t[:5] == "self.")
        return frozenset(found)

    @cached_property
    def _below(self) -> dict[Symbol, list[Class]]:
        """The classes that inherit from each class: a row may be one of theirs."""
        found: dict[Symbol, list[Class]] = {}
        for cls in self.classes.all:
            for above in cls.lineage[1:]:
                found.setdefault(above, []).append(cls)
        return found

    def is_plain(self, cls: Class) -> bool:
        """True for a class that is what its body and those above it say."""
        return all(self._is_plain(owner) for owner in cls.lineage)

    def _is_plain(self, owner: Symbol) -> bool:
        """True for a class whose body says everything that it has."""
        unit = owner.unit
        if unit is None or owner.kind != "scope":
            return owner.kind == "external"
        facts = unit.scopes[owner.scope]
        decorated = {called(term, unit).rpartition(".")[2] for term, _, _ in facts.decorators}
        named = {key for key, _ in facts.keywords} - {"table", "str", "total", "boundary"}
        body = unit.content[facts.start : facts.end]
        adds = _ADDING.search(body) or (_SETS.search(body) and not _ASKS.search(body))
        twins = sum(s.kind == "c" and s.name == facts.name for s in unit.scopes)
        return decorated <= _HARMLESS and not named and twins == 1 and not adds

    def is_given(self, name: str, owner: Symbol | None = None) -> bool:
        """True where code somewhere puts an attribute of that name on an object or class.

        Nobody can put one on a model of pydantic that has no such field.
        """
        is_held = owner is not None and self.is_schema(owner)
        return name.startswith(("_", "model_")) or (name in self._given and not is_held)

    @cached_property
    def _given(self) -> frozenset[str]:
        rows = (
            row.target
            for unit in self.classes.evaluator.codebase.units
            for scope in unit.scopes
            for row in scope.assignments
            if isinstance(row.target, str) and not _is_added(row)
        )
        given = (target for target in rows if "." in target and target[:5] != "self.")
        return frozenset(target.rpartition(".")[2] for target in given)

    @cached_property
    def _backrefs(self) -> frozenset[str]:
        units = self.classes.evaluator.codebase.units
        return frozenset(n.decode() for u in units if b"backref" in u.content
                         for n in _BACKREF.findall(u.content))  # fmt: skip

    @cached_property
    def _is_mixed(self) -> bool:
        units = self.classes.evaluator.codebase.units
        making = (unit.content for unit in units if b"_base(" in unit.content)
        return any(_MIXED.search(content) for content in making)


def _is_added(row: Assignment) -> bool:
    """True for ``x.a += …``: what is added to must be there before."""
    return isinstance(row.value, list) and row.value[:3] == ["b", "+", row.target]
