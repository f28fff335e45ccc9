"""The repair of a path that a client wrote: a test that it stays below its folder."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Fix, Safety
from fastwright.model.places import Span
from fastwright.source import call_sites, imports, layout, syntax
from fastwright.source.syntax import Node

_WHY = "a name with `..` or a leading slash leads out of the folder"


def confined(app: AppMap, at: Span) -> Fix | None:
    """A test in front of the call at `at`; ``None`` where the folder is not plain to see."""
    content = app.files[at.path]
    call = call_sites.call_at(content, at)
    path = _path_of(call) if call is not None else None
    if call is None or path is None:
        return None
    made = _made(call, path)
    folder = _folder(made, content) if made is not None else None
    if folder is None or not _is_the_apps(folder, call_sites.function_of(call)):
        return None
    local = layout.text_of(path) if path.type == "identifier" else ""
    name = local or call_sites.unused_name(call, "requested", "requested_path")
    maker = imports.ensure_import(app, at.path, "pathlib", "Path")
    refusal = imports.ensure_import(app, at.path, "fastapi", "HTTPException")
    lines = "" if local else f"{name} = {layout.text_of(path)}\n"
    lines += (
        f"if not {maker.local}({name}).resolve()"
        f".is_relative_to({maker.local}({folder}).resolve()):\n"
        f"    raise {refusal.local}(status_code=404)\n"
    )
    guard = call_sites.before(at, content, call, lines, _WHY)
    if guard is None:
        return None
    changes: tuple[Change, ...] = (*maker.edits, *refusal.edits, guard)
    if not local:
        changes = (*changes, call_sites.replaced(at, path, name, _WHY))
    return Fix(f"Refuse paths outside `{folder.strip(chr(34))}`", Safety.SAFE, changes)


def _is_the_apps(folder: str, function: Node | None) -> bool:
    """Whether the folder can be none that the request named: a test against that would hold always.

    What a function is given may come of the request, unless it is provided; so may a local name
    that is made of it.
    """
    if function is None:
        return True
    given = function.child_by_field_name("parameters")
    rows = [n for n in (given.named_children if given is not None else ()) if not _is_provided(n)]
    theirs = {name for row in rows for name in _bound_by(row)}
    for row in syntax.find(function, "assignment"):
        left, right = row.child_by_field_name("left"), row.child_by_field_name("right")
        if left is not None and right is not None and theirs & {*call_sites.names_in(right)}:
            theirs |= {*call_sites.names_in(left)}
    return not theirs & {*call_sites.names_in(syntax.parse(folder.encode()))}


def _bound_by(parameter: Node) -> set[str]:
    """The name of a parameter, with or without a type or a default."""
    first = next(iter(syntax.find(parameter, "identifier")), None)
    return {layout.text_of(first)} if first is not None else set()


def _is_provided(parameter: Node) -> bool:
    """``self``, ``settings: Settings = Depends(…)``, ``settings: SettingsDep``."""
    text = layout.text_of(parameter)
    return (
        text in ("self", "cls")
        or re.search(r"Depends\(|:\s*\w*(Settings|Config|Dep)\b", text) is not None
    )


def _path_of(call: Node) -> Node | None:
    """The expression that is the path: an argument, or what a method is called on."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "attribute" and not call_sites.arguments(call):
        return function.child_by_field_name("object")
    return call_sites.argument(call, 0, "path", "file", "name", "filename")


def _made(call: Node, path: Node) -> Node | None:
    """Where the path is put together: here, or by the only assignment to its name."""
    if path.type != "identifier":
        return path
    function = call_sites.function_of(call)
    word = layout.text_of(path)
    rows = [
        node for node in (syntax.find(function, "assignment") if function is not None else ())
        if layout.text_of(node.child_by_field_name("left")) == word
    ]  # fmt: skip
    return rows[0].child_by_field_name("right") if len(rows) == 1 else None


def _folder(made: Node, content: bytes) -> str | None:
    """The folder that a path begins with, as an expression."""
    if made.type == "parenthesized_expression" and made.named_child_count == 1:
        return _folder(made.named_children[0], content)
    if made.type == "binary_operator":
        left = made.child_by_field_name("left")
        return _plain(left) or (_folder(left, content) if left is not None else None)
    if made.type == "call":
        given = call_sites.arguments(made)
        joins = call_sites.callee_of(made).rpartition(".")[2] in ("join", "Path", "joinpath")
        return _plain(given[0]) if joins and len(given) > 1 else _only(given, joins, content)
    return _of_text(made, content) if made.type == "string" else None


def _only(given: list[Node], joins: bool, content: bytes) -> str | None:
    return _folder(given[0], content) if joins and len(given) == 1 else None


def _plain(node: Node | None) -> str | None:
    if node is None:
        return None
    made = node.type == "call" and call_sites.callee_of(node) == "Path"
    if made and len(call_sites.arguments(node)) == 1:
        return _plain(call_sites.arguments(node)[0])
    return layout.text_of(node) if call_sites.is_plain(node) else None


def _of_text(node: Node, content: bytes) -> str | None:
    """``f"uploads/{name}"`` and ``f"{BASE}/{name}"``."""
    parts = node.named_children
    first = parts[1] if len(parts) > 2 else None
    if first is None or first.type not in ("string_content", "interpolation"):
        return None
    text = syntax.text(first, content)
    if first.type == "string_content":
        return f'"{text.rpartition("/")[0]}"' if text.rpartition("/")[0] else None
    inner = first.child_by_field_name("expression")
    following = syntax.text(parts[2], content) if parts[2].type == "string_content" else ""
    return _plain(inner) if following == "/" else None
