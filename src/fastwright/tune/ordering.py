"""Collections that come in whatever order, given the order that they happened to have. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.places import Span
from fastwright.source import syntax
from fastwright.source.syntax import Node


def pinned(app: AppMap, relationships: Sequence[str]) -> tuple[Edit, ...]:
    """``order_by`` for each collection of `relationships` (dotted) that has none yet.

    By the key of what is collected; that this is the old order, the byte gate has to say.
    """
    found = (_pinned(app, name) for name in dict.fromkeys(relationships))
    return tuple(edit for edit in found if edit is not None)


def _pinned(app: AppMap, relationship: str) -> Edit | None:
    model, _, name = relationship.rpartition(".")
    table = app.table(model)
    known = next((r for r in table.relationships if r.name == name), None) if table else None
    if known is None or known.many is False or known.target is None:
        return None
    target = app.table(known.target)
    keys = [c.attribute for c in target.columns if c.primary_key] if target else []
    own = [key for key in keys if not _points_to(app, known.target, key, model)] or keys
    call = _call(app, model, name)
    if call is None or not own:
        return None
    path, node = call
    content = app.files[path]
    arguments = node.child_by_field_name("arguments")
    if arguments is None or b"order_by" in content[arguments.start_byte : arguments.end_byte]:
        return None
    given = [n for n in arguments.named_children if n.type != "comment"]
    at = given[-1].end_byte if given else arguments.start_byte + 1
    order = f'order_by="{known.target.rpartition(".")[2]}.{own[0]}"'
    why = f"`{name}` had no order of its own; this is the one that it came in"
    return Edit(Span(path, at, at), f", {order}" if given else order, why)


def _points_to(app: AppMap, model: str, key: str, parent: str) -> bool:
    child, owner = app.table(model), app.table(parent)
    column = child.column(key) if child else None
    if column is None or owner is None or column.foreign_key is None:
        return False
    return column.foreign_key.rpartition(".")[0] == owner.name


def _call(app: AppMap, model: str, name: str) -> tuple[PurePosixPath, Node] | None:
    """The ``relationship(…)`` that the class binds to `name`."""
    module, _, cls = model.rpartition(".")
    found = app.modules.get(module)
    if found is None:
        return None
    content = app.files[found.path]
    for node in syntax.find(syntax.parse(content), "class_definition"):
        own = node.child_by_field_name("name")
        if own is None or syntax.text(own, content) != cls:
            continue
        for bound in syntax.find(node, "assignment"):
            left, right = bound.child_by_field_name("left"), bound.child_by_field_name("right")
            if left is not None and right is not None and syntax.text(left, content) == name:
                return (found.path, right) if right.type == "call" else None
    return None
