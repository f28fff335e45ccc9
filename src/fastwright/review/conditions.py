"""Conditions of statements, and what is left of them where Python decides in the database's place.

SQLAlchemy's ``==`` and ``!=`` give an expression whose truth, for Python, says whether both sides
are one object; an attribute of a mapped class is true. ``and``, ``or`` and ``not`` ask for that
truth, ``is`` and ``in`` ask nothing of SQLAlchemy at all: no error is raised, and what was meant
for the database is gone before it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.code import Module
from fastwright.model.storage import Table
from fastwright.source import call_sites, layout
from fastwright.source.syntax import Node

_SQL_OPERATORS = ("&", "|")
_ALWAYS = MappingProxyType({"is": False, "in": False, "is not": True, "not in": True})


@dataclass(frozen=True, slots=True)
class Decided:
    """A condition that Python decides: `lost` are its parts that the database never sees.

    `kept` is the part that is asked; ``None`` where only `truth` is left, which asks nothing.
    """

    node: Node
    kept: Node | None
    truth: bool
    lost: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditions:
    """How conditions read in one module: which names in them are columns."""

    tables: Mapping[str, Table]

    @classmethod
    def of(cls, tables: Mapping[str, Table], module: Module) -> Conditions:
        """By the `tables` of an app, as `by_dotted_name` has them, that `module` has a name for."""
        here = {name: f"{module.name}.{name}" for name in module.names}
        names = {**here, **module.imports}
        return cls({name: tables[at] for name, at in names.items() if at in tables})

    def decided(self, condition: Node) -> Iterator[Decided]:
        """The parts of a condition that Python decides, the outermost of each."""
        node = _bare(condition)
        if node.type == "binary_operator" and operator(node) in _SQL_OPERATORS:
            for child in (node.child_by_field_name("left"), node.child_by_field_name("right")):
                yield from self.decided(child) if child is not None else ()
        elif node.type in ("boolean_operator", "not_operator", "comparison_operator"):
            found = self._decided(node)
            if found is not None and (found.lost or found.kept is None):
                yield found

    def column(self, node: Node) -> tuple[Table, str] | None:
        """What ``Model.name``, ``col(Model.name)`` or ``table.c.name`` speaks of."""
        named = call_sites.argument(node, 0) if _is_col(node) else node
        is_name = named is not None and named.type == "attribute"
        path = layout.text_of(named).split(".") if is_name else []
        table = self.tables.get(path[0]) if path else None
        is_core = len(path) == 3 and path[1] in ("c", "columns")
        if table is None or not (is_core or len(path) == 2) or is_core != _is_core(table):
            return None
        return table, path[-1]

    def _is_known(self, node: Node) -> bool:
        found = self.column(_bare(node))
        return found is not None and found[0].column(found[1]) is not None

    def _decided(self, condition: Node) -> Decided | None:
        """What Python makes of an expression; ``None`` where it cannot be told."""
        node = _bare(condition)
        if node.type == "boolean_operator":
            return self._chosen(node)
        if node.type == "not_operator":
            inner = node.child_by_field_name("argument")
            found = self._decided(inner) if inner is not None else None
            return Decided(node, None, not found.truth, (node,)) if found else None
        if node.type == "comparison_operator":
            return self._compared(node)
        found_column = self.column(node) if self._is_known(node) else None
        if found_column is None or _is_core(found_column[0]):
            return None
        return Decided(node, node, truth=True)

    def _chosen(self, node: Node) -> Decided | None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        first = self._decided(left) if left is not None else None
        if first is None or right is None:
            return None
        if first.truth == (operator(node) == "or"):
            return Decided(node, first.kept, first.truth, (*first.lost, right))
        second = self._decided(right)
        lost = first.lost if first.kept is None else (*first.lost, first.kept)
        if second is None:
            return Decided(node, _bare(right), truth=True, lost=lost)
        return Decided(node, second.kept, second.truth, (*lost, *second.lost))

    def _compared(self, node: Node) -> Decided | None:
        sides = [child for child in node.named_children if child.type != "comment"]
        if len(sides) != 2 or layout.text_of(sides[0]) == layout.text_of(sides[1]):
            return None
        verb = operator(node)
        if verb in ("==", "!=") and any(self._is_known(side) for side in sides):
            return Decided(node, node, truth=verb == "!=")
        if verb in _ALWAYS and self._is_known(sides[0]):
            return Decided(node, None, _ALWAYS[verb], (node,))
        return None


def by_dotted_name(app: AppMap) -> Mapping[str, Table]:
    """The tables by their mapped class, or by the name that a ``Table`` object is bound to."""
    mapped = {table.model: table for table in app.tables if table.model}
    bare = {table.span: table for table in app.tables if not table.model}
    made = (call for call in app.calls if call.target and call.span in bare) if bare else ()
    return {**mapped, **{f"{call.caller}.{call.target}": bare[call.span] for call in made}}


def _is_core(table: Table) -> bool:
    return table.mapper == "core"


def _is_col(node: Node) -> bool:
    """True for ``col(…)`` of SQLModel, which gives what it is given."""
    return node.type == "call" and call_sites.callee_of(node) == "col"


def _bare(node: Node) -> Node:
    """What stands in parentheses."""
    while node.type == "parenthesized_expression":
        inner = [child for child in node.named_children if child.type != "comment"]
        if len(inner) != 1:
            return node
        node = inner[0]
    return node


def operator(node: Node) -> str:
    """What stands between the operands, or in front of the only one."""
    return " ".join(layout.text_of(child) for child in node.children if not child.is_named)
