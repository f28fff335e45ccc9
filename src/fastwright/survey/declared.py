"""What the declared type of a parameter, or of a field below it, says of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fastwright.survey.dependencies import Annotation, Dependencies
from fastwright.survey.facts import ParameterFact, Term
from fastwright.survey.held import EACH, KEY, VALUE
from fastwright.survey.names import Symbol, is_class
from fastwright.survey.terms_text import render
from fastwright.survey.values import Frame

_TRANSPARENT = frozenset({"json()", "__dict__"})
_WRAPPERS = frozenset({"Optional", "Union", "Annotated", "Required", "NotRequired", "Final"})
_LISTS = frozenset({"list", "List", "Sequence", "set", "Set", "tuple", "Tuple", "Iterable",
                    "frozenset", "FrozenSet", "conlist"})  # fmt: skip
_TEXT = frozenset(
    {"str", "bytes", "Any", "object", "dict", "Dict", "Mapping", "constr", "StrictStr"}
)
_MODELS = frozenset({"BaseModel", "SQLModel", "TypedDict", "GenericModel", "RootModel"})


class Declared(NamedTuple):
    """What is declared of a value.

    `names` are the plain names of its types; `tokens` what of that limits it (see `limits`);
    `model` is the class of ours that it is, where the value is a whole object.
    """

    names: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    model: Symbol | None = None


class Types:
    """Follows declared types into fields."""

    def __init__(self, dependencies: Dependencies) -> None:
        self.dependencies = dependencies
        self.evaluator = dependencies.evaluator

    def of(self, row: ParameterFact, frame: Frame, path: tuple[str, ...]) -> Declared:
        """What is declared of the part at `path` of a parameter."""
        annotation = self.dependencies.annotation(row.annotation, frame)
        return self._at(_with_default(annotation, frame, row.default), path, 0)

    def _at(self, annotation: Annotation, path: tuple[str, ...], depth: int) -> Declared:
        path = tuple(part for part in path if part not in _TRANSPARENT)
        if depth > 8:
            return Declared()
        if not path:
            return self._whole(annotation)
        core, frame = annotation.core, annotation.frame
        found = [d for inner in _alternatives(core)
                 for d in self._inside(inner, frame, path, depth)]  # fmt: skip
        return found[0] if found else self._whole(annotation)._replace(model=None)

    def _inside(
        self, core: Term, frame: Frame, path: tuple[str, ...], depth: int
    ) -> Iterator[Declared]:  # fmt: skip
        first, rest = path[0], path[1:]
        match core:
            case ["i", str(name), *items] if name.rpartition(".")[2] in _LISTS and items:
                below = rest if first == EACH or first.startswith("[") else path
                yield self._at(self.dependencies.annotation(items[0], frame), below, depth + 1)
                return
            case ["i", str(name), *items] if name.rpartition(".")[2] in ("dict", "Dict") and items:
                inner = items[0] if first in (KEY, EACH) else items[-1]
                yield self._at(self.dependencies.annotation(inner, frame), rest, depth + 1)
                return
        for symbol in self.evaluator.classes_in(core, frame):
            if self._kind("", core, frame) == "Enum":
                yield Declared(("Enum",), ("Enum",))
            elif is_class(symbol):
                yield self._field(symbol, first, rest, depth)

    def _field(self, owner: Symbol, name: str, rest: tuple[str, ...], depth: int) -> Declared:
        if name in (KEY, EACH):
            return Declared(("str",), () if self.is_open(owner) else ("declared",))
        for symbol in self.evaluator.lineage(owner):
            unit = symbol.unit
            if unit is None or not is_class(symbol):
                continue
            for row in unit.scopes[symbol.scope].assignments:
                if row.target == name and row.annotation is not None:
                    frame = Frame(unit, symbol.scope, (), row.start)
                    annotation = self.dependencies.annotation(row.annotation, frame)
                    found = self._at(_with_default(annotation, frame, row.value), rest, depth + 1)
                    checked = ("?validator",) if has_validator(symbol, name) else ()
                    return found._replace(tokens=(*found.tokens, *checked))
        if name == VALUE:
            return Declared((), ("?value of a model",))
        return Declared((), () if self.is_open(owner) else ("?attribute",))

    def is_open(self, owner: Symbol) -> bool:
        """Whether a model takes fields that it does not declare."""
        for symbol in self.evaluator.lineage(owner):
            if symbol.unit is None or symbol.kind != "scope":
                continue
            rows = symbol.unit.scopes[symbol.scope].assignments
            for row in rows:
                if row.target == "model_config" and '"allow"' in _written(row.value, symbol):
                    return True
        return False

    def _whole(self, annotation: Annotation) -> Declared:
        names: list[str] = []
        model: Symbol | None = None
        for core in _alternatives(annotation.core):
            name = core[1] if isinstance(core, list) and core[0] == "i" else core
            plain = str(name).rpartition(".")[2] if isinstance(name, str) else ""
            names.append(self._kind(plain, core, annotation.frame))
            model = model or self._model(core, annotation.frame)
        tokens = [name for name in names if name not in _TEXT and name]
        sure = tokens if all(n not in _TEXT for n in names) else ()
        return Declared(tuple(names), (*sure, *_constraints(annotation)), model)

    def _kind(self, plain: str, core: Term, frame: Frame) -> str:
        if not isinstance(core, str):
            return plain
        for symbol in self.evaluator.classes_in(core, frame):
            for above in self.evaluator.lineage(symbol):
                last = above.dotted().rpartition(".")[2]
                if last in ("Enum", "StrEnum", "IntEnum"):
                    return "Enum"
        return plain

    def _model(self, core: Term, frame: Frame) -> Symbol | None:
        for symbol in self.evaluator.classes_in(core, frame):
            if is_class(symbol):
                return symbol
        return None


def _written(term: Term, symbol: Symbol) -> str:
    unit = symbol.unit
    words = render(term, unit) if unit is not None else ""
    return words.replace("'", '"')


def _alternatives(core: Term) -> Iterator[Term]:
    """The types of a union, ``None`` aside."""
    match core:
        case ["b", "|", left, right]:
            yield from _alternatives(left)
            yield from _alternatives(right)
        case ["i", str(name), *items] if name.rpartition(".")[2] in _WRAPPERS:
            for item in items:
                yield from _alternatives(item)
        case ["k", None] | "None":
            return
        case _:
            yield core


def _with_default(annotation: Annotation, frame: Frame, default: Term) -> Annotation:
    """The marks of a default (``= Query(…)``) stand beside those of the annotation."""
    written = (*annotation.written, (frame.unit, default))
    return Annotation(annotation.core, annotation.frame, (), None, written)


def _constraints(annotation: Annotation) -> Iterator[str]:
    """Tokens of what ``Query(…)``, ``Field(…)``, ``StringConstraints(…)``, ``constr(…)`` demand."""
    for unit, term in (*annotation.written, (annotation.frame.unit, annotation.core)):
        if not isinstance(term, list) or not term or term[0] != "c":
            continue
        row = unit.facts.calls[term[1]]
        for key, value in row.keywords:
            if key in ("pattern", "regex"):
                words = value[1] if isinstance(value, list) and value[0] == "s" else ""
                yield "pattern" if _is_narrow(str(words)) else "?pattern"
        if str(row.callee).endswith(("Validator", "Predicate")):
            yield "?validator"


def _is_narrow(pattern: str) -> bool:
    """Whether a pattern is anchored at both ends and names every character that it lets pass."""
    bare = pattern.removeprefix("(?i)")
    anchored = bare.startswith(("^", r"\A")) and bare.endswith(("$", r"\Z", r"\z"))
    wild = re.search(r"(?<!\\)\.|\\[SDW]|\[\^", bare)
    return anchored and wild is None


def has_validator(owner: Symbol, name: str) -> bool:
    """Whether a class has a validator of its own for a field."""
    unit = owner.unit
    if unit is None:
        return False
    for index in unit.inner.get(owner.scope, {}).values():
        for term, _, _ in unit.scopes[index].decorators:
            row = unit.facts.calls[term[1]] if isinstance(term, list) and term[0] == "c" else None
            if row is None or str(row.callee).rpartition(".")[2] not in _VALIDATORS:
                continue
            if any(argument in (["s", name], ["s", "*"]) for argument in row.arguments):
                return True
    return False


_VALIDATORS = frozenset({"field_validator", "validator"})
