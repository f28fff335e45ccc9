"""Texts of clients that the database is to compare with a column of UUIDs or whole numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Parameter, Route
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.dialects import is_postgres_alone
from fastwright.review.nets import errors_of, stays
from fastwright.review.reach import reach
from fastwright.review.row_tables import mapped_by_name
from fastwright.review.sent_values import Way, sent, ways

_TYPES = frozenset({"UUID", "Uuid", "PG_UUID", "Integer", "BigInteger", "SmallInteger", "int"})
_COMPARED = re.compile(
    r"(?<![\w.])(?P<model>[A-Z]\w*)\.(?P<column>\w+)\s*==\s*(?P<name>[a-z_]\w*)\b(?!\s*[.(\[+%])"
)
_GOT = re.compile(r"\.get(?:_one)?\(\s*(?P<model>[A-Z]\w*)\s*,\s*(?P<name>[a-z_]\w*)\s*(?=[,)])")
_LINEAGE = ("DataError", "DBAPIError", "StatementError", "SQLAlchemyError", "Exception")
_ASKS = r"(?i)\b\w*(?:valid|uuid|check|parse|is_?digit|match|int|convert|cast)\w*\([^()\n]*\b{}\b"


@dataclass(frozen=True, slots=True)
class TextKey:
    """A parameter of text, as it came, that `at` compares with a column of another type.

    `declared` is where it says that it is a text; `is_alone` where nothing but this is done with it
    on the way.
    """

    route: Route
    parameter: Parameter
    table: Table
    column: Column
    declared: Span
    at: Span
    is_alone: bool

    @property
    def kind(self) -> str:
        """What the column holds, dotted."""
        return "uuid.UUID" if "uid" in (self.column.type or "").lower() else "int"


def text_keys(app: AppMap) -> Iterator[TextKey]:
    """Every text of a path or query that meets such a column of PostgreSQL, each once."""
    if not is_postgres_alone(app):
        return
    told: set[Span] = set()
    for route in app.routes:
        if route.reachable and any(map(_is_text, route.parameters)):
            for way in ways(app, route):
                for found in _of_way(app, way):
                    if found.declared not in told:
                        told.add(found.declared)
                        yield found


def _is_text(parameter: Parameter) -> bool:
    is_sent = parameter.source in ("path", "query")
    return is_sent and parameter.annotation == "str" and not parameter.constraints


def _of_way(app: AppMap, way: Way) -> Iterator[TextKey]:
    function = way.function
    text = app.text(function.span)
    for pattern in (_COMPARED, _GOT):
        for hit in pattern.finditer(text):
            table = mapped_by_name(app).get(hit["model"])
            start = function.span.start + len(text[: hit.start()].encode())
            column = _column(table, hit.groupdict().get("column"))
            if table is None or column is None or _is_remark(text, hit.start()):
                continue
            value = sent(app, way, hit["name"])
            parameter = value.declared if value is not None and not value.owner else None
            if not isinstance(parameter, Parameter) or not _is_text(parameter):
                continue
            if parameter.span and not _is_prepared(app, way, hit["name"], parameter.name, start):
                at = Span(function.span.path, start, start + len(hit[0].encode()))
                is_alone = _is_alone(app, way, {hit["name"], parameter.name})
                yield TextKey(way.route, parameter, table, column, parameter.span, at, is_alone)


def _column(table: Table | None, name: str | None) -> Column | None:
    """The column of that name, or the key, where it takes no text."""
    if table is None:
        return None
    keys = [c for c in table.columns if c.primary_key]
    one = table.column(name) if name else (keys[0] if len(keys) == 1 else None)
    return one if one is not None and one.type in _TYPES else None


def _is_remark(text: str, at: int) -> bool:
    return "#" in text[text.rfind("\n", 0, at) + 1 : at]


def _is_prepared(app: AppMap, way: Way, name: str, given: str, at: int) -> bool:
    """Whether the text was tested or changed on the way, or what the database says is caught."""
    places = [*((f, c.span.start) for f, c in zip(way.functions, way.via, strict=False)),
              (way.function, at)]  # fmt: skip
    for function, place in places:
        if stays(function, place, _LINEAGE) or _is_asked(app, function, (name, given), place):
            return True
    if _takes_for_rows(app, way):
        return True
    step = None
    if way.via:
        step = reach(app).way_to(way.functions[0], way.via[-1].span)
    return errors_of(app).is_answered(way.route, step, _LINEAGE)


def _is_asked(app: AppMap, function: Function, names: tuple[str, str], at: int) -> bool:
    """Whether a function binds the name anew, or asks what it holds, in front of a place."""
    text = app.text(Span(function.span.path, function.span.start, at))
    words = [b.words for b in function.blocks if b.kind == "arm" and b.start < at]
    for name in dict.fromkeys(names):
        is_bound = any(b.name == name and b.start < at for b in function.bindings)
        plain = re.compile(rf"(?:not\s+)?{name}(?:\s+is\s+(?:not\s+)?None)?")
        tested = any(re.search(rf"\b{name}\b", w) and not plain.fullmatch(w) for w in words)
        if is_bound or tested or re.search(_ASKS.format(name), text):
            return True
    return False


def _takes_for_rows(app: AppMap, way: Way) -> bool:
    """Whether a function on the way reads of a text what texts do not have, and so ends there."""
    for depth in range(1, len(way.functions) + 1):
        here = Way(way.route, way.functions[:depth], way.via[: depth - 1])
        text = app.text(here.function.span)
        for name, attribute in re.findall(r"(?<![\w.])([a-z_]\w*)\.(\w+)", text):
            value = sent(app, here, name) if name in here.function.parameters else None
            is_text = value is not None and not value.owner and value.type == "str"
            if is_text and not hasattr(str, attribute):
                return True
    return False


def _is_alone(app: AppMap, way: Way, names: set[str]) -> bool:
    """Whether each function on the way names the text once, beside the parameter that it is."""
    texts = [app.text(function.span) for function in way.functions]
    named = re.compile(rf"(?<![\w.{{/])(?:{'|'.join(names)})(?!\w)(?!\s*=[^=])")
    return all(len(named.findall(text)) <= 2 for text in texts)
