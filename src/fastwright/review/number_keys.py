"""Keys of UUIDs that code looks up by a whole number.

By ``session.get`` it is bound as the UUID that it is not, which raises. A comparison binds it as
the number that it is, for which PostgreSQL has no operator; other databases find no such row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Parameter
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.declared import is_declared
from fastwright.review.dialects import is_postgres_alone
from fastwright.review.once import once
from fastwright.review.raising import Failure, failure_at, is_passed
from fastwright.review.reach import last, reach
from fastwright.review.row_tables import mapped_by_name

_TYPES = frozenset({"UUID", "Uuid", "PG_UUID"})
_SENT = ("path", "query")
_COMPARED = re.compile(
    rb"(?<![\w.])(?P<model>[A-Z]\w*)\.(?P<column>\w+)\s*==\s*(?P<name>[a-z_]\w*)\b(?!\s*[.(\[+%])"
)
_GOT = frozenset({"get", "get_one"})
_QUERIED = re.compile(r"\.query\(\s*([A-Z]\w*)\s*\)\.get")
_RUN = frozenset({"execute", "exec", "scalars", "scalar", "scalar_one"})
_ENDS = frozenset({"first", "one", "all", "one_or_none", "scalar", "count", "delete", "update"})


def number_keys(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """The first such look-up that each run of a function comes to."""
    tables = [t for t in app.tables if any(_is_uuid(app, c) for c in t.columns)]
    for function in app.functions if tables else ():
        found = next(_of(app, function), None)
        if found is not None:
            yield function.name, found


def _of(app: AppMap, function: Function) -> Iterator[Failure]:
    is_strict = is_postgres_alone(app)
    for call in reach(app).calls_in(function):
        for at, model, column, name in (*_got(app, call), *_compared(app, call, is_strict)):
            if name not in function.parameters or not _is_run(function, call):
                continue
            one = _column(mapped_by_name(app).get(model), column)
            if one is None or not _is_uuid(app, one):
                continue
            passed = all(is_passed(app, function, place) for place in (call.span, at))
            if passed and is_declared(app, function, name, _is_int):
                why = f"`{model}.{one.attribute}` is a UUID, and `{name}` a whole number"
                error = "ProgrammingError" if column else "StatementError"
                yield failure_at(function, at, error, why)


def _is_int(parameter: Parameter) -> bool:
    return parameter.source in _SENT and parameter.annotation == "int"


def _is_uuid(app: AppMap, column: Column) -> bool:
    """True for a column of the UUIDs of SQLAlchemy, and of no type of ours by that name."""
    return column.type in _TYPES and column.type not in _own_types(app)


@once
def _own_types(app: AppMap) -> frozenset[str]:
    """The types by those names that modules of ours define."""
    return frozenset(name for m in app.modules.values() for name in _TYPES.intersection(m.names))


def _column(table: Table | None, name: str) -> Column | None:
    """The column of that name, or the one key."""
    if table is None or table.mapper == "core":
        return None
    keys = [c for c in table.columns if c.primary_key]
    return table.column(name) if name else (keys[0] if len(keys) == 1 else None)


def _is_run(function: Function, call: Call) -> bool:
    """True for a call that binds at once, and is no coroutine that nobody awaits."""
    is_plain = call.callee is not None and ".ext.asyncio" not in call.callee
    return call.awaited or is_plain or not function.is_async


def _got(app: AppMap, call: Call) -> Iterator[tuple[Span, str, str, str]]:
    """``session.get(Model, name)``, and ``session.query(Model).get(name)``."""
    if reach(app).callee(call) is not None:
        return
    at = Span(call.span.path, call.span.start, call.span.start + len(call.text.encode()))
    queried = _QUERIED.search(call.text)
    if queried is not None and queried.end() == len(call.text) and len(call.arguments) == 1:
        yield at, queried[1], "", call.arguments[0]
    elif last(call.text) in _GOT and len(call.arguments) == 2:
        yield at, call.arguments[0], "", call.arguments[1]


def _compared(app: AppMap, call: Call, is_strict: bool) -> Iterator[tuple[Span, str, str, str]]:
    """``Model.column == name`` in a statement that a call runs."""
    verb = call.text.rpartition(".")[2]
    asks = verb in _RUN or (verb in _ENDS and (".query(" in call.text))
    if not is_strict or not asks or reach(app).callee(call) is not None:
        return
    content = app.files[call.span.path]
    for hit in _COMPARED.finditer(content, call.span.start, call.span.end):
        line = content[content.rfind(b"\n", 0, hit.start()) + 1 : hit.start()]
        if b"#" not in line:
            at = Span(call.span.path, hit.start(), hit.end())
            model, column, name = (hit[key].decode() for key in ("model", "column", "name"))
            yield at, model, column, name
