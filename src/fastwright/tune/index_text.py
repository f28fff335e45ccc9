"""An index in the class of its table: a flag of its column, or in `__table_args__`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.source import import_block, imports, syntax
from fastwright.source.syntax import Node
from fastwright.tune import spots

_DEFINED = frozenset({"mapped_column", "Column", "Field"})


def in_model(
    app: AppMap, model: str, name: str, columns: Sequence[str], attribute: str
) -> tuple[Change, ...]:
    """The index `name` of `columns` in the class `model`; nothing where no place is found for it.

    Args:
        app: The map.
        model: The dotted class.
        name: The index's.
        columns: Those that it orders by, by their names in the table.
        attribute: Under which the class has the first of them.
    """
    module, _, cls = model.rpartition(".")
    found = app.modules.get(module)
    if found is None:
        return ()
    content = app.files[found.path]
    for node in syntax.find(syntax.parse(content), "class_definition"):
        own = node.child_by_field_name("name")
        if own is not None and syntax.text(own, content) == cls:
            flag = _flag(app, found.path, node, attribute) if len(columns) == 1 else ()
            return flag or _row(app, found.path, node, (name, *columns))
    return ()


def _flag(app: AppMap, path: PurePosixPath, cls: Node, attribute: str) -> tuple[Change, ...]:
    """``index=True`` where the class defines the column."""
    content = app.files[path]
    why = f"`{attribute}` is what rows are looked up by"
    for bound in syntax.find(cls, "assignment"):
        left, right = bound.child_by_field_name("left"), bound.child_by_field_name("right")
        if left is None or syntax.text(left, content) != attribute:
            continue
        kind = bound.child_by_field_name("type")
        if right is None and kind is not None:
            return _defined(app, path, kind, why)
        call = _column(right, content) if right is not None else None
        arguments = call.child_by_field_name("arguments") if call is not None else None
        if arguments is None:
            return ()
        given = [n for n in arguments.named_children if n.type != "comment"]
        at = given[-1].end_byte if given else arguments.start_byte + 1
        text = ", index=True" if given else "index=True"
        return (Edit(Span(path, at, at), text, why),)
    return ()


def _defined(app: AppMap, path: PurePosixPath, kind: Node, why: str) -> tuple[Change, ...]:
    """A column that its annotation alone defines gets a definition."""
    mapped = syntax.text(kind, app.files[path]).startswith("Mapped[")
    wanted = ("sqlalchemy.orm", "mapped_column") if mapped else ("sqlmodel", "Field")
    bound = imports.ensure_import(app, path, *wanted)
    text = f" = {bound.local}(index=True)"
    edit = Edit(Span(path, kind.end_byte, kind.end_byte), text, why)
    return imports.combine(app, (*bound.edits, edit))


def _column(right: Node, content: bytes) -> Node | None:
    """The call that defines the column: the inner one of ``Field(sa_column=Column(…))``."""
    calls = [n for n in syntax.find(right, "call") if spots.called(n, content) in _DEFINED]
    outer = calls[0] if calls and calls[0] == right else None
    if outer is not None and spots.called(outer, content) == "Field":
        inner = next((n for n in calls[1:] if spots.called(n, content) == "Column"), None)
        return inner if inner is not None else outer
    return outer


def _row(app: AppMap, path: PurePosixPath, cls: Node, named: Sequence[str]) -> tuple[Change, ...]:
    """A row of ``__table_args__``, which the class gets where it has none."""
    content = app.files[path]
    bound = imports.ensure_import(app, path, "sqlalchemy", "Index")
    quoted = ", ".join(f'"{one}"' for one in named)
    index = f"{bound.local}({quoted})"
    why = f"rows are looked up and sorted by {', '.join(f'`{c}`' for c in named[1:])}"
    body = cls.child_by_field_name("body")
    known = _assigned(body, "__table_args__", content) if body is not None else None
    edit = (
        _added(path, known, index, why, content)
        if known is not None
        else _new(app, path, body, index, why)
    )
    return imports.combine(app, (*bound.edits, edit)) if edit is not None else ()


def _assigned(body: Node, name: str, content: bytes) -> Node | None:
    for bound in syntax.find(body, "assignment"):
        left = bound.child_by_field_name("left")
        if left is not None and syntax.text(left, content) == name:
            return bound
    return None


def _added(path: PurePosixPath, bound: Node, index: str, why: str, content: bytes) -> Edit | None:
    right = bound.child_by_field_name("right")
    if right is not None and right.type == "dictionary":
        text = f"({index}, {syntax.text(right, content)})"
        return Edit(spots.span(path, right), text, why)
    if right is None or right.type != "tuple" or not right.named_children:
        return None
    first = right.named_children[0].start_byte
    between = content[right.start_byte + 1 : first].decode()
    return Edit(Span(path, first, first), f"{index},{between or ' '}", why)


def _new(app: AppMap, path: PurePosixPath, body: Node | None, index: str, why: str) -> Edit | None:
    if body is None or not body.named_children:
        return None
    content = app.files[path]
    indent = " " * body.named_children[0].start_point[1]
    line = f"{indent}__table_args__ = ({index},)\n"
    if len(line) - 1 > import_block.width_of(app):
        line = f"{indent}__table_args__ = (\n{indent}    {index},\n{indent})\n"
    above = _assigned(body, "__tablename__", content) or _documented(body)
    at = content.find(b"\n", above.end_byte) + 1 if above is not None else 0
    if not at:
        first = body.named_children[0].start_byte
        at = content.rfind(b"\n", 0, first) + 1
    return Edit(Span(path, at, at), line, why)


def _documented(body: Node) -> Node | None:
    first = body.named_children[0]
    is_text = first.type == "expression_statement" and first.named_children[0].type == "string"
    return first if is_text else None
