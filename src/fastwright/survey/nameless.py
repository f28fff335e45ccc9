"""Names that functions read or import, and that nothing defines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Import
from fastwright.survey.names import Names, Symbol

_ADDING = re.compile(rb"\bexec\(|\bglobals\(\)|^def __getattr__|\bbuiltins\.\w+\s*=", re.MULTILINE)


class Nameless:
    """Finds such names in one file after the other."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """The names in the functions of a file that nothing binds."""
        if unit.facts.errors:
            return
        if unit.facts.unbound and not _ADDING.search(unit.content):
            yield from self._read(unit)
        for index, scope in enumerate(unit.scopes):
            for row in scope.imports if scope.kind == "f" else ():
                yield from self._imported(unit, index, row)

    def _read(self, unit: Unit) -> Iterator[Mistake]:
        stars = [row for scope in unit.scopes for row in scope.imports if row.local == "*"]
        if any(self._is_foreign(unit, row) for row in stars):
            return
        for read in unit.facts.unbound:
            name = read.name.partition(".")[0]
            if stars and name.startswith("_"):
                continue
            if self._names.lookup(unit, read.scope, name) is None:
                at = Span(unit.path, read.start, read.start + len(name.encode()))
                why = f"nothing binds `{name}` in `{unit.path}`"
                yield Mistake(unit.dotted(read.scope), at, "NameError", why)

    def _is_foreign(self, unit: Unit, star: Import) -> bool:
        """True where not all that a ``from … import *`` binds is known."""
        source, _ = self._names.codebase.source(unit, star)
        if source is None or _ADDING.search(source.content):
            return True
        inner = [row for row in source.scopes[0].imports if row.local == "*"]
        return any(self._is_foreign(source, row) for row in inner)

    def _imported(self, unit: Unit, index: int, row: Import) -> Iterator[Mistake]:
        """``from app.x import name`` in a function, of a module of ours without that name."""
        if not row.name or row.name == "*" or not row.module:
            return
        source, absolute = self._names.codebase.source(unit, row)
        if source is None or source.facts.errors or _ADDING.search(source.content):
            return
        if self._names.imported(unit, row) != Symbol("name", source, 0, row.name):
            return
        if source.package and not row.name[:1].isupper():
            return  # it may be a module that is made later, or a folder
        stars = [found for found in source.scopes[0].imports if found.local == "*"]
        bound = self._names.bindings(source, 0)
        if row.name in bound or stars or _is_bound_anyhow(source, row.name):
            return
        scope = unit.scopes[index]
        hit = re.compile(
            rb"\bimport\b[^;]*?(?<![\w.])(%b)\b" % re.escape(row.name.encode())
        ).search(unit.content, scope.body, scope.body_end)
        if hit is not None:
            why = f"`{absolute}` has no `{row.name}`"
            yield Mistake(unit.dotted(index), Span(unit.path, *hit.span(1)), "ImportError", why)


def _is_bound_anyhow(source: Unit, name: str) -> bool:
    """True where the text of a module may bind the name in a way that its facts do not tell."""
    plain = re.escape(name.encode())
    return bool(re.search(rb"^[^#\n]*\b%b\b[^\n]*(?:=|:)|\bglobal [^\n]*\b%b\b" % (plain, plain),
                          source.content, re.MULTILINE))  # fmt: skip
