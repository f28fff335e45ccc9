"""Arguments added to calls, and parameters to functions, in the shape that they have."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.places import Span
from fastwright.source import layout
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node

_EMPTY = re.compile(
    r"\.\.\.|pass|raise NotImplementedError\b.*|[rbuf]*(\"\"\"|'''|\"|').*\1", re.DOTALL
)
"""A statement of a body that does nothing yet."""


def keyword(call: Node, name: str) -> Node | None:
    """The value given for the keyword `name` in `call`."""
    arguments = call.child_by_field_name("arguments")
    for argument in arguments.named_children if arguments is not None else ():
        if argument.type == "keyword_argument" and _keyword_name(argument) == name:
            return argument.child_by_field_name("value")
    return None


def with_keyword(path: PurePosixPath, content: bytes, call: Node, written: str, why: str) -> Edit:
    """`call` with the further argument `written`, ``name=value``, in the layout of its others."""
    arguments = call.child_by_field_name("arguments")
    assert arguments is not None, "a call has arguments"
    return _appended(path, content, arguments, written, why)


def with_item(
    path: PurePosixPath, content: bytes, call: Node, *, name: str, item: str, why: str
) -> Edit:
    """`call` with `item` in the list given as keyword `name`; the list is made where it lacks."""
    value = keyword(call, name)
    if value is None or value.type not in ("list", "tuple"):
        return with_keyword(path, content, call, f"{name}=[{item}]", why)
    return _appended(path, content, value, item, why)


def with_parameter(
    path: PurePosixPath, content: bytes, function: Node, parameter: str, why: str
) -> Edit:
    """`function` with a further `parameter`: before the first default where it has none itself."""
    parameters = function.child_by_field_name("parameters")
    assert parameters is not None, "a function has parameters"
    entries = _entries(parameters)
    defaults = [e for e in entries if e.type in ("default_parameter", "typed_default_parameter")]
    if "=" in parameter or not defaults:
        return _appended(path, content, parameters, parameter, why)
    first = defaults[0]
    own_line = first.start_point.row != parameters.start_point.row
    gap = "\n" + layout.indentation(content, first.start_byte) if own_line else " "
    return Edit(Span(path, first.start_byte, first.start_byte), f"{parameter},{gap}", why)


def definition(app: AppMap, span: Span) -> Node | None:
    """The function that `span` is, its decorators included or not."""
    content = app.files[span.path]
    return layout.outermost(content, span.start, span.end, "function_definition")


def is_declared_alone(app: AppMap, span: Span) -> bool:
    """True for a function without a body: words, ``...``, ``pass`` or ``NotImplementedError``."""
    node = definition(app, span)
    body = node.child_by_field_name("body") if node is not None else None
    return body is not None and all(
        _EMPTY.fullmatch(text_of(statement)) for statement in _entries(body)
    )


def with_returns(path: PurePosixPath, function: Node, annotation: str, why: str) -> Edit | None:
    """`function` with a return annotation; ``None`` where it has one."""
    parameters = function.child_by_field_name("parameters")
    if parameters is None or function.child_by_field_name("return_type") is not None:
        return None
    return Edit(Span(path, parameters.end_byte, parameters.end_byte), f" -> {annotation}", why)


def _keyword_name(argument: Node) -> str:
    return text_of(argument.child_by_field_name("name"))


def _entries(brackets: Node) -> list[Node]:
    return [child for child in brackets.named_children if child.type != "comment"]


def _appended(path: PurePosixPath, content: bytes, brackets: Node, item: str, why: str) -> Edit:
    """`item` behind the last entry of `brackets`, in its layout."""
    entries = _entries(brackets)
    if not entries:
        at = brackets.end_byte - 1
        return Edit(Span(path, at, at), item, why)
    last = entries[-1]
    comma = last.next_sibling
    has_comma = comma is not None and comma.type == ","
    at = comma.end_byte if has_comma and comma is not None else last.end_byte
    if last.start_point.row == brackets.start_point.row:
        return Edit(Span(path, at, at), f" {item}" if has_comma else f", {item}", why)
    indent = layout.indentation(content, last.start_byte)
    text = f"\n{indent}{item}," if has_comma else f",\n{indent}{item}"
    return Edit(Span(path, at, at), text, why)
