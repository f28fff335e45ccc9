"""What limits a value before it is used: tests around it, checks in front of it, parsers.

Each limit has a *token*; `strength` says for which kinds of harm a token is enough. A token with
``?`` in front is a test or function that was seen and not understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import MappingProxyType

from fastwright.survey.bindings import reaching
from fastwright.survey.body import CAUGHT, Body, same_part
from fastwright.survey.facts import Branch, CallFact, Term, inner_terms
from fastwright.survey.held import Held, Helds
from fastwright.survey.names import Symbol
from fastwright.survey.wiring import last_name, receiver_of

Proved = list[tuple[Held, str]]
Resolve = Callable[[Body, CallFact], Symbol | None]

_ALWAYS = frozenset({
    "in", "==", "isdigit", "isalnum", "isalpha", "isidentifier", "isnumeric", "isdecimal",
    "fullmatch", "match", "isinstance", "int", "float", "bool", "UUID", "datetime", "date", "time",
    "timedelta", "Decimal", "Enum", "Literal", "pattern", "ip_address", "ip_network", "declared",
    "slugify", "UUID4", "UUID1", "UUID5", "UUID7", "PositiveInt", "NonNegativeInt", "NegativeInt",
    "IPvAnyAddress", "IPv4Address", "Color", "ObjectId", "AwareDatetime", "NaiveDatetime", "Json",
    "ByteSize", "PositiveFloat", "NonNegativeFloat", "PastDate", "FutureDate", "StrictInt",
    "StrictBool", "StrictFloat", "conint", "ULID", "EmptyStr",
})  # fmt: skip
_ENOUGH = MappingProxyType({
    "path": frozenset({"is_relative_to", "relative_to", "commonpath", "basename", "without ..",
                       "secure_filename", "Path.name", "Path.stem", "Path.suffix", "segment",
                       "get_valid_filename", "without /", "BytesIO", "StringIO"}),
    "shell": frozenset({"quote"}),
    "pattern": frozenset({"escape"}),
    "html": frozenset({"escape", "clean", "linkify"}),
    "url": frozenset({"host", "segment"}),
    "redirect": frozenset({"host", "segment", "quote", "quote_plus", "urlencode", "path only"}),
    "sql": frozenset({"Identifier"}),
    "log": frozenset({"repr", "dumps", "SecretStr", "quote", "exclude", "masked"}),
    "read": frozenset({"size", "bounded"}),
})  # fmt: skip
_METHODS = frozenset({"isdigit", "isalnum", "isalpha", "isidentifier", "isnumeric", "isdecimal",
                      "is_relative_to"})  # fmt: skip
_PARSERS = frozenset({"int", "float", "UUID", "ip_address", "ip_network", "Decimal"})
_NUMBERS = frozenset({"int", "float", "bool", "UUID", "datetime", "date"})


def is_enough(token: str, kind: str) -> bool:
    """Whether a token ends the harm of a sink of that kind."""
    return token in _ENOUGH.get(kind, ()) or (token in _ALWAYS and kind != "read")


def is_doubt(token: str, kind: str) -> bool:
    """Whether a token may end it, for all that is known."""
    if is_enough(token, kind):
        return False
    return token.startswith(("?", "startswith", "without", "host")) or token in _DOUBTS


_DOUBTS = frozenset({"EmailStr", "HttpUrl", "AnyUrl", "AnyHttpUrl", "bounded", "search", "resolve",
                     "size", "validator", "is_relative_to", "hasattr", "UrlConstraints",
                     "Path.name", "clean", "SecretStr"})  # fmt: skip


class Limits:
    """Reads the tests of a body; `resolve` says what a call calls."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._known: dict[tuple[Body, tuple[int, int, int], bool], Proved] = {}
        self._around: dict[tuple[Body, tuple[int, int, int]], list[Branch] | None] = {}
        self._governed: dict[tuple[Body, int], list[tuple[Branch, bool]]] = {}

    def on(self, body: Body, held: Held, at: int) -> tuple[str, ...]:
        """The tokens of everything that limits `held` where it is used at offset `at`."""
        found: dict[str, None] = {}
        for branch, holds in self._governing(body, at):
            for other, token in self._of_branch(body, branch, holds=holds):
                if same_part(held, other):
                    found[token] = None
        return tuple(found)

    def _of_branch(self, body: Body, branch: Branch, *, holds: bool) -> Proved:
        """What a branch proves: read once, for tests are asked about each value behind them."""
        key = (body, branch[1:4], holds)
        if key not in self._known:
            self._known[key] = []
            self._known[key] = self.proved(body, branch.test, branch.start, holds=holds)
        return self._known[key]

    def _governing(self, body: Body, at: int) -> list[tuple[Branch, bool]]:
        """The branches whose tests are known to hold (or not) at an offset."""
        if (body, at) not in self._governed:
            self._governed[body, at] = list(self._read_governing(body, at))
        return self._governed[body, at]

    def _read_governing(self, body: Body, at: int) -> Iterator[tuple[Branch, bool]]:
        for branch in body.facts.branches:
            if branch.start <= at <= branch.end and branch.start < branch.end:
                yield branch, True
            elif branch.end < at <= branch.other or (
                at >= branch.other and self._ends(body, branch, at)
            ):
                yield branch, False

    def _ends(self, body: Body, branch: Branch, at: int) -> bool:
        """Whether a test does not hold behind it: it leaves, or replaces what it has tested."""
        key = (body, branch[1:4])
        if key not in self._around:
            left = bool(branch.leaves) or _replaces(body, branch)
            self._around[key] = _around(branch, body.facts.branches) if left else None
        around = self._around[key]
        return around is not None and all(b.start <= at <= b.end for b in around)

    def proved(self, body: Body, test: Term, at: int, *, holds: bool, depth: int = 0) -> Proved:
        """What is limited where `test` holds (or does not), and by which token."""
        if depth > 6:
            return []
        match test:
            case ["!", inner]:
                return self.proved(body, inner, at, holds=not holds, depth=depth + 1)
            case ["b", "and" | "or" as word, left, right]:
                one = self.proved(body, left, at, holds=holds, depth=depth + 1)
                two = self.proved(body, right, at, holds=holds, depth=depth + 1)
                return [*one, *two] if (word == "and") == holds else _either(one, two)
            case ["b", str(operator), left, right]:
                left, right = _measured(body, left), _measured(body, right)
                return list(self._compared(operator, body.held(left, at), body.held(right, at),
                                           (left, right), holds=holds))  # fmt: skip
            case ["c", int(index)]:
                return list(self._called(body, body.unit.facts.calls[index], at, holds=holds))
            case ["b", "is" | "is not" as word, str(name), ["k", None]]:
                return _looked_up(body, name, at) if holds == (word == "is not") else []
            case str() if test.isidentifier():
                return self._named(body, test, at, holds=holds, depth=depth)
        return []

    def _named(self, body: Body, name: str, at: int, *, holds: bool, depth: int) -> Proved:
        """A test by its name: ``ok = x in ALLOWED`` and then ``if not ok``."""
        found: Proved = []
        for row in reaching(body.facts.assignments, name, at):
            if isinstance(row.value, list) and row.value[0] in ("b", "!", "c"):
                found += self.proved(body, row.value, row.start, holds=holds, depth=depth + 1)
        found += _looked_up(body, name, at) if holds else []
        values = body.held(name, at) if not holds else ()
        return [*found, *((held, "EmptyStr") for held in values if not held.at)]

    def _compared(
        self, operator: str, left: Helds, right: Helds, terms: tuple[Term, Term], *, holds: bool
    ) -> Iterator[tuple[Held, str]]:  # fmt: skip
        if operator in ("in", "not in"):
            yield from _membership(left, right, terms, inside=holds == (operator == "in"))
        elif operator in ("==", "!=") and (operator == "==") == holds:
            values = left or right
            if not (left and right):
                yield from ((held, "==") for held in values)
        elif operator in ("<", ">", "<=", ">="):
            yield from ((held, "bounded") for held in (*left, *right))

    def _called(
        self, body: Body, row: CallFact, at: int, *, holds: bool
    ) -> Iterator[tuple[Held, str]]:  # fmt: skip
        name, receiver = last_name(row.callee), receiver_of(row.callee)
        callee = self._resolve(body, row)
        on = body.held(receiver, at) if receiver is not None else ()
        given = tuple(h for term in row.arguments for h in _asked(body, term, at))
        if name in _METHODS and on:
            yield from ((held, name) for held in on if holds)
        elif name in ("startswith", "endswith") and on:
            lead = row.arguments[0][1] if _is_text(row.arguments) else ""
            token = _start(str(lead), passed=any("resolve" in h.passed for h in on))
            outside = not holds and _is_outside(row.arguments)
            token = "path only" if outside else token
            yield from ((h, token) for h in on if name == "startswith" and (holds or outside))
        elif name in ("match", "fullmatch", "search") and given and not on:
            yield from ((held, name) for held in given if holds)
        elif name == "isinstance" and row.arguments:
            known = str(row.arguments[-1]).rpartition(".")[2] in _NUMBERS
            narrowed = holds and (known or any(h.root == CAUGHT for h in given))
            yield from ((h, "isinstance") for h in given if narrowed)
        elif name not in ("len", "bool"):
            if name == "any" and holds:
                yield from self._one_holds(body, row, at)
            ours = callee is not None and callee.kind == "scope"
            yield from ((held, f"?{name}") for held in given if ours or callee is not None)

    def _one_holds(self, body: Body, row: CallFact, at: int) -> Proved:
        """``any(host == known for known in HOSTS)``: the test holds of one of them."""
        match row.arguments:
            case [["g", element, *_]]:
                return self.proved(body, element, at, holds=True, depth=1)
        return []

    def demanded(self, body: Body) -> Proved:
        """What a body has proved of its parameters, by raising where it is not so."""
        branches = [b for b in body.facts.branches if b.leaves == "raise"]
        outer = [b for b in branches if not any(_is_inside(b, o) for o in body.facts.branches)]
        return [p for b in outer for p in self.proved(body, b.test, b.start, holds=False)]

    def checks(self, body: Body, row: CallFact, at: int) -> Iterator[tuple[Held, str]]:
        """What a call limits by raising: a parser, or ``path.relative_to(folder)``."""
        name, receiver = last_name(row.callee), receiver_of(row.callee)
        if name == "relative_to" and receiver is not None:
            yield from ((held, name) for held in body.held(receiver, at))
        elif name in _PARSERS and len(row.arguments) == 1:
            yield from ((held, name) for held in body.held(row.arguments[0], at))


def _looked_up(body: Body, name: str, at: int) -> Proved:
    """A row, or an item of a list, that was found by a value: the value is one that is known."""
    found: Proved = []
    if body.held(name, at):  # it is the value itself, under another name
        return found
    for row in reaching(body.facts.assignments, name, at):
        called = row.value[1] if isinstance(row.value, list) and row.value[0] == "w" else row.value
        if row.value_span is not None and isinstance(called, list) and called[0] == "c":
            words = dict.fromkeys(_WORD.findall(body.unit.text(row.value_span)))
            found += [(h, "?found") for word in words for h in body.held(word, row.start)]
    return found


_WORD = re.compile(r"[^\W\d]\w*")
_MADE_OF = 2
"""How many names may stand between a test and what it tests: ``ok``, made of ``parts``."""


def _start(lead: str, *, passed: bool) -> str:
    host = lead.partition("://")[2]
    if "/" in host:
        return "host"
    return "is_relative_to" if passed else f"startswith {lead}"


def _asked(body: Body, term: Term, at: int) -> Helds:
    """What an argument of a test holds; of ``all(c in SAFE for c in name)``, the name."""
    match term:
        case ["g", _, *clauses]:
            return tuple(h for _, iterable in clauses for h in body.held(iterable, at))
    return body.held(term, at)


def _is_outside(terms: list[Term]) -> bool:
    """Whether ``startswith`` asks for ``//``, with which an address of another host begins."""
    given = terms[0] if terms else None
    items = given[1:] if isinstance(given, list) and given[0] == "l" else [given]
    return ["s", "//"] in items


def _measured(body: Body, term: Term) -> Term:
    """``len(value)`` stands for the value where it is compared."""
    if isinstance(term, list) and term and term[0] == "c":
        row = body.unit.facts.calls[term[1]]
        if row.callee == "len" and len(row.arguments) == 1:
            return row.arguments[0]
    return term


def _is_text(terms: list[Term]) -> bool:
    return bool(terms) and isinstance(terms[0], list) and terms[0][0] == "s"


def _membership(
    left: Helds, right: Helds, terms: tuple[Term, Term], *, inside: bool
) -> Iterator[tuple[Held, str]]:  # fmt: skip
    """An allow-list limits what is in it; ``".." not in name`` limits by what is not in it."""
    if left and not right and inside:
        yield from ((held, "in") for held in left)
    elif right and not left and inside and str(terms[1]).endswith(".parents"):
        yield from ((held, "is_relative_to") for held in right)
    elif right and not left and not inside and _is_text([terms[0]]):
        unwanted = ".." if ".." in str(terms[0][1]) else str(terms[0][1])
        yield from ((held, f"without {unwanted}") for held in right)


def _either(one: Proved, two: Proved) -> Proved:
    """What one of two tests proves: sure where both speak of the value, else a doubt."""
    found: Proved = []
    for own, others in ((one, two), (two, one)):
        for held, token in own:
            sure = any(same_part(held, other) for other, _ in others)
            found.append((held, token if sure else f"?{token.lstrip('?')}"))
    return found


def _replaces(body: Body, branch: Branch) -> bool:
    """``if sort not in COLUMNS: sort = "id"``, and the same behind ``known = sort in COLUMNS``."""
    rows = {
        row.target for row in body.facts.assignments
        if branch.start <= row.start <= branch.end and isinstance(row.target, str)
    }  # fmt: skip
    told = set(_names(body, branch.test)) if rows else set()
    for _ in range(_MADE_OF):
        if told.isdisjoint(rows):
            told |= set(_made_of(body, told, branch.start))
    return not rows.isdisjoint(told)


def _made_of(body: Body, names: set[str], at: int) -> Iterator[str]:
    """The words in what was last assigned to each of `names`."""
    for name in names:
        for row in reaching(body.facts.assignments, name, at):
            if row.value_span is not None:
                yield from _WORD.findall(body.unit.text(row.value_span))


def _names(body: Body, term: Term) -> Iterator[str]:
    """The names that a test reads."""
    if isinstance(term, str):
        yield term
        yield term.partition(".")[0]
        yield term.rpartition(".")[0]
    elif isinstance(term, list) and term and term[0] == "c":
        row = body.unit.facts.calls[term[1]]
        for inner in (row.callee, *row.arguments):
            yield from _names(body, inner)
    else:
        for inner in inner_terms(term):
            yield from _names(body, inner)


def _is_inside(inner: Branch, outer: Branch) -> bool:
    return outer is not inner and outer.start <= inner.start and inner.end <= outer.end


def _around(branch: Branch, branches: list[Branch]) -> list[Branch]:
    """The branches that `branch` stands in: where they hold, every way behind it has passed it."""
    around = [b for b in branches if b.start <= branch.start and branch.other <= b.end]
    return [b for b in around if b is not branch]
