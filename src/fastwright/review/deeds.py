"""What a route does to the row that a statement of its finds."""

from __future__ import annotations

import re
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.model.routing import Query, Route
from fastwright.review.narrowing import within

_OF_METHOD = MappingProxyType({"GET": "reads", "DELETE": "deletes"})
_OF_KIND = MappingProxyType({"update": "changes", "delete": "deletes"})


def deed(app: AppMap, route: Route, query: Query) -> str:
    """``reads``, ``changes`` or ``deletes``.

    A route that writes may only look at the row, and make one of another table below it. Where the
    row goes on to other code, the method of the route tells.
    """
    told = _OF_METHOD.get(route.method, "changes")
    if told != "changes" or query.kind != "select":
        return _OF_KIND.get(query.kind, told)
    function = innermost(app, query)
    name = holder(function, query) if function is not None else ""
    if function is None or not name:
        return told
    after = app.text(Span(function.span.path, query.span.end, function.span.end))
    written = rf"\b{name}\.\w+(?:\.\w+\(|\s*[-+*/|&]?=[^=])|\b{name}\.\w+\("
    handed = rf"[(,*]\s*{name}\s*[,)]|=\s*{name}\s*[,)]"
    return told if re.search(f"{written}|{handed}", after) else "reads"


def innermost(app: AppMap, query: Query) -> Function | None:
    """The function that makes a statement."""
    holding = [f for f in app.functions if within(query.span, f.span)]
    return min(holding, key=lambda f: f.span.end - f.span.start, default=None)


def holder(function: Function, query: Query) -> str:
    """The name that what a statement finds is bound to there; empty for none."""
    held = [b for b in function.bindings if b.start <= query.span.start < b.end]
    return max(held, key=lambda b: b.start).name if held else ""
