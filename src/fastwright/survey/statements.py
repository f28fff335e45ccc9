"""Database statements in the text of one function: by class, by object, or as SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import Query
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.source.sql_conditions import conditions
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact, Term
from fastwright.survey.terms_text import render
from fastwright.survey.values import Const, Env, Frame, Made, Ref
from fastwright.survey.wiring import last_name, receiver_of

Rows = list[tuple[int, CallFact]]
"""The calls of a function, each with its place among those of the file."""

_STATEMENTS = MappingProxyType({
    "select": "select",
    "query": "select",
    "insert": "insert",
    "update": "update",
    "delete": "delete",
})  # fmt: skip
_ONE = frozenset({"first", "one", "one_or_none", "scalar", "scalar_one", "scalar_one_or_none",
                  "fetch_one", "fetchrow", "fetchval", "fetch_val", "fetchone", "get", "count",
                  "exists"})  # fmt: skip
_RAW = frozenset({"execute", "fetch_all", "fetch_one", "fetch_val", "fetch", "fetchrow", "fetchval",
                  "executemany", "execute_many", "iterate", "scalar", "scalars", "fetchone",
                  "fetchall"})  # fmt: skip
_TABLE = re.compile(r'\b(?:from|join|into|update)\s+"?([a-z_][\w.]*)"?', re.IGNORECASE)
_BINDS = frozenset({"bindparams", "execution_options"})
_PAGING = (r"order\s+by", "offset")
_LOADERS = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload",
                      "contains_eager", "raiseload"})  # fmt: skip
_NO_LOADERS = frozenset({"load_only", "defer", "undefer", "noload", "lazyload",
                         "with_loader_criteria"})  # fmt: skip
_DEEPEST = 8


@dataclass(slots=True)
class _Chain:
    """All calls that make one statement and take its result, by what they call.

    `is_shared`: a function was handed the statement, and may have added to it. `is_unfinished`:
    who calls the function is given the statement, to add to it and to run it.
    """

    calls: list[CallFact]
    names: set[str]
    is_shared: bool = False
    is_unfinished: bool = False


class Statements:
    """Reads the statements of functions, one function at a time."""

    def __init__(self, evaluator: Evaluator, tables: Iterable[Table]) -> None:
        self.evaluator = evaluator
        every = tuple(tables)
        self.tables = {t.model: t.name for t in every if t.model} | {t.name: t.name for t in every}
        self._columns = {t.name: frozenset(c.name for c in t.columns) for t in every}
        self._env: Env = ()

    def read(self, unit: Unit, rows: Rows, env: Env = ()) -> tuple[Query, ...]:
        """The statements among `rows`, the calls of a function whose names `env` knows."""
        self._env = env
        return tuple(self._read(unit, rows))

    def _frame(self, unit: Unit, row: CallFact) -> Frame:
        return Frame(unit, row.scope, self._env, row.start)

    def _read(self, unit: Unit, rows: Rows) -> Iterator[Query]:
        for index, row in rows:
            name = last_name(row.callee)
            query = None
            if name in _STATEMENTS:
                query = self._built(unit, index, row, rows)
            elif name == "get" and len(row.arguments) > 1:
                query = self._got(unit, row)
            elif name in ("add", "add_all", "merge"):
                query = self._added(unit, row)
            if query is None and name in _RAW:
                query = self._raw(unit, index, row, rows)
            if query is not None:
                yield query

    # -- statements built from classes -------------------------------------------------------

    def _built(self, unit: Unit, index: int, row: CallFact, rows: Rows) -> Query | None:
        receiver = receiver_of(row.callee)  # `notes.select()` of a table that is no class
        given = row.arguments or ([receiver] if isinstance(receiver, str) else [])
        tables = tuple(dict.fromkeys(t for a in given for t in self._table_of(unit, row, a)))
        there = () if tables else tuple(self._existing(unit, row.arguments or [receiver]))
        tables = tables or tuple(dict.fromkeys(name.partition(".")[0] for name in there))
        if not tables:
            return None
        chain = _chain(unit, index, row, rows)
        many = not there and not chain.names & _ONE
        joined = [t for c in chain.calls if "join" in last_name(c.callee)
                  for a in c.arguments[:1] for t in self._table_of(unit, c, a)]  # fmt: skip
        filters = (*there, *(f for c in chain.calls for f in self._filters(unit, c, tables[0])))
        filters += ("?",) * chain.is_unfinished
        eager = tuple(e for c in chain.calls for e in self._eager(unit, c))
        return Query(
            tuple(dict.fromkeys((*tables, *joined))), Span(unit.path, row.start, row.end), many,
            "limit" in chain.names or not many or chain.is_unfinished,
            self._kind(row, chain), eager, filters,
            ordered="order_by" in chain.names or chain.is_shared, skips="offset" in chain.names,
        )  # fmt: skip

    def _existing(self, unit: Unit, given: list[Term]) -> Iterator[str]:
        """The columns that ``select(exists().where(…))`` compares: it names its table in them."""
        for term in given:
            calls = tuple(_calls_of(unit, term))
            if calls and last_name(calls[-1].callee) == "exists":
                found = (f for c in calls for f in self._filters(unit, c, ""))
                yield from (f for f in found if f[0] not in "?.")

    def _kind(self, row: CallFact, chain: _Chain) -> str:
        name = last_name(row.callee)
        if name == "query":
            return next((n for n in ("delete", "update") if n in chain.names), "select")
        return _STATEMENTS[name]

    def _table_of(self, unit: Unit, row: CallFact, term: Term) -> Iterator[str]:
        match term:
            case str():
                names = [term, term.rpartition(".")[0], term.partition(".c.")[0],
                         term.partition(".__table__")[0]]  # fmt: skip
            case ["c", int(index)]:
                inner = unit.facts.calls[index]
                for argument in inner.arguments[:1]:
                    yield from self._table_of(unit, inner, argument)
                return
            case _:
                return
        for name in dict.fromkeys(filter(None, names)):
            dotted = self.evaluator.names.dotted(unit, row.scope, name)
            if dotted in self.tables:
                yield self.tables[dotted]
                return
            held = tuple(self._held_table(unit, row, name))
            if held:
                yield from held
                return

    def _held_table(self, unit: Unit, row: CallFact, name: str) -> Iterator[str]:
        """The table of a name that holds one, or the one mapped class (``self.model``)."""
        values = self.evaluator.values(name, self._frame(unit, row))
        classes = {v.symbol.dotted() for v in values if isinstance(v, Ref)}
        if len(classes) == 1:
            yield from (self.tables[one] for one in classes if one in self.tables)
        for value in values:
            if isinstance(value, Made) and value.unit is not None and value.call >= 0:
                call = value.unit.facts.calls[value.call]
                written = call.arguments[0] if call.arguments else None
                if isinstance(written, list) and written[0] == "s" and written[1] in self.tables:
                    yield str(written[1])

    def _filters(self, unit: Unit, call: CallFact, table: str) -> Iterator[str]:
        name = last_name(call.callee)
        if name == "filter_by":
            yield from ("?" if key == "**" else f"{table}.{key}" for key, _ in call.keywords)
        elif name in ("where", "filter"):
            for term in call.arguments:
                yield from ["?"] if _is_computed(unit, term) else self._compared(unit, call, term)

    def _compared(self, unit: Unit, call: CallFact, term: Term) -> Iterator[str]:
        match term:
            case ["b", "&" | "|" | "and" | "or", left, right]:
                yield from self._compared(unit, call, left)
                yield from self._compared(unit, call, right)
            case ["b", _, str(left), _]:
                for table in self._table_of(unit, call, left):
                    yield f"{table}.{left.rpartition('.')[2]}"
            case ["c", int(index)]:
                inner = unit.facts.calls[index]
                receiver = receiver_of(inner.callee)
                if last_name(inner.callee) in ("and_", "or_", "col"):
                    for argument in inner.arguments:
                        yield from self._compared(unit, inner, argument)
                elif isinstance(receiver, str):
                    yield from self._compared(unit, inner, ["b", "in", receiver, None])

    def _eager(self, unit: Unit, call: CallFact) -> Iterator[str]:
        for term in call.arguments if last_name(call.callee) == "options" else ():
            yield from self._loaded(unit, call, term)

    def _loaded(self, unit: Unit, call: CallFact, term: Term) -> Iterator[str]:
        """What a loader option loads, with those it is chained to; ``?`` for one made elsewhere."""
        if not (isinstance(term, list) and term and term[0] == "c"):
            yield "?"
            return
        inner = unit.facts.calls[term[1]]
        receiver, name = receiver_of(inner.callee), last_name(inner.callee)
        if isinstance(receiver, list):
            yield from self._loaded(unit, call, receiver)
        if name in _LOADERS:
            yield from (self._path(unit, call, argument) for argument in inner.arguments)
        elif name not in _NO_LOADERS:
            yield "?"

    def _path(self, unit: Unit, call: CallFact, term: Term) -> str:
        """A relationship as written; of what holds a mapped class, behind the name of that."""
        written = render(term, unit)
        owner, _, name = written.rpartition(".")
        if not owner.isidentifier() and isinstance(term, str):
            values = self.evaluator.values(owner, self._frame(unit, call))
            found = {v.symbol.dotted() for v in values if isinstance(v, Ref)}
            classes = [one.rpartition(".")[2] for one in found if one in self.tables]
            return f"{classes[0]}.{name}" if len(found) == len(classes) == 1 else written
        return written

    # -- statements by object or by text ----------------------------------------------------

    def _got(self, unit: Unit, row: CallFact) -> Query | None:
        tables = tuple(self._table_of(unit, row, row.arguments[0]))
        written = row.arguments[0]
        if not tables or not isinstance(written, str) or not self._is_class(unit, row, written):
            return None
        return Query(tables, Span(unit.path, row.start, row.end), many=False, bounded=True)

    def _is_class(self, unit: Unit, row: CallFact, written: str) -> bool:
        if self.evaluator.names.dotted(unit, row.scope, written) in self.tables:
            return True
        values = self.evaluator.values(written, self._frame(unit, row))
        return any(isinstance(v, Ref) and v.symbol.dotted() in self.tables for v in values)

    def _added(self, unit: Unit, row: CallFact) -> Query | None:
        frame = self._frame(unit, row)
        for term in row.arguments[:1]:
            for value in self.evaluator.values(term, frame):
                name = value.of.dotted() if isinstance(value, Made) else ""
                fetched = isinstance(value, Made) and value.call < 0 and _is_local(unit, row, term)
                if name in self.tables and not fetched:
                    span = Span(unit.path, row.start, row.end)
                    return Query(
                        (self.tables[name],), span, many=False, bounded=True, kind="insert"
                    )
        return None

    def _raw(self, unit: Unit, index: int, row: CallFact, rows: Rows) -> Query | None:
        terms = row.arguments[:1] or [t for k, t in row.keywords if k in ("query", "statement")]
        if not terms:
            return None
        written = self._text(unit, row, terms[0])
        words = written.split()
        kind = words[0].lower() if words else ""
        if kind not in ("select", "insert", "update", "delete", "with"):
            return None
        tables = tuple(dict.fromkeys(self._named(name) for name in _TABLE.findall(written)))
        many = not {last_name(row.callee), *_chain(unit, index, row, rows).names} & _ONE
        bounded = not many or bool(re.search(r"\blimit\b", written, re.IGNORECASE))
        kind = "select" if kind == "with" else kind
        span = Span(unit.path, row.start, row.end)
        ordered, skips = (bool(re.search(rf"\b{w}\b", written, re.IGNORECASE)) for w in _PAGING)
        return Query(
            tables, span, many, bounded, kind, filters=tuple(self._asked(written, tables)),
            ordered=ordered, skips=skips,
        )  # fmt: skip

    def _named(self, written: str) -> str:
        """The table of a name in SQL, which may have that of its schema before it."""
        name = written.lower()
        return name if name in self._columns else name.rpartition(".")[2]

    def _asked(self, written: str, tables: tuple[str, ...]) -> Iterator[str]:
        """The columns that SQL compares; one that names no table is of the only one that has it."""
        found = conditions(written)
        for of, name in found.columns:
            having = [t for t in tables if name in self._columns.get(t, ())]
            yield f"{of or (having if len(having) == 1 else [*tables, ''])[0]}.{name}"
        if not found.whole:
            yield "?"

    def _text(self, unit: Unit, row: CallFact, term: Term, depth: int = 0) -> str:
        """The statement that `term` is, through ``text(…)``; what is made of itself has none."""
        if depth > _DEEPEST:
            return ""
        if isinstance(term, list) and term[0] == "c":
            return self._wrapped(unit, term[1], depth)
        for value in self.evaluator.values(term, self._frame(unit, row)):
            if isinstance(value, Const) and isinstance(value.value, str):
                return value.value
            if isinstance(value, Made) and value.unit is not None and value.call >= 0:
                return self._wrapped(value.unit, value.call, depth)
        return ""

    def _wrapped(self, unit: Unit, index: int, depth: int) -> str:
        call = unit.facts.calls[index]
        made = receiver_of(call.callee)
        if last_name(call.callee) in _BINDS and made is not None:
            return self._text(unit, call, made, depth + 1)
        return self._text(unit, call, call.arguments[0], depth + 1) if call.arguments else ""


def _calls_of(unit: Unit, term: Term | None) -> Iterator[CallFact]:
    """The calls of a chain, the last that is made first."""
    match term:
        case ["c", int(index)]:
            call = unit.facts.calls[index]
            yield call
            yield from _calls_of(unit, receiver_of(call.callee))


def _is_local(unit: Unit, row: CallFact, term: Term) -> bool:
    """True for a name that a function itself assigns: a row that it is handed may be a new one."""
    return any(one.target == term for one in unit.scopes[row.scope].assignments)


def _is_computed(unit: Unit, term: Term) -> bool:
    """True for conditions whose columns are told at run time alone."""
    match term:
        case ["*", _]:
            return True
        case ["b", _, ["c", int(index)], _]:
            return bool(unit.facts.calls[index].callee == "getattr")
    return False


def _chain(unit: Unit, index: int, row: CallFact, rows: Rows) -> _Chain:
    """Follows a statement outwards: methods on it, variables that hold it, what runs it."""
    held = {index}
    variables: set[str] = set()
    calls: list[CallFact] = []
    changed = True
    while changed:
        changed = False
        for assignment in unit.scopes[row.scope].assignments:
            value, name = assignment.value, assignment.target
            value = value[1] if isinstance(value, list) and value[0] == "w" else value
            holds = isinstance(value, list) and value[0] == "c" and value[1] in held
            if holds and isinstance(name, str) and name not in variables:
                variables.add(name)
                changed = True
        for place, call in rows:
            if place not in held and _takes(call, held, variables):
                held.add(place)
                calls.append(call)
                changed = True
    others = (c for at, c in rows if at not in held and last_name(c.callee) not in _PURE)
    shared = any(_holds(t, held, variables) for c in others for t in _given(c))
    names = {last_name(call.callee) for call in calls}
    given = any(_holds(term, held, variables) for term in unit.scopes[row.scope].values)
    return _Chain(calls, names, shared, given and not names & (_RUNS | _ONE | _ENDS))


def _takes(call: CallFact, held: set[int], variables: set[str]) -> bool:
    receiver = receiver_of(call.callee)
    terms = [receiver, *call.arguments] if last_name(call.callee) in _RUNS else [receiver]
    return any(_holds(term, held, variables) for term in terms)


def _given(call: CallFact) -> list[Term]:
    return [*call.arguments, *(term for _, term in call.keywords)]


def _holds(term: Term, held: set[int], variables: set[str]) -> bool:
    """True where a term is the statement, or a variable that holds it."""
    inner = term[1] if isinstance(term, list) and term and term[0] == "w" else term
    if isinstance(inner, str):
        return inner in variables
    return isinstance(inner, list) and bool(inner) and inner[0] == "c" and inner[1] in held


_PURE = frozenset({"select_from", "union", "union_all", "in_", "notin_", "exists", "select", "len",
                   "join", "outerjoin", "where", "filter", "list", "str", "print"})  # fmt: skip
_RUNS = _RAW | {"exec", "stream", "stream_scalars", "paginate"}
_ENDS = frozenset({"all", "mappings", "unique", "partitions", "values", "values_list", "returning"})
"""Methods that are called on what a statement gave, or that say all that it does."""
