"""The ``Cache-Control`` of an answer, through middleware of the app's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.source.layout import text_of
from fastwright.source.syntax import parse, walk

_HEADER = re.compile(r"(?i)(?P<headers>[\w.]+\.headers)\[(?P<key>[\"']cache-control[\"'])\]")


def ensure_own_caching(app: AppMap, *, why: str) -> tuple[Change, ...]:
    """Have middleware leave the ``Cache-Control`` of an answer that has one.

    Nothing where none of the app's own middleware sets it, or it asks before.
    """
    return tuple(
        edit
        for function in app.functions
        if _is_middleware(function)
        for edit in _kept(app, function, why)
    )


def _is_middleware(function: Function) -> bool:
    """True for what is handed a request and what comes next."""
    return function.parameters[-1:] == ("call_next",)


def _kept(app: AppMap, function: Function, why: str) -> Iterator[Edit]:
    path, start = function.span.path, function.span.start
    text = app.text(function.span)
    if re.search(r"(?i)[\"']cache-control[\"']\s*(not )?in\b", text):
        return
    for node in walk(parse(text.encode())):
        match = _HEADER.fullmatch(text_of(node.child_by_field_name("left")))
        value = node.child_by_field_name("right")
        if node.type == "assignment" and match and value is not None:
            line = f"{match['headers']}.setdefault({match['key']}, {text_of(value)})"
            yield Edit(Span(path, start + node.start_byte, start + node.end_byte), line, why)
