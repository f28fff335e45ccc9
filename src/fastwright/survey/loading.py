"""What keeps the module of an application from being imported."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import Application
from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import Import
from fastwright.survey.nameless import Nameless, nameless

_FIRST = re.compile(rb"^(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([^\n#;]+))", re.MULTILINE)
_MAY_NOT_RUN = frozenset({
    "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause",
    "while_statement", "for_statement", "with_statement", "match_statement", "lambda",
    "conditional_expression", "boolean_operator", "list_comprehension", "set_comprehension",
    "dictionary_comprehension", "generator_expression", "assert_statement", "delete_statement",
    "type", "ERROR",
})  # fmt: skip


class Loading:
    """Finds what always raises when a module, and what it imports, is run for the first time."""

    def __init__(self, nameless: Nameless) -> None:
        self._nameless = nameless
        self._codebase: Codebase = nameless.names.codebase

    def of(self, app: Application) -> Iterator[Mistake]:
        """What raises on the way to the application, in the order in which it is imported."""
        units = (unit for unit in self._codebase.units if not unit.tests)
        wrong = {unit.path: found for unit in units if (found := tuple(self._wrong(unit)))}
        if wrong:
            start = next((u for u in self._codebase.units if u.path == app.path), None)
            for unit in self._loaded(start, {}) if start is not None else ():
                yield from wrong.get(unit.path, ())

    def _wrong(self, unit: Unit) -> Iterator[Mistake]:
        """What each run of a module comes to and raises."""
        if unit.facts.errors:
            return
        name = unit.dotted(0)
        for row in unit.scopes[0].imports:
            found = self._nameless.unimportable(unit, row)
            at = _statement(unit, row) if found is not None else None
            if found is not None and at is not None:
                yield Mistake(name, at, *found)
        for read in self._nameless.unbound(unit):
            if unit.scopes[read.scope].kind != "f" and _always_runs(unit, read.start):
                yield Mistake(name, *nameless(unit, read))

    def _loaded(self, unit: Unit, seen: dict[Unit, None]) -> Iterator[Unit]:
        """A file, the packages that it is in, and all that they import whenever they are run."""
        waiting = [unit]
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen[one] = None
            yield one
            waiting.extend(reversed([*self._around(one), *self._imported(one)]))

    def _around(self, unit: Unit) -> Iterator[Unit]:
        """The packages that are run before a file of them."""
        for size in range(len(unit.root.parts) + 1, len(unit.folder) + 1):
            package = self._codebase.package(unit.folder[:size])
            if package is not None:
                yield package

    def _imported(self, unit: Unit) -> Iterator[Unit]:
        """The files that a file imports in lines that are not indented."""
        first = {word for hit in _FIRST.finditer(unit.content) for word in _modules(hit)}
        for row in unit.scopes[0].imports:
            if "." * row.level + row.module not in first:
                continue
            source, _ = self._codebase.source(unit, row)
            symbol = self._nameless.names.imported(unit, row) if row.name else None
            inner = symbol.unit if symbol is not None and symbol.kind == "module" else None
            yield from (found for found in (source, inner) if found is not None)


def _modules(hit: re.Match[bytes]) -> Iterator[str]:
    """The modules that an import statement names."""
    if hit[1]:
        yield hit[1].decode()
    else:
        yield from (part.split()[0].decode() for part in hit[2].split(b",") if part.split())


def _statement(unit: Unit, row: Import) -> Span | None:
    """The import of a module that is run whenever the module is: at its outermost level."""
    written = ("." * row.level + row.module).encode()
    for node in syntax.parse(unit.content).named_children:
        if node.type not in ("import_statement", "import_from_statement"):
            continue
        text = unit.content[node.start_byte : node.end_byte]
        name = re.escape((row.name or row.module).encode())
        named = re.search(rb"\bimport\b.*(?<![\w.])%b\b" % name, text, re.DOTALL)
        if written in re.split(rb"[\s,]+", text) and named:
            return Span(unit.path, node.start_byte, node.end_byte)
    return None


def _always_runs(unit: Unit, offset: int) -> bool:
    """True where a name is read whenever its module is run."""
    node: Node | None = syntax.parse(unit.content).descendant_for_byte_range(offset, offset + 1)
    while node is not None and (parent := node.parent) is not None:
        if parent.type in _MAY_NOT_RUN:
            return False
        if parent.type == "function_definition" and node.type != "parameters":
            return False
        node = parent
    return True
