"""Which table a name in a function holds a row of, as its text and what it calls tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.once import once
from fastwright.review.reach import last, reach

_MODEL = re.compile(r"\bself\._?model\b")
_SAID = re.compile(rb"(?m)(?:^ +_?model\s*(?::[^=\n]+)?=|super\(\).__init__\(|\bself\._?model\s*=)"
                   rb"\s*([\w., =]+)")  # fmt: skip
_DEEPEST = 6
_WORD = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*")
_CLASS = re.compile(r"(?<![\w\"'])[A-Z]\w*")


@once
def mapped_by_name(app: AppMap) -> Mapping[str, Table]:
    """The mapped classes by their last name, those left out that share one."""
    found: dict[str, list[Table]] = {}
    for table in app.tables:
        if table.model:
            found.setdefault(last(table.model), []).append(table)
    return {name: tables[0] for name, tables in found.items() if len(tables) == 1}


def table_of_row(app: AppMap, function: Function, name: str, at: int) -> Table | None:
    """The table that `name` holds a row of at the offset `at`; ``None`` where not known."""
    return _of_name(app, function, name, at, _DEEPEST) or _handed(app, function, name)


def _of_name(app: AppMap, function: Function, name: str, at: int, depth: int) -> Table | None:
    """The table of what a name was bound to last, or of its annotation."""
    bound = [b for b in function.bindings if b.name == name and b.end <= at]
    if not bound:
        said = next((text for known, text in function.annotations if known == name), "")
        return _named(app, said)
    if depth <= 0:
        return None
    last_one = max(bound, key=lambda b: b.start)
    span = Span(function.span.path, last_one.start, last_one.end)
    return _of_calls(app, function, span, depth) or _of_text(app, function, span, depth)


def _of_text(app: AppMap, function: Function, span: Span, depth: int) -> Table | None:
    """The first mapped class in an expression, or in what its names were bound to."""
    text = app.text(span)
    found = _named(app, text) or (_of_model(app, function) if _MODEL.search(text) else None)
    if found is not None:
        return found
    inner = {b.name for b in function.bindings if b.end <= span.start}
    for word in _WORD.findall(text):
        if word in inner:
            return _of_name(app, function, word, span.start, depth - 1)
    return None


def _of_model(app: AppMap, function: Function) -> Table | None:
    """The table of ``self.model``, where the class of a function says by itself which that is."""
    name = re.escape(last(function.class_name or "").encode())
    content = app.files[function.span.path]
    start = re.search(rb"(?m)^class %b\b(?P<bases>[^:]*):" % name, content) if name else None
    if start is None:
        return None
    body = content[start.end() :]
    end = re.search(rb"(?m)^\S", body)
    body = body[: end.start()] if end is not None else body
    said = [start["bases"], *(hit[1] for hit in _SAID.finditer(body))]
    found = {_named(app, text.decode("utf-8", "replace")) for text in said} - {None}
    return found.pop() if len(found) == 1 else None


def _of_calls(app: AppMap, function: Function, span: Span, depth: int) -> Table | None:
    """The table of a row that a function of ours gives, called by the whole expression."""
    start = span.start + len("await ") if app.text(span).startswith("await ") else span.start
    for call in reach(app).calls_in(function):
        if call.span.start != start or call.span.end != span.end:
            continue
        inner = reach(app).callee(call)
        if inner is None or (inner.class_name is not None and inner.name.endswith("__init__")):
            return None
        return _named(app, inner.returns or "") or _given(app, inner, depth - 1)
    return None


def _given(app: AppMap, function: Function, depth: int) -> Table | None:
    """The one table of the rows that a function returns."""
    values = {(s.value, s.start, s.end) for s in function.stops if s.kind == "return"}
    found = set()
    for value, start, end in values:
        if value in ("", "None"):
            continue
        if value.isidentifier():
            found.add(_of_name(app, function, value, start, depth))
        else:
            found.add(_of_text(app, function, Span(function.span.path, start, end), depth))
    return next(iter(found)) if len(found) == 1 else None


def _named(app: AppMap, text: str) -> Table | None:
    """The first mapped class that a text names by itself."""
    classes = mapped_by_name(app)
    return next((classes[word] for word in _CLASS.findall(text) if word in classes), None)


def _handed(app: AppMap, function: Function, name: str) -> Table | None:
    """The table of a row that a dependency gives to the parameter `name` of a handler."""
    if name not in function.parameters or any(b.name == name for b in function.bindings):
        return None
    given = {_of_dependency(app, route, name) for route in _answered(app).get(function.name, ())}
    return next(iter(given)) if len(given) == 1 else None


@once
def _answered(app: AppMap) -> Mapping[str, list[Route]]:
    found: dict[str, list[Route]] = {}
    for route in app.routes:
        found.setdefault(route.handler, []).append(route)
    return found


def _of_dependency(app: AppMap, route: Route, name: str) -> Table | None:
    node = next((d for d in route.dependencies if d.name == name), None)
    if node is None:
        return None
    given = (p.model for p in app.principals if p.dependency == node.call)
    model = node.returns or next(given, None)
    return app.table(model) if model else None
