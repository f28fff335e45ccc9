"""What an expression can stand for, as far as source alone tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fastwright.survey.codebase import Unit
from fastwright.survey.names import Symbol

UNKNOWN_TEXT = "{?}"
"""Stands in a folded string for a part that is not known."""


@dataclass(frozen=True, slots=True)
class Const:
    """A string, number, truth value or ``None``; ``1`` and ``True`` are told apart by `kind`."""

    value: str | int | float | bool | None
    kind: str = ""

    @classmethod
    def of(cls, value: str | float | bool | None) -> Const:
        """The constant of `value`."""
        return cls(value, type(value).__name__)


@dataclass(frozen=True, slots=True)
class Ref:
    """A function, class, module or a name of another package."""

    symbol: Symbol


class Made(NamedTuple):
    """An object made by calling `of`, told from others by the place (and environment) of the call.

    `call` is -1 for an object of that class whose making was not seen.
    """

    of: Symbol
    unit: Unit | None = None
    call: int = -1
    env: Env = ()


MARK = "<call>"
"""The name that the call of a function has in the environment of what the function made."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of an object."""

    function: Symbol
    of: Value


class _Collection:
    """Keeps its hash: one that holds another many times over would be walked as many times."""

    __slots__ = ("_hash",)
    items: tuple[object, ...]
    _hash: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.items))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Seq(_Collection):
    """A list, tuple or set; each item is what it can stand for."""

    items: tuple[Values, ...]
    __hash__ = _Collection.__hash__


@dataclass(frozen=True, slots=True)
class Pairs(_Collection):
    """A dictionary."""

    items: tuple[tuple[Values, Values], ...]
    __hash__ = _Collection.__hash__


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be followed, and why."""

    why: str


Value: TypeAlias = Const | Ref | Made | Bound | Seq | Pairs | Unknown
Values: TypeAlias = tuple[Value, ...]
Env: TypeAlias = tuple[tuple[int, str, Values], ...]
"""What names of enclosing scopes (by index in their file) stand for in one call."""


class Frame(NamedTuple):
    """Where an expression stands: its file and scope, in which call, at which byte offset.

    `at` is -1 for the end of the scope.
    """

    unit: Unit
    scope: int = 0
    env: Env = ()
    at: int = -1


def text_of(values: Values) -> str | None:
    """The one string that `values` stand for; ``None`` where there is none or more than one."""
    found = {v.value for v in values if isinstance(v, Const) and isinstance(v.value, str)}
    return next(iter(found)) if len(found) == 1 else None


def of_every(made: Made) -> Made:
    """What methods see of an object that ``__init__`` makes: it, without one construction's values.

    What they register on it is so of the object of every construction.
    """
    in_method = any(name == "self" for _, name, _ in made.env)
    return made._replace(env=()) if in_method else made


def as_seen(made: Made) -> tuple[Made, ...]:
    """All that one object is taken for: by whoever has it, in methods, and where it was made."""
    env = made.env
    rest = (env[n:] for n in range(len(env) + 1) if all(row[1] == MARK for row in env[:n]))
    return tuple(dict.fromkeys((*(made._replace(env=e) for e in rest), of_every(made))))
