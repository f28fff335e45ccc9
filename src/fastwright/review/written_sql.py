"""SQL that stands as text in functions: what it asks, apart from the Python around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.storage import Column, Table
from fastwright.review.reach import reach
from fastwright.source.sql_conditions import conditions

_STRING = re.compile(
    r"(?P<quote>\"\"\"|'''|\"|')\s*(?i:select|insert\s+into|update|delete\s+from|with)\b"
    r"(?P<rest>(?s:.*?))(?P=quote)"
)
_RUNS = re.compile(r"[\w.]+\.(execute\w*|fetch\w*|scalars?|iterate)\(")
_BUILT = re.compile(r"\b(select|update|delete|insert|where|filter)\(")


def without_sql(app: AppMap, function: Function) -> str:
    """The text of a function without its SQL, and without the calls that run it."""
    encoded = app.text(function.span).encode()
    for call in reach(app).calls_in(function):
        start, end = call.span.start - function.span.start, call.span.end - function.span.start
        written = app.text(call.span)
        if _RUNS.match(written) and not _BUILT.search(written):
            encoded = encoded[:start] + b" " * (end - start) + encoded[end:]
    return _STRING.sub("", encoded.decode("utf-8", "replace"))


def sql_in(text: str) -> Iterator[str]:
    """The statements that stand as strings in a piece of Python."""
    for found in _STRING.finditer(text):
        yield found[0].strip(found["quote"][0])


def asks_for(app: AppMap, sql: str, table: Table, column: Column, parent: Table) -> bool:
    """Whether a statement may say below which row of `parent` a row of `table` has to be."""
    found = conditions(sql)
    if table.name not in found.tables:
        return False
    known = {t.name for t in app.tables} - {table.name}
    named = any(name == column.name and of not in known for of, name in found.columns)
    return named or parent.name in found.tables or not found.whole
