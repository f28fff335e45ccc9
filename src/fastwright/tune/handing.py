"""Loader options handed down to a shared function by those callers alone that need them. Pure.

A function that loads for many, a getter or the method of a generic repository, gets a parameter
``options``; the slow route's call names what it needs, and every other call stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.source import import_block, imports, syntax
from fastwright.source.syntax import Node
from fastwright.tune import spots
from fastwright.tune.seen import Frame

NAME = "options"
_SPLATS = ("list_splat_pattern", "dictionary_splat_pattern")


def handed_down(
    app: AppMap, stack: Sequence[Frame], levels: int, text: str, why: str
) -> tuple[Change, ...]:
    """The changes that let ``options`` reach the innermost function of `stack` from a call.

    Args:
        app: The map of the tree.
        stack: Frames, the function that loads first.
        levels: How many functions pass it on; the call is in the frame behind them.
        text: The list of options, as the call gives it.
        why: The reason.

    Returns:
        Nothing where a function or a call is not found, or has the name for something else.
    """
    changes: list[Change] = []
    for level in range(levels):
        inner, outer = stack[level], stack[level + 1]
        value = text if level == levels - 1 else NAME
        given = tuple(_given(app, outer, inner, value, why))
        taken = tuple(_parameter(app, inner, why))
        if not given or not (taken or takes_options(app, inner)):
            return ()
        changes += (*taken, *given)
    return tuple(changes)


def _parameter(app: AppMap, frame: Frame, why: str) -> Iterator[Change]:
    """The function that `frame` is in gets the parameter, by keyword alone."""
    function = function_at(app, frame)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if parameters is None:
        return
    content = app.files[frame.path]
    given = [n for n in parameters.named_children if n.type != "comment"]
    if any(n.type == _SPLATS[1] for n in given) or _names(parameters, content) & {NAME}:
        return
    sequence = imports.ensure_import(app, frame.path, "collections.abc", "Sequence")
    option = imports.ensure_import(app, frame.path, "sqlalchemy.orm.interfaces", "ORMOption")
    star = any(n.type in (_SPLATS[0], "keyword_separator") for n in given)
    added = [f"{NAME}: {sequence.local}[{option.local}] = ()"]
    added = added if star else ["*", *added]
    yield from (*sequence.edits, *option.edits)
    yield _appended(app, frame.path, parameters, added, why)


def _appended(
    app: AppMap, path: PurePosixPath, parameters: Node, added: Sequence[str], why: str
) -> Edit:
    """`added` behind the last parameter; one a line where they are too long for theirs."""
    content = app.files[path]
    given = [n for n in parameters.named_children if n.type != "comment"]
    text = ", ".join(added)
    start = content.rfind(b"\n", 0, parameters.start_byte) + 1
    line = content[start : content.find(b"\n", parameters.start_byte)].decode("utf-8", "replace")
    flat = parameters.start_point[0] == parameters.end_point[0]
    if given and flat and len(line) + len(text) + 2 > import_block.width_of(app):
        indent = line[: len(line) - len(line.lstrip())]
        every = [*(syntax.text(node, content) for node in given), *added]
        lines = "".join(f"{indent}    {one},\n" for one in every)
        return Edit(spots.span(path, parameters), f"(\n{lines}{indent})", why)
    at = given[-1].end_byte if given else parameters.start_byte + 1
    return Edit(Span(path, at, at), f", {text}" if given else text, why)


def takes_options(app: AppMap, frame: Frame) -> bool:
    """The function that `frame` is in has the parameter already, from an earlier edit."""
    function = function_at(app, frame)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    content = app.files.get(frame.path, b"")
    return parameters is not None and f"{NAME}: Sequence[ORMOption]" in syntax.text(
        parameters, content
    )


def _given(app: AppMap, outer: Frame, inner: Frame, value: str, why: str) -> Iterator[Change]:
    """The call in `outer` that leads to `inner` gives the argument."""
    names = frozenset({inner.function.rpartition(".")[2]})
    call = spots.call_at(app.files, outer, names)
    arguments = call.child_by_field_name("arguments") if call is not None else None
    if arguments is None or arguments.type != "argument_list":
        return
    content = app.files[outer.path]
    given = [n for n in arguments.named_children if n.type != "comment"]
    at = given[-1].end_byte if given else arguments.start_byte + 1
    text = f"{NAME}={value}"
    start = content.rfind(b"\n", 0, at) + 1
    line = content[start : content.find(b"\n", at)].decode("utf-8", "replace")
    if (
        len(line) + len(text) + 2 > import_block.width_of(app)
        and b"\n" not in content[arguments.start_byte : arguments.end_byte]
    ):
        indent = line[: len(line) - len(line.lstrip())]
        every = [*(syntax.text(node, content) for node in given), text]
        lines = "".join(f"{indent}    {one},\n" for one in every)
        span = spots.span(outer.path, arguments)
        yield Edit(span, f"(\n{lines}{indent})", why)
        return
    yield Edit(Span(outer.path, at, at), f", {text}" if given else text, why)


def function_at(app: AppMap, frame: Frame) -> Node | None:
    """The innermost function around the line of `frame` that has its name."""
    content = app.files.get(frame.path)
    if content is None:
        return None
    name = frame.function.rpartition(".")[2]
    fitting = [
        node
        for node in syntax.find(syntax.parse(content), "function_definition")
        if _is_called(node, name, content)
        and node.start_point[0] + 1 <= frame.line <= node.end_point[0] + 1
    ]
    return fitting[-1] if fitting else None


def _is_called(function: Node, name: str, content: bytes) -> bool:
    own = function.child_by_field_name("name")
    return own is not None and syntax.text(own, content) == name


def _names(parameters: Node, content: bytes) -> set[str]:
    return {syntax.text(node, content) for node in syntax.find(parameters, "identifier")}


def answers_route(app: AppMap, frame: Frame) -> bool:
    """The function of `frame` answers a route: its parameters are the request's, not a caller's."""
    module = app.module_at(frame.path)
    name = f"{module.name}.{frame.function}" if module is not None else ""
    return any(route.handler == name for route in app.routes)
