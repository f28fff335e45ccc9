"""Names that functions read or import, and that nothing defines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.survey.absent_modules import AbsentModules
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Import, Read
from fastwright.survey.names import Names, Symbol

_ADDING = re.compile(
    rb"\bexec\(|\bglobals\(\)|\bsys\.modules\b|\bvars\(\)|\b__dict__\b|^def __getattr__|"
    rb"\bbuiltins\.\w+\s*=",
    re.MULTILINE,
)
_WORDS = (b"exec(", b"globals()", b"sys.modules", b"vars()", b"__dict__", b"__getattr__",
          b"builtins.")  # fmt: skip
"""One of them stands in all of that; most files have none, which is seen sooner."""


class Nameless:
    """Finds such names in one file after the other."""

    def __init__(self, names: Names, modules: AbsentModules) -> None:
        self.names = names
        self._modules = modules

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """The names in the functions of a file that nothing binds."""
        if unit.facts.errors:
            return
        for read in self.unbound(unit):
            if unit.scopes[read.scope].kind == "f":
                yield Mistake(unit.dotted(read.scope), *nameless(unit, read))
        for index, scope in enumerate(unit.scopes):
            for row in scope.imports if scope.kind == "f" else ():
                yield from self._imported(unit, index, row)

    def unbound(self, unit: Unit) -> Iterator[Read]:
        """The reads of names in a file that neither it nor what it imports binds."""
        if not unit.facts.unbound or _is_adding(unit.content):
            return
        stars = [row for scope in unit.scopes for row in scope.imports if row.local == "*"]
        if any(self._is_foreign(unit, row) for row in stars):
            return
        for read in unit.facts.unbound:
            name = read.name.partition(".")[0]
            is_hidden = bool(stars) and name.startswith("_")
            if not is_hidden and self.names.lookup(unit, read.scope, name) is None:
                yield read

    def _is_foreign(self, unit: Unit, star: Import) -> bool:
        """True where not all that a ``from … import *`` binds is known."""
        source, _ = self.names.codebase.source(unit, star)
        if source is None or _is_adding(source.content):
            return True
        inner = [row for row in source.scopes[0].imports if row.local == "*"]
        return any(self._is_foreign(source, row) for row in inner)

    def _imported(self, unit: Unit, index: int, row: Import) -> Iterator[Mistake]:
        """An import in a function that never works."""
        found = self.unimportable(unit, row)
        if found is None:
            return
        scope, name = unit.scopes[index], (row.name or row.module).encode()
        hit = re.compile(rb"\bimport\b[^;]*?(?<![\w.])(%b)\b" % re.escape(name)).search(
            unit.content, scope.body, scope.body_end
        )
        if hit is not None:
            yield Mistake(unit.dotted(index), Span(unit.path, *hit.span(1)), *found)

    def unimportable(self, unit: Unit, row: Import) -> tuple[str, str] | None:
        """What an import always raises, and why: it names what our modules do not have."""
        source, absolute = self.names.codebase.source(unit, row)
        if source is None:
            missing = self._modules.of(unit, row)
            return ("ModuleNotFoundError", f"there is no module `{missing}`") if missing else None
        if not row.name or row.name == "*" or not row.module:
            return None
        if self.names.imported(unit, row) != Symbol("name", source, 0, row.name):
            return None
        if source.facts.errors or _is_adding(source.content):
            return None
        if source.package and self._modules.is_made_later(source, row.name):
            return None
        stars = [found for found in source.scopes[0].imports if found.local == "*"]
        bound = self.names.bindings(source, 0)
        if row.name in bound or stars or _is_bound_anyhow(source, row.name):
            return None
        return "ImportError", f"`{absolute}` has no `{row.name}`"


def nameless(unit: Unit, read: Read) -> tuple[Span, str, str]:
    """Where and why a name that nothing binds raises, and what."""
    name = read.name.partition(".")[0]
    at = Span(unit.path, read.start, read.start + len(name.encode()))
    return at, "NameError", f"nothing binds `{name}` in `{unit.path}`"


def _is_adding(content: bytes) -> bool:
    """True where a module may get names that its text does not bind."""
    return any(word in content for word in _WORDS) and _ADDING.search(content) is not None


def _is_bound_anyhow(source: Unit, name: str) -> bool:
    """True where the text of a module may bind the name in a way that its facts do not tell."""
    plain = re.escape(name.encode())
    return bool(re.search(rb"^[^#\n]*\b%b\b[^\n]*(?:=|:)|\bglobal [^\n]*\b%b\b" % (plain, plain),
                          source.content, re.MULTILINE))  # fmt: skip
