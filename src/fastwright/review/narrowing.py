"""The repair of a statement that finds too much: one more condition."""

from __future__ import annotations

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.reach import reach
from fastwright.source.imports import ensure_import


def narrowed(
    app: AppMap, table: Table, span: Span, wanted: tuple[Column, str], why: str
) -> tuple[Edit, ...]:
    """The statement at `span` with one more condition: a column of `table`, and what it equals.

    ``None`` and ``False`` are asked for by ``is_``. Nothing where its form is not known:
    ``select``, ``update``, ``delete`` and ``query`` of the table's class, and ``get`` by one key.
    """
    call = next((c for c in reach(app).calls_of(span.path) if c.span == span), None)
    if call is None or not call.arguments or table.model is None:
        return ()
    verb, model = call.text.rpartition(".")[2], call.arguments[0]
    column, value = wanted
    told = f".is_({value})" if value in ("None", "False") else f" == {value}"
    condition = f"{model}.{column.attribute}{told}"
    after = Span(span.path, span.end, span.end)
    if verb in ("select", "update", "delete"):
        return (Edit(after, f".where({condition})", why),)
    if verb == "query":
        return (Edit(after, f".filter({condition})", why),)
    keys = [c.attribute for c in table.columns if c.primary_key]
    if verb != "get" or len(call.arguments) != 2 or len(keys) != 1 or "." not in call.text:
        return ()
    module = "sqlmodel" if table.mapper == "sqlmodel" else "sqlalchemy"
    bound = ensure_import(app, span.path, module, "select")
    session = call.text.rpartition(".")[0]
    by_key = f"{model}.{keys[0]} == {call.arguments[1]}"
    written = f"{session}.scalar({bound.local}({model}).where({by_key}, {condition}))"
    return (*bound.edits, Edit(span, written, why))


def within(inner: Span, outer: Span) -> bool:
    """Whether a span lies in another."""
    return inner.path == outer.path and outer.start <= inner.start and inner.end <= outer.end
