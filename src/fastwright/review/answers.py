"""What an answer can hold: the fields of a response model, and of the models inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fastwright.model.app import AppMap, Field, Schema
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.model.storage import Table

_DOTTED = re.compile(r"[A-Za-z_][\w.]*")
_DEEPEST = 6
_SECRET = re.compile(
    r"^((hashed|encrypted)_?)?(pass(word|wd|phrase)|pwd)(_?(hash|digest|salt|encrypted|hashed))?$|"
    r"^(user|account|login|admin)_?password(_?hash)?$|"
    r"^hash(ed)?_?pass(word|wd)?$|^(totp|otp|mfa|two_?factor)_?secret$|^password_?salt$|"
    r"^(reset|recovery|verification|activation|confirmation)_?(password_?)?(token|code)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of an answer: the class that has it, its name, and where it is declared.

    `is_spare`: a base declares it, and ``None`` stands for it where nothing is given.
    """

    owner: str
    name: str
    annotation: str
    span: Span | None
    is_spare: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """The fields of one class, and the dotted names in their annotations."""

    leaves: tuple[Leaf, ...] = ()
    inner: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """The fields that routes of one map answer with."""

    app: AppMap

    @cached_property
    def _schemas(self) -> Mapping[str, Schema]:
        return {schema.name: schema for schema in self.app.schemas}

    @cached_property
    def _tables(self) -> Mapping[str, Table]:
        """Tables that are models of bodies too: those of SQLModel."""
        return {t.model: t for t in self.app.tables if t.model and t.mapper == "sqlmodel"}

    @cached_property
    def _parts(self) -> dict[str, Parts]:
        """What was read of each class; most are a part of the answers of many routes."""
        return {}

    def fields(self, route: Route) -> tuple[Leaf, ...]:
        """Every field of the response model of `route`; nothing where it has none of ours."""
        found: dict[str, Leaf] = {}
        seen: set[str] = set()
        level = tuple(_DOTTED.findall(route.response_model or ""))
        for _ in range(_DEEPEST + 1):
            fresh = [name for name in dict.fromkeys(level) if name not in seen]
            seen.update(fresh)
            parts = [self._of(name) for name in fresh]
            found.update(
                {f"{leaf.owner}.{leaf.name}": leaf for one in parts for leaf in one.leaves}
            )
            level = tuple(name for one in parts for name in one.inner)
        return tuple(found.values())

    def secrets(self, route: Route) -> tuple[Leaf, ...]:
        """The fields that hold a password, a hash of one, or what stands for one."""
        return tuple(f for f in self.fields(route) if is_secret(f.name) and not _masked(f))

    def _of(self, name: str) -> Parts:
        if name not in self._parts:
            self._parts[name] = self._read(name)
        return self._parts[name]

    def _read(self, name: str) -> Parts:
        table, schema = self._tables.get(name), self._schemas.get(name)
        if table is not None:
            columns = table.columns
            return Parts(tuple(Leaf(name, c.attribute, c.type or "", c.span) for c in columns))
        if schema is None:
            return Parts()
        fields = [f for f in schema.fields if ("exclude", "True") not in f.constraints]
        leaves = tuple(
            Leaf(
                name,
                field.name,
                field.annotation or "",
                field.span,
                is_spare=field.default == "None" and not _declares(schema, field),
            )
            for field in fields
        )
        written = (w for f in fields for w in _DOTTED.findall(_types(f.annotation or "")))
        return Parts(leaves, tuple(dict.fromkeys(self._resolved(w, name) for w in written)))

    def _resolved(self, written: str, owner: str) -> str:
        """The dotted name that a name means in the module of a class."""
        module = self.app.modules.get(owner.rpartition(".")[0])
        head, _, rest = written.partition(".")
        if module is None:
            return written
        dotted = module.imports.get(head, f"{module.name}.{head}" if module.name else head)
        return f"{dotted}.{rest}" if rest else dotted


def _declares(schema: Schema, field: Field) -> bool:
    """True where a field stands in the class itself, and not in a base."""
    at, body = field.span, schema.span
    if at is None or body is None:
        return True
    return at.path == body.path and body.start <= at.start < body.end


def _types(annotation: str) -> str:
    """An annotation without what `Annotated` adds to its type, and without quoted text."""
    plain = re.sub(r"\b\w+\([^()]*(\([^()]*\)[^()]*)*\)", "", annotation)
    if re.fullmatch(r"""["'][\w.\[\] |]+["']""", plain):
        return plain.strip("\"'")
    return re.sub(r"""(["'])[^"']*[ ][^"']*\1""", "", plain)


def is_secret(name: str) -> bool:
    """Whether a field or column of that name holds what nobody may read back."""
    return bool(_SECRET.match(name))


def _masked(leaf: Leaf) -> bool:
    return "Secret" in leaf.annotation or leaf.annotation in ("bool", "builtins.bool")
