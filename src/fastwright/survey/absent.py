"""Attributes that are read and not there: of enums, mapped classes, their rows, and bodies."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from types import MappingProxyType

from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.survey.bodies import Bodies
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.members import Members
from fastwright.survey.names import Symbol, is_class
from fastwright.survey.rows import Rows

_LIKE = 0.75
"""How alike a name must be to what is there to be offered in its place."""
_READ = re.compile(rb"\b(?<!\.)([^\W\d]\w*)\.([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_NARROWS = re.compile(r"\b(?:isinstance|hasattr|cast|type)\(\s*(?:\w+,\s*)?(\w+)\b")
_OPERATOR = re.compile(rb"\w+(?=\()")
_OPERATORS = MappingProxyType({
    "isnot": ("is_not", "isnot"), "isnull": ("is_",), "isnone": ("is_",), "notnull": ("is_not",),
    "isnotnull": ("is_not",), "isnotnone": ("is_not",), "notin": ("not_in", "notin_"),
    "like": ("like",), "ilike": ("ilike",), "notlike": ("not_like", "notlike"),
    "notilike": ("not_ilike", "notilike"), "startswith": ("startswith",),
    "endswith": ("endswith",), "isdistinctfrom": ("is_distinct_from",), "icontains": ("icontains",),
})  # fmt: skip
"""Operators of columns by their letters alone, as they are called."""


class Absent:
    """Finds such reads in the functions of one file after the other."""

    def __init__(self, members: Members, rows: Rows) -> None:
        self.members = members
        self.rows = rows
        self._bodies = Bodies(members)
        self._evaluator: Evaluator = members.classes.evaluator

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """What the functions of a file read of classes and rows that have no such attribute."""
        classes = self._classes(unit)
        rows = self._rows(unit)
        if not classes and not rows:
            return
        wanted = {name.encode() for name in (*classes, *rows)}
        for hit in (hit for hit in _READ.finditer(unit.content) if hit[1] in wanted):
            name = hit[1].decode()
            scope = scope_at(unit, hit.start())
            held = next((r for r in rows.get(name, ()) if r[0] == scope), None)
            if held is not None and held[1] <= hit.start():
                told = list(self._absent(unit, scope, hit, held[2], far=True))
                if told and self._is_borne_out(unit, scope, name, held[2]):
                    yield from told
            elif name in classes:
                symbol = self._evaluator.names.lookup(unit, scope, name)
                if symbol is not None and self._is_closed(symbol):
                    yield from self._absent(unit, scope, hit, symbol, far=False)

    def _classes(self, unit: Unit) -> set[str]:
        """The names in a file for classes all of whose members are known."""
        names = self._evaluator.names
        return {
            name
            for index, scope in enumerate(unit.scopes)
            if not index or scope.imports
            for name, bound in names.bindings(unit, index).items()
            if name[:1].isupper() and (bound == "scope" or not isinstance(bound, str))
            if self._is_closed(names.lookup(unit, index, name))
        }

    def _rows(self, unit: Unit) -> dict[str, list[tuple[int, int, Symbol]]]:
        """The local names of functions that hold rows: function, from where on, and class."""
        found: dict[str, list[tuple[int, int, Symbol]]] = {}
        for index, scope in enumerate(unit.scopes):
            if scope.kind == "f":
                held = (*self.rows.of(unit, index), *self._bodies.of(unit, index))
                for name, start, model in held:
                    found.setdefault(name, []).append((index, start, model))
        return found

    def _is_borne_out(self, unit: Unit, index: int, name: str, model: Symbol) -> bool:
        """True where what is read of a parameter bears out its annotation, or a dependency does.

        An annotation alone may be wrong; a name that is asked what it is may be anything. Those of
        models of pydantic are held against the calls of the function where the mistake is told.
        """
        scope = unit.scopes[index]
        text, known = unit.text((scope.body, scope.body_end)), self.members.of(model)
        read = set(re.findall(rf"(?<![\w.]){name}\.(\w+)", text)) - {"id"}
        is_said = name in (p.name for p in scope.parameters)
        is_said = is_said and not self.rows.is_injected(unit, index, name)
        is_said = is_said and not self.members.is_schema(model)
        agrees = known is not None and (not is_said or bool(read & known))
        return agrees and name not in _NARROWS.findall(text)

    def _is_closed(self, symbol: Symbol | None) -> bool:
        """True for a class whose own attributes are known; those of a model are its objects'."""
        is_ours = symbol is not None and is_class(symbol) and not self.members.is_schema(symbol)
        return symbol is not None and is_ours and self.members.of(symbol) is not None

    def _absent(
        self, unit: Unit, scope: int, hit: re.Match[bytes], model: Symbol, *, far: bool
    ) -> Iterator[Mistake]:
        """The mistake of one read, through relations to other rows where it goes on."""
        at, parts = hit.end(1) + 1, hit[2].decode().split(".")
        for part in parts:
            known = self.members.of(model)
            if known is None:
                return
            if part not in known and not self.members.is_given(part, model):
                yield from self._told(unit, scope, (hit.start(), at + len(part.encode())), model)
                return
            at += len(part.encode()) + 1
            if not far:
                yield from self._misnamed(unit, scope, (hit.start(), at), model)
            following = self.rows.related(model, part) if far else None
            if following is None:
                return
            model = following

    def _misnamed(
        self, unit: Unit, scope: int, column: tuple[int, int], model: Symbol
    ) -> Iterator[Mistake]:
        """``Model.column.isNull()``: an operator of SQLAlchemy under a name that it has not."""
        found = _OPERATOR.match(unit.content, column[1])
        written = found[0].decode() if found is not None else ""
        meant = _OPERATORS.get(written.lower().replace("_", ""))
        if found is None or meant is None or written in meant or not self.members.is_row(model):
            return
        at = (column[0], found.end())
        if unit.scopes[scope].kind == "f" and _is_read(unit, *at):
            whole = unit.text(at)
            head = whole.removesuffix(written)
            why = f"a column has no operator `{written}`, but `{meant[0]}`"
            yield Mistake(unit.dotted(scope), Span(unit.path, *at), "AttributeError", why,
                          f"{head}{meant[0]}")  # fmt: skip

    def _told(
        self, unit: Unit, scope: int, at: tuple[int, int], model: Symbol
    ) -> Iterator[Mistake]:
        if unit.scopes[scope].kind != "f" or not _is_read(unit, *at):
            return
        written = unit.text(at)
        head, _, part = written.rpartition(".")
        name = model.dotted().rpartition(".")[2]
        near = self._meant(model, part)
        is_schema = self.members.is_schema(model)
        what = "attribute" if is_schema or self.members.is_row(model) else "member"
        why = f"`{name}` has no {what} `{part}`" + (f", but `{near}`" if near else "")
        span = Span(unit.path, *at)
        instead = f"{head}.{near}" if near else ""
        owner = model.dotted() if is_schema else ""
        yield Mistake(unit.dotted(scope), span, "AttributeError", why, instead, owner)

    def _meant(self, model: Symbol, part: str) -> str:
        """What was meant: the same words in another case or order, or a member nearly alike."""
        known = sorted(self.members.of(model) or ())
        words = sorted(part.lower().split("_"))
        same = [name for name in known if sorted(name.lower().split("_")) == words]
        like = 1 if self.members.is_row(model) or self.members.is_schema(model) else _LIKE
        return next(iter(same or difflib.get_close_matches(part, known, 1, like)), "")


def scope_at(unit: Unit, offset: int) -> int:
    """The innermost scope in whose body a place stands."""
    found = 0
    for index, scope in enumerate(unit.scopes):
        if index and scope.body <= offset < scope.body_end:
            found = index
    return found


def _is_read(unit: Unit, start: int, end: int) -> bool:
    """True where code reads the attribute there, and does not set it or ask whether it is there."""
    node = next((n for n in _nodes(unit, start, end) if n.type == "attribute"), None)
    if node is None or node.start_byte != start or node.end_byte != end:
        return False
    above, parent = node, node.parent
    while parent is not None and parent.type in ("pattern_list", "tuple_pattern", "list_pattern"):
        above, parent = parent, parent.parent
    if parent is None or parent.type in ("delete_statement", "type"):
        return False
    if parent.type == "assignment":
        return parent.child_by_field_name("left") != above
    return not (parent.type == "for_statement" and parent.child_by_field_name("left") == above)


def _nodes(unit: Unit, start: int, end: int) -> Iterator[Node]:
    return reversed(list(syntax.around(syntax.parse(unit.content), start, end)))
