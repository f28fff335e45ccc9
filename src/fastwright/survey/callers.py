"""What is done with the value that says who is calling: compared, filtered by, stored, handed on.

The caller is followed from the parameters that a principal fills into assignments and calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fastwright.model.app import Dependency, Route
from fastwright.model.places import Span
from fastwright.model.routing import CallerUse
from fastwright.survey.access import Access
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact
from fastwright.survey.names import Symbol
from fastwright.survey.queries import Queries
from fastwright.survey.relations import Relations
from fastwright.survey.wiring import last_name

_CONDITIONS = frozenset({"where", "filter", "filter_by", "having"})
_STORES = frozenset({"add", "refresh", "add_all", "merge", "values", "model_validate", "model_copy",
                     "update", "from_orm", "parse_obj", "insert"})  # fmt: skip
_TRANSPARENT = frozenset({"str", "int", "UUID", "len", "bool", "and_", "or_", "not_", "col",
                          "cast", "func", "dict", "in_"})  # fmt: skip
_LOGS = re.compile(r"(^|\.)(log(ger|ging)?|_log(ger)?|structlog)\b|^print$", re.IGNORECASE)
_QUOTED = re.compile(rb'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'|#[^\n]*')
_DEEPEST = 6
_LONGEST = 160


@dataclass(slots=True)
class Callers:
    """Follows the caller through functions; a function is read once for each set of names."""

    queries: Queries
    relations: Relations
    access: Access
    places: Mapping[str, Symbol]
    _read: dict[tuple[Symbol, frozenset[str]], tuple[CallerUse, ...]] = field(default_factory=dict)
    _refused: dict[Symbol, frozenset[int]] = field(default_factory=dict)

    def of_route(self, route: Route) -> tuple[CallerUse, ...]:
        """Every use of the caller by the handler of `route`, and by dependencies below guards."""
        principals = {g.name for g in route.guards if g.role in ("principal", "permission")}
        found: dict[Span, CallerUse] = {}
        starts = [(route.handler, route.dependencies)]
        nodes = [n for root in route.dependencies for n in root.walk() if n.scheme is None]
        starts += [(node.call, node.children) for node in nodes if node.call not in principals]
        for name, children in starts:
            symbol = self.places.get(name)
            carried = frozenset(c.name for c in children if c.name and _carries(c, principals))
            if symbol is not None and carried:
                found.update({use.span: use for use in self._uses(symbol, carried, 0)})
        return tuple(found.values())

    def refuses(self, route: Route) -> tuple[int, ...]:
        """Which of 401 and 403 the handler, or what it calls, can raise.

        A dependency that is no guard by itself, and has none below it, counts with what it calls.
        """
        guards = {guard.name for guard in route.guards}
        plain = (n.call for n in route.every_dependency() if not _carries(n, guards))
        starts = (self.places.get(name) for name in (route.handler, *plain))
        return tuple(sorted({s for f in starts if f is not None for s in self._refusals(f, 0)}))

    def _refusals(self, function: Symbol, depth: int) -> frozenset[int]:
        if function in self._refused or depth > _DEEPEST:
            return self._refused.get(function, frozenset())
        self._refused[function] = frozenset()  # functions that call each other end here
        found = set(self.access.refuses(function.dotted()))
        for below in self.queries.called(function):
            found |= self._refusals(below, depth + 1)
        self._refused[function] = frozenset(found)
        return self._refused[function]

    def _uses(self, function: Symbol, names: frozenset[str], depth: int) -> tuple[CallerUse, ...]:
        key = (function, names)
        if key not in self._read and depth <= _DEEPEST:
            self._read[key] = ()
            self._read[key] = tuple(self._found(function, names, depth))
        return self._read.get(key, ())

    def _found(self, function: Symbol, names: frozenset[str], depth: int) -> Iterator[CallerUse]:
        unit = function.unit
        if unit is None:
            return
        facts = unit.scopes[function.scope]
        carried = _carried(unit, function.scope, names)
        rows = [row for _, row in self.queries.rows(function)]
        for start, end in _occurrences(unit, facts.body, facts.body_end, carried):
            around = sorted((r for r in rows if r.start <= start < r.end), key=_size)
            row = _assigned_by(unit, function.scope, start, end)
            if row is not None and _is_plain(row.target) and isinstance(row.value, str):
                continue  # it only gets another name, which is followed for itself
            if row is not None and not _is_plain(row.target) and not around:
                line = (row.start, row.end)
                yield CallerUse("stored", _short(unit.text(line)), Span(unit.path, *line))
            else:
                yield from self._used(unit, around, start, depth)

    def _used(
        self, unit: Unit, around: list[CallFact], start: int, depth: int
    ) -> Iterator[CallerUse]:
        """The use that one occurrence is, by the innermost call around it that says something."""
        for row in around:
            name = last_name(row.callee)
            span = Span(unit.path, row.start, row.end)
            if start < row.named and name not in _CONDITIONS | _TRANSPARENT:
                break  # a method of the caller itself
            if name in _TRANSPARENT:
                continue
            written = unit.text((row.start, row.named))
            if _LOGS.search(written):
                return
            if name in _CONDITIONS:
                yield CallerUse("filtered", _short(unit.text((row.named, row.end))), span)
            else:
                yield from self._given(unit, row, start, depth)
            return
        line = _line(unit, start)
        yield CallerUse("read", _short(unit.text(line)), Span(unit.path, *line))

    def _given(self, unit: Unit, row: CallFact, start: int, depth: int) -> Iterator[CallerUse]:
        """What becomes of the caller as an argument: stored, followed, or lost from sight."""
        span = Span(unit.path, row.start, row.end)
        callee = self.relations.callee(unit, row)
        text = _short(unit.text((row.start, row.end)))
        name = last_name(row.callee)
        if callee is not None and callee.kind == "scope" and callee.unit is not None:
            if callee.unit.scopes[callee.scope].kind == "c":
                yield CallerUse("stored", text, span)
                return
            onward = _parameters_at(unit, row, start, callee)
            if onward:
                yield from self._uses(callee, onward, depth + 1)
                return
        yield CallerUse("stored" if name in _STORES else "passed", text, span)


def _carries(node: Dependency, principals: set[str]) -> bool:
    return any(inner.call in principals for inner in node.walk())


def _size(row: CallFact) -> int:
    return row.end - row.start


def _carried(unit: Unit, scope: int, names: frozenset[str]) -> frozenset[str]:
    """The names of a function that hold the caller or something of it."""
    carried = set(names)
    for _ in range(3):
        for row in unit.scopes[scope].assignments:
            if row.value_span and isinstance(row.target, str) and row.target.isidentifier():
                start, end = row.value_span
                is_call = isinstance(row.value, list) and row.value[:1] in (["c"], ["w"])
                if not is_call and any(_occurrences(unit, start, end, frozenset(carried))):
                    carried.add(row.target)
    return frozenset(carried)


def _occurrences(
    unit: Unit, start: int, end: int, names: frozenset[str]
) -> Iterator[tuple[int, int]]:
    """Where one of `names` stands in a run of bytes: not as a keyword, an attribute or a remark."""
    if not names:
        return
    pattern = rb"(?<![\w.'\"])(" + b"|".join(re.escape(n.encode()) for n in sorted(names))
    text = _QUOTED.sub(lambda found: b" " * len(found[0]), unit.content[start:end])
    for found in re.finditer(pattern + rb")\b(?!\s*=[^=])(?![\"'])", text):
        yield start + found.start(), start + found.end()


def _assigned_by(unit: Unit, scope: int, start: int, end: int) -> Assignment | None:
    """The assignment whose value holds the bytes."""
    for row in unit.scopes[scope].assignments:
        value = row.value_span
        if value is not None and value[0] <= start and end <= value[1]:
            return row
    return None


def _is_plain(target: object) -> bool:
    """A local name, or several: not an attribute or an item of something."""
    return not isinstance(target, str) or target.isidentifier()


def _parameters_at(unit: Unit, row: CallFact, start: int, callee: Symbol) -> frozenset[str]:
    """The parameters of `callee` whose argument in the call holds the byte `start`."""
    assert callee.unit is not None
    facts = callee.unit.scopes[callee.scope]
    free = [p.name for p in facts.parameters if p.kind == "" and p.name not in ("self", "cls")]
    known = {p.name for p in facts.parameters}
    written = unit.content[row.named : start].decode("utf-8", "replace")
    place, keyword = _argument(written)
    if keyword:
        return frozenset({keyword} & known)
    return frozenset(free[place : place + 1])


def _argument(written: str) -> tuple[int, str]:
    """Which argument follows `written`, the text from the opening bracket: its place or keyword."""
    depth, place, last = 0, 0, 0
    for at, letter in enumerate(written):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 1:
            place, last = place + 1, at + 1
    keyword = re.match(r"[\s(]*(\w+)\s*=(?!=)", written[last:])
    return place, keyword[1] if keyword else ""


def _line(unit: Unit, start: int) -> tuple[int, int]:
    first = unit.content.rfind(b"\n", 0, start) + 1
    last = unit.content.find(b"\n", start)
    text = unit.content[first : last if last >= 0 else None]
    indent = len(text) - len(text.lstrip())
    return first + indent, first + len(text)


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
