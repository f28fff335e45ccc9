"""What is read of one Python file, as values that survive JSON.

A file is a list of *scopes* (the module, each function, each class) and a list of *calls*.
Expressions are kept as small *terms*:

=====================  ==================================================
``"a.b.c"``            a name or attribute chain
``["s", text]``        a string literal
``["k", value]``       a number, ``True``, ``False`` or ``None``
``["f", parts…]``      an f-string; parts are terms
``["c", index]``       a call, by its place in `Facts.calls`
``["a", term, name]``  an attribute of something that is not a name
``["l", items…]``      a list, tuple or set
``["d", [key, value]…]``  a dictionary
``["i", term, items…]``  a subscript
``["b", op, left, right]``  a binary, boolean or comparison operator
``["?", test, yes, no]``  a conditional expression
``["w", term]``        ``await``
``["!", term]``        ``not``
``["*", term]``        ``*term`` (``["**", term]`` likewise)
``["g", element, [target, iterable]…]``  a comprehension
``["x", start, end]``  anything else, by its bytes
=====================  ==================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Term: TypeAlias = Any
"""One of the forms above; ``None`` where there is no expression."""

AWAITED, IN_LOOP, IN_EXCEPT = 1, 2, 4

VERSION = "5"
"""Changes whenever the extractor reads a file differently: old cached facts are then unread."""


def inner_terms(term: Term) -> list[Term]:
    """The terms that `term` is made of, calls not followed."""
    match term:
        case ["a", inner, _] | ["w" | "*" | "**" | "!", inner]:
            return [inner]
        case ["b", _, left, right]:
            return [left, right]
        case ["d", *pairs]:
            return [item for pair in pairs for item in pair]
        case ["g", element, *clauses]:
            return [element, *(iterable for _, iterable in clauses)]
        case ["l" | "f" | "i" | "?", *items]:
            return items
    return []


class CallFact(NamedTuple):
    """One call expression; offsets in bytes, `named` ends the called expression."""

    scope: int
    callee: Term
    arguments: list[Term]
    keywords: list[tuple[str, Term]]
    start: int
    named: int
    end: int
    flags: int
    condition: int
    loops: list[int]


class Assignment(NamedTuple):
    """``target: annotation = value``; a tuple of targets is a list of names."""

    target: Any
    annotation: Term
    annotation_span: list[int] | None
    value: Term
    value_span: list[int] | None
    start: int
    end: int
    condition: int
    loops: list[int]


class ParameterFact(NamedTuple):
    """One parameter; `kind` is ``""``, ``*``, ``**``, ``/`` (positional) or ``k`` (keyword)."""

    name: str
    kind: str
    annotation: Term
    annotation_span: list[int] | None
    default: Term
    default_span: list[int] | None


class Loop(NamedTuple):
    """``for target in iterable`` (a comprehension's too) and the bytes that it governs."""

    target: Any
    iterable: Term
    start: int
    end: int


class BlockFact(NamedTuple):
    """One block of statements (see `model.code.Block`); `words` and `alias` by their bytes."""

    kind: str
    start: int
    end: int
    group: int
    words: list[int] | None
    alias: list[int] | None


class StopFact(NamedTuple):
    """One ``return``, ``raise`` or ``yield``; `value` is the span of what it gives."""

    kind: str
    start: int
    end: int
    value: list[int] | None


class Import(NamedTuple):
    """`local` stands for `name` of `module` (``None``: the module itself), `level` dots up."""

    local: str
    module: str
    name: str | None
    level: int


class Branch(NamedTuple):
    """A test of an ``if``, ``elif`` or ``assert``, and the bytes that it governs.

    It holds from `start` to `end` and does not from `end` to `other`. `leaves` is ``raise``,
    ``return`` or ``skip`` (a turn of a loop) where what it governs ends in that, else empty: the
    test does not hold behind it.
    """

    test: Term
    start: int
    end: int
    other: int
    leaves: str


class Read(NamedTuple):
    """The first place in a scope where a name is read."""

    scope: int
    name: str
    start: int


class Catch(NamedTuple):
    """An ``except`` clause: the term of what it catches, the name it binds, and its bytes."""

    types: Term
    name: str
    start: int
    end: int


@dataclass(slots=True)
class Scope:
    """A module (``m``), function (``f``) or class (``c``) body.

    `start` and `end` include decorators; `body` is where the first statement starts, `body_end`
    where the last one ends. Terms of decorators, defaults and annotations belong to the outer
    scope `up`. `dropped` are the offsets at which calls end whose result is lost.
    `values` are returned, each by a statement that starts at its place in `returned`.
    """

    kind: str
    name: str
    up: int
    start: int
    end: int
    body: int
    body_end: int
    is_async: bool
    yields: bool
    parameters: list[ParameterFact]
    returns: Term
    returns_span: list[int] | None
    decorators: list[tuple[Term, int, int]]
    bases: list[Term]
    keywords: list[tuple[str, Term]]
    condition: int
    assignments: list[Assignment]
    imports: list[Import]
    loops: list[Loop]
    values: list[Term]
    yielded: list[Term]
    contexts: list[tuple[Term, Any]]
    raises: list[Term]
    blocks: list[BlockFact]
    stops: list[StopFact]
    dropped: list[int]
    returned: list[int]
    branches: list[Branch]
    catches: list[Catch]

    def is_method(self, scopes: list[Scope]) -> bool:
        """Whether it is a function of a class, and takes the object or class first."""
        static = any(term == "staticmethod" for term, _, _ in self.decorators)
        return self.up >= 0 and scopes[self.up].kind == "c" and not static


@dataclass(slots=True)
class Facts:
    """Everything read of one file; `conditions` are the tests that terms refer to by index.

    `unbound` are the names that are read and that nothing in the file binds.
    """

    errors: int
    scopes: list[Scope]
    calls: list[CallFact]
    conditions: list[str]
    quotes: tuple[int, int]
    unbound: list[Read]

    def to_json(self) -> list[Any]:
        """The facts as JSON-able lists; `from_json` is the inverse."""
        scopes = [[getattr(scope, name) for name in Scope.__slots__] for scope in self.scopes]
        return [self.errors, scopes, self.calls, self.conditions, self.quotes, self.unbound]

    @classmethod
    def from_json(cls, rows: list[Any]) -> Facts:
        """The facts that `to_json` wrote.

        Raises:
            ValueError, TypeError: `rows` were not written by this version.
        """
        errors, scopes, calls, conditions, quotes, unbound = rows
        return cls(
            errors,
            [_scope(row) for row in scopes],
            [CallFact(*row) for row in calls],
            conditions,
            (quotes[0], quotes[1]),
            [Read(*row) for row in unbound],
        )


def _scope(row: list[Any]) -> Scope:
    scope = Scope(*row)
    scope.parameters = [ParameterFact(*item) for item in scope.parameters]
    scope.assignments = [Assignment(*item) for item in scope.assignments]
    scope.imports = [Import(*item) for item in scope.imports]
    scope.blocks = [BlockFact(*item) for item in scope.blocks]
    scope.stops = [StopFact(*item) for item in scope.stops]
    scope.loops = [Loop(*item) for item in scope.loops]
    scope.branches = [Branch(*item) for item in scope.branches]
    scope.catches = [Catch(*item) for item in scope.catches]
    return scope
