"""Which rows the names of a function hold: of which table, and whether they were there before."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.code import Binding, Function
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.course import around, follows
from fastwright.review.once import once
from fastwright.review.reach import Reach, last, reach
from fastwright.review.statements import asked_at

_DEEPEST = 4
_OPTIONAL = frozenset({"arm", "for", "while", "except", "else"})
_MADE = re.compile(r"(?:\w+\.)*?(\w+)(?:\.(?:model_validate|from_orm|parse_obj))?\(")
_TAKEN = re.compile(
    r"\(*(?:await\s+)?(\w+)\.(?:(?:scalars|unique|mappings)\(\)\.)*"
    r"(?:scalar_one_or_none|scalar_one|one_or_none|one|first|scalar|scalars|all|unique)\("
)
_RUN = re.compile(r"\(*(?:await\s+)?[\w.]+\.(?:execute|scalars|scalar|exec)\(\s*(\w+)\s*[),]")
_NAME = re.compile(
    r"(?:list\()?\(*(\w+)\)*(?:\[0\])?(?:\s+(?:if\b.*\belse\s+None|or\s+None))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a name holds: a row of `table`, and whether the function has just made it."""

    table: Table
    is_new: bool = False


class Rows:
    """Follows names of functions back to the statements that fetch their rows."""

    def __init__(self, app: AppMap) -> None:
        self.app = app
        self.reached: Reach = reach(app)
        self._tables = {last(t.model): t for t in app.tables if t.model}
        self._models = {t.model: t for t in app.tables if t.model}
        self._injected = _injected(app)
        self._callers: dict[str, list[tuple[Function, str, int]]] = defaultdict(list)
        for ran in self.reached.ran() if self._models else ():
            self._read_callers(ran.function)

    def _read_callers(self, caller: Function) -> None:
        """Notes the rows whose own methods are called."""
        for call in self.reached.calls_in(caller):
            inner = self.reached.callee(call)
            if inner is not None and inner.class_name in self._models:
                name = call.text.rpartition(".")[0]
                self._callers[inner.name].append((caller, name, call.span.start))

    def held(self, function: Function, name: str, at: int) -> Row | None:
        """The row that `name` holds at the offset `at`, one that was there if it may be one."""
        return self._held(function, name, at, 0)

    def is_read(self, method: Function) -> bool:
        """Whether a method of a mapped class is called on a row that was there before."""
        return any(
            row is not None and not row.is_new
            for caller, name, at in self._callers.get(method.name, ())
            for row in (self.held(caller, name, at),)
        )

    def _held(self, function: Function, name: str, at: int, depth: int) -> Row | None:
        if name == "self":
            table = self._models.get(function.class_name or "")
            return Row(table) if table is not None else None
        if depth > _DEEPEST:
            return None
        found = [row for b in bindings_at(function, name, at)
                 if (row := self._bound(function, b, depth)) is not None]  # fmt: skip
        found += self._looped(function, name, at, depth)
        found = found or list(self._declared(function, name))
        return min(found, key=lambda row: row.is_new, default=None)

    def _bound(self, function: Function, binding: Binding, depth: int) -> Row | None:
        span = Span(function.span.path, binding.start, binding.end)
        text = self.app.text(span)
        made = _MADE.match(text)
        if made is not None and made[1] in self._tables:
            return Row(self._tables[made[1]], is_new=True)
        return self._looked_up(function, span, depth) or self._written(
            function, text, binding.start, depth
        )

    def _written(self, function: Function, text: str, at: int, depth: int) -> Row | None:
        """The row of an expression that names its class, or goes back to a name that does."""
        named = next((w for w in re.findall(r"\w+", text) if w in self._tables), None)
        if named is not None:
            return Row(self._tables[named])
        further = _RUN.match(text) or _TAKEN.match(text) or _NAME.fullmatch(text)
        return self._held(function, further[1], at, depth + 1) if further is not None else None

    def _looked_up(self, function: Function, span: Span, depth: int) -> Row | None:
        """The row that a function of ours gives, which a value is a call of."""
        for call in self.reached.calls_in(function):
            inside = span.start <= call.span.start and call.span.end == span.end
            inner = self.reached.callee(call) if inside else None
            if inner is None:
                continue
            words = re.findall(r"\w+", inner.returns or "")
            table = next((self._tables[w] for w in words if w in self._tables), None)
            row = Row(table) if table is not None else self._given(inner, depth)
            if row is not None:
                return Row(row.table, row.is_new or self._makes(inner, row.table))
        return None

    def _given(self, inner: Function, depth: int) -> Row | None:
        """The row that an undeclared function returns."""
        if inner.returns and not re.search(r"\bAny\b", inner.returns):
            return None
        texts = ((s.value, s.start) for s in inner.stops if s.kind == "return" and s.value)
        found = (self._written(inner, text, at, depth + 1) for text, at in texts
                 if _NAME.fullmatch(text) or _TAKEN.match(text))  # fmt: skip
        return next((row for row in found if row is not None), None)

    def _makes(self, inner: Function, table: Table) -> bool:
        """True for a function that makes a row, and asks for none."""
        calls = self.reached.calls_in(inner)
        asked = (asked_at(self.app).get(call.span) for call in calls)
        asks = any(q is not None and table.name in q.tables and q.kind == "select" for q in asked)
        return not asks and any(call.callee == table.model for call in calls)

    def _looped(self, function: Function, name: str, at: int, depth: int) -> Iterator[Row]:
        """The rows that a loop around a place goes over."""
        for block in around(function, at):
            if block.kind == "for" and block.names == (name,):
                row = self._written(function, block.words, block.group, depth)
                if row is not None:
                    yield row

    def _declared(self, function: Function, name: str) -> Iterator[Row]:
        texts = [text for one, text in function.annotations if one == name]
        texts += [self._injected.get((function.name, name), "")]
        for text in texts:
            words = re.findall(r"\w+", text)
            yield from (Row(self._tables[w]) for w in words if w in self._tables)


def bindings_at(function: Function, name: str, at: int) -> Iterator[Binding]:
    """The assignments to a name in front of a place that may hold there, latest first."""
    ours = {(b.start, b.end) for b in around(function, at)}
    rows = [b for b in function.bindings if b.name == name and b.end <= at]
    for binding in sorted(rows, key=lambda row: row.start, reverse=True):
        if not follows(function, binding.start, at):
            continue
        yield binding
        held = (b for b in around(function, binding.start) if b.kind in _OPTIONAL)
        if all((b.start, b.end) in ours for b in held):
            return


def _injected(app: AppMap) -> Mapping[tuple[str, str], str]:
    """What dependencies give to the parameters of handlers and of each other."""
    found: dict[tuple[str, str], str] = {}
    for route in app.routes:
        nodes = [(route.handler, n) for n in route.dependencies]
        nodes += [(n.call, child) for n in route.every_dependency() for child in n.children]
        for owner, node in nodes:
            if node.name and node.returns:
                found[owner, node.name] = last(node.returns)
    return found


@once
def rows_of(app: AppMap) -> Rows:
    """The rows that the functions of an app hold."""
    return Rows(app)
