"""What a route answers: which schemas it lists, and which relationships of rows those read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Field, Route, Schema
from fastwright.model.storage import Relationship, Table

_NAME = re.compile(r"[^\W\d][\w.]*")
_LIST = re.compile(
    r"(?i)\b[\w.]*(list|sequence|page|set|tuple|iterable|collection)\w*\s*\[(?P<inner>[^\]]+)"
)
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Read:
    """A relationship that a schema reads of a row: the way to it from the row's own table."""

    way: tuple[tuple[Table, Relationship], ...]

    @property
    def text(self) -> str:
        """The way as ``Item.owner.team``."""
        first = (self.way[0][0].model or "").rpartition(".")[2]
        return ".".join((first, *(relationship.name for _, relationship in self.way)))


class Shapes:
    """Schemas of one map, and how they read tables."""

    def __init__(self, app: AppMap) -> None:
        self.app = app
        self.schemas = {schema.name: schema for schema in app.schemas}
        self.tables = {table.model: table for table in app.tables if table.model}
        self.methods = {f.name for f in app.functions if f.class_name}

    def listed(self, route: Route) -> tuple[Schema, ...]:
        """The schemas of which a route answers several: in a list, or in a page with a list."""
        written = route.response_model or ""
        found = [self._named(n, "") for m in _LIST.finditer(written) for n in _names(m["inner"])]
        if not found:
            for page in filter(None, (self._named(name, "") for name in _names(written))):
                found += [schema for f in page.fields for schema in self._inner(page, f)]
        return tuple(dict.fromkeys(schema for schema in found if schema is not None))

    def _inner(self, page: Schema, field: Field) -> Iterator[Schema | None]:
        for match in _LIST.finditer(field.annotation or ""):
            yield from (self._named(name, page.name) for name in _names(match["inner"]))

    def _named(self, name: str, seen_from: str) -> Schema | None:
        module = seen_from.rpartition(".")[0]
        imports = self.app.modules[module].imports if module in self.app.modules else {}
        head, _, rest = name.partition(".")
        dotted = imports.get(head, f"{module}.{head}" if module else head)
        whole = f"{dotted}.{rest}" if rest else dotted
        return self.schemas.get(name) or self.schemas.get(whole)

    def fits(self, schema: Schema, table: Table) -> bool:
        """True where rows of `table` have what `schema` demands, so that it can be read of them."""
        known = {c.attribute for c in table.columns} | {r.name for r in table.relationships}
        wanted = [f.name for f in schema.fields if f.required]
        have = [n for n in wanted if n in known or f"{table.model}.{n}" in self.methods]
        return bool(wanted) and len(have) == len(wanted)

    def reads(self, schema: Schema, table: Table, depth: int = 0) -> Iterator[Read]:
        """The relationships of `table`, and of those below, that `schema` reads."""
        for field in schema.fields if depth < _DEEPEST else ():
            found = next((r for r in table.relationships if r.name == field.name), None)
            if found is None:
                continue
            yield Read(((table, found),))
            below = self.tables.get(found.target or "")
            for name in _names(field.annotation or "") if below is not None else ():
                inner = self._named(name, schema.name)
                if inner is not None and below is not None and inner != schema:
                    for read in self.reads(inner, below, depth + 1):
                        yield Read(((table, found), *read.way))


def _names(written: str) -> Iterator[str]:
    return (match[0] for match in _NAME.finditer(written))
