"""Which parameters of a route say how many rows it gives, and which rows it gives at all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.app import AppMap, Parameter, Query, Route, Schema
from fastwright.model.code import Call, Function
from fastwright.model.storage import Table
from fastwright.review.once import once
from fastwright.review.statements import is_of_column

_SIZE = re.compile(r"^(page_?)?(limit|size)$|^(items_?)?per_?page$|^(max_results|num_results|"
                   r"row_?limit|page_?count)$", re.IGNORECASE)  # fmt: skip
_PAGING = re.compile(
    r"limit|page|offset|skip|cursor|per_?page|size|top|first|last|after|before|since|batch|count",
    re.IGNORECASE,
)
_SERVED = re.compile(r"\.(?:table|from_)\(\s*['\"]")
"""How a service for tables is asked, such as Supabase, which caps the rows of an answer itself."""

_DEEPEST = 5
_LISTS = ("list", "List", "Sequence", "set", "tuple", "Page", "Iterable")


def is_size(parameter: Parameter) -> bool:
    """True for a number that a client gives for how many rows it wants."""
    if parameter.source not in ("query", None) or not is_size_name(parameter.name):
        return False
    return bool(re.search(r"\bint\b", core(parameter.annotation or "")))


def is_size_name(name: str) -> bool:
    """True for a name that page sizes have."""
    return _SIZE.match(name) is not None


def core(annotation: str) -> str:
    """The type inside of ``Annotated``, as written."""
    inside = re.match(r"(?:\w+\.)?Annotated\[\s*(.*)", annotation, re.DOTALL)
    return inside[1].partition(",")[0] if inside else annotation


def is_paged(app: AppMap, route: Route) -> bool:
    """True where anything that a client sends may say which part of the rows it wants."""
    if any(p.source != "path" and _PAGING.search(p.name) for p in route.parameters):
        return True
    called = {node.call for node in route.every_dependency()}
    if any(_PAGING.search(node.rpartition(".")[2]) for node in called):
        return True
    given = (p.name for name in called for p in _signature(app, name))
    fields = (f.name for s in app.schemas if s.name in called for f in s.fields)
    return any(_PAGING.search(name) for name in (*given, *fields))


def _signature(app: AppMap, name: str) -> tuple[Parameter, ...]:
    return app.signatures.get(name) or app.signatures.get(f"{name}.__init__") or ()


class Courses:
    """Follows a parameter by its name through calls of our functions to where rows are counted."""

    def __init__(self, app: AppMap) -> None:
        self._app = app
        self._functions: Mapping[str, Function] = {f.name: f for f in app.functions}
        self._by_last_name: dict[str, list[Function]] = defaultdict(list)
        for function in app.functions:
            self._by_last_name[function.name.rpartition(".")[2]].append(function)
        self._calls: dict[str, list[Call]] = {}
        for call in app.calls:
            self._calls.setdefault(call.caller, []).append(call)

    def limits(self, function: str, name: str, depth: int = 0, *, surely: bool = False) -> bool:
        """True where the value of `name` becomes a limit of rows as it came, tested nowhere.

        `surely` counts the limits of statements alone, not what a library is told by a keyword.
        """
        known = self._functions.get(function)
        if known is None or depth > _DEEPEST or self._is_tested(known, name):
            return False
        calls = self._calls.get(function, ())
        return any(self._through(call, name, depth, surely=surely) for call in calls)

    def _is_tested(self, function: Function, name: str) -> bool:
        word = re.compile(rf"\b{name}\b")
        calls = self._calls.get(function.name, ())
        clamped = any(c.text == "min" and any(word.search(a) for a in c.arguments) for c in calls)
        kept = any(c.target == name for c in calls)
        unpacked = re.search(rf"(?m)^[ \t]*(?:\w+, *)*{name}(?:, *\w+)* = ", self._text(function))
        among = unpacked is not None and "," in unpacked[0]
        compared = (b.words for b in function.blocks if b.kind == "arm" and word.search(b.words))
        compares = any("<" in words or ">" in words for words in compared)
        return clamped or kept or among or compares

    def _only(self, name: str) -> Function | None:
        """The one function of the project with a name, for a receiver whose type is not known."""
        found = self._by_last_name.get(name, ())
        return found[0] if len(found) == 1 and found[0].class_name is not None else None

    def _text(self, function: Function) -> str:
        return self._app.text(function.span)

    def _through(self, call: Call, name: str, depth: int, *, surely: bool) -> bool:
        last = call.text.rpartition(".")[2]
        by_name = [key for key, value in call.keywords if value == name]
        if last in ("limit", "fetch") and name in call.arguments:
            return not (surely and _SERVED.search(self._text(self._functions[call.caller])))
        callee = self._functions.get(call.callee or "") or self._only(last)
        if callee is None:  # a driver's or a library's own; what a class is made of goes anywhere
            own = not surely and not last[:1].isupper()
            return own and any(_SIZE.match(key) for key in by_name)
        passed = [*by_name, *_filled(callee, call.arguments, name)]
        return any(self.limits(callee.name, one, depth + 1, surely=surely) for one in passed)


def _filled(callee: Function, arguments: Sequence[str], name: str) -> Iterator[str]:
    """The parameters of `callee` that positional arguments called `name` fill."""
    own = callee.class_name is not None and callee.parameters[:1] in (("self",), ("cls",))
    parameters = callee.parameters[1:] if own else callee.parameters
    yield from (p for p, a in zip(parameters, arguments, strict=False) if a == name)


def listed(app: AppMap, route: Route) -> Iterator[tuple[Query, Table]]:
    """The statements whose rows a route answers with, all of them: no limit is set anywhere.

    A statement counts where the answer is declared as a list of a schema that has the columns of
    the statement's first table. One of a single column is a part of another, or gives its values.
    """
    elements = list(_elements(app, route.response_model or "", 0))
    for query in route.queries:
        if query.kind == "select" and query.many and not query.bounded and query.tables:
            table = app.table(query.tables[0])
            if table is None or is_of_column(app, query, table):
                continue
            if any(_shows(schema, table) for schema in elements):
                yield query, table


def _elements(app: AppMap, written: str, depth: int) -> Iterator[Schema]:
    """The schemas of which a type holds many."""
    inside = re.match(r"(?:[\w.]+\.)?(\w+)\[(.*)\]$", written.strip())
    if inside and inside[1] in _LISTS:
        named = inside[2].strip("\"' ")
        found = _by_last_name(app).get(named.rpartition(".")[2], ())
        yield from (s for s in found if s.name == named or "." not in inside[2])
    elif depth == 0:
        whole = next((s for s in app.schemas if s.name == written), None)
        for field in whole.fields if whole is not None else ():
            yield from _elements(app, field.annotation or "", depth + 1)


@once
def _by_last_name(app: AppMap) -> Mapping[str, Sequence[Schema]]:
    """The schemas by their names without the module."""
    found: dict[str, list[Schema]] = defaultdict(list)
    for schema in app.schemas:
        found[schema.name.rpartition(".")[2]].append(schema)
    return found


def _shows(schema: Schema, table: Table) -> bool:
    names = [field.name for field in schema.fields]
    columns = {c.attribute for c in table.columns}
    return len(names) > 1 and sum(n in columns for n in names) >= 0.6 * len(names)
