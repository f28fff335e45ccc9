"""The tables of a project: mapped classes, SQLModel tables, and ``Table(…)`` objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fastwright.model.places import Span
from fastwright.model.storage import Column, Index, Relationship, Table
from fastwright.survey.classes import Class, Classes, annotated
from fastwright.survey.codebase import Unit
from fastwright.survey.columns import Columns
from fastwright.survey.facts import CallFact
from fastwright.survey.library_tables import inherited
from fastwright.survey.values import (
    UNKNOWN_TEXT,
    Const,
    Frame,
    Made,
    Ref,
    Seq,
    Value,
    Values,
    text_of,
)
from fastwright.survey.wiring import Wiring, is_revision, is_test


def tables(classes: Classes, wiring: Wiring) -> tuple[Table, ...]:
    """Every table, those of the test suite aside."""
    reader = _Tables(classes)
    past = {unit.path for unit in wiring.codebase.units if is_test(unit) or is_revision(unit)}
    current = [cls for cls in classes.all if cls.unit.path not in past]
    found = [table for cls in current for table in reader.of_class(cls)]
    found += [t for unit, index in wiring.sites("Table") for t in reader.core(unit, index)]
    if not found:
        rows = wiring.sites("create_table")
        found += [t for unit, index in rows for t in reader.migrated(unit, index)]
    by_name: dict[str, list[str]] = {}
    for table in found:
        if table.model is not None:
            by_name.setdefault(table.model.rpartition(".")[2], []).append(table.model)
    return tuple(_with_related(table, by_name) for table in found)


def _with_related(table: Table, by_name: Mapping[str, Sequence[str]]) -> Table:
    """`table` with the targets of relationships, named by class alone, made dotted."""
    rows = []
    for row in table.relationships:
        models = by_name.get((row.target or "").rpartition(".")[2], [])
        plain = row.target is not None and row.target not in models
        rows.append(replace(row, target=models[0]) if plain and len(models) == 1 else row)
    return replace(table, relationships=tuple(rows))


_TYPE_MAPS = ("type_annotation_map", "registry")
"""Where a base may say that a ``datetime`` keeps its zone."""


class _Tables:
    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self.evaluator = classes.evaluator
        self.columns = Columns(classes.evaluator)

    def of_class(self, cls: Class) -> Iterator[Table]:
        """The table of a mapped class; none for bases, mixins and schemas."""
        if self.classes.truth(self.classes.keyword(cls, "table")) and cls.inherits("SQLModel"):
            yield self._sqlmodel(cls)
        elif self.classes.is_declarative(cls) and not self._is_abstract(cls):
            table = self._mapped(cls)
            if table is not None:
                yield table

    def _is_abstract(self, cls: Class) -> bool:
        own = [row for row in cls.facts.assignments if row.target == "__abstract__"]
        return bool(own) and own[0].value == ["k", True]

    def _sqlmodel(self, cls: Class) -> Table:
        name = text_of(self.classes.attribute(cls, "__tablename__"))
        columns: dict[str, Column] = {}
        relations: list[Relationship] = []
        for unit, facts, symbol in self.classes.owners(cls):
            for attribute, row in annotated(facts.assignments):
                frame = Frame(unit, symbol.scope, (), row.start)
                relation = self.columns.relationship(attribute, row, frame)
                column = self.columns.sqlmodel_column(attribute, row, frame)
                relations += [relation] if relation else []
                if column is not None and not attribute.startswith(("__", "model_config")):
                    columns[attribute] = column
        return Table(
            name or cls.facts.name.rpartition(".")[2].lower(), cls.name, tuple(columns.values()),
            self._indexes(cls), tuple(relations), "sqlmodel", None, "sqlmodel.SQLModel", cls.span,
        )  # fmt: skip

    def _mapped(self, cls: Class) -> Table | None:
        core = self._of_table_object(cls)
        if core is not None:
            return core
        given, theirs = inherited(cls)
        name = text_of(self.classes.attribute(cls, "__tablename__")) or given
        own, relations, style = self._declared(cls)
        if any(self.evaluator.member(cls.symbol, name) for name in _TYPE_MAPS):
            own = tuple(replace(c, timezone=None) if c.type == "datetime" else c for c in own)
        columns = tuple((theirs | {column.attribute: column for column in own}).values())
        if not columns:
            return None
        if not name:
            # A name that is made in a way that cannot be followed is not known; it is not guessed.
            if not self.evaluator.member(cls.symbol, "__tablename__"):
                return None
            name = UNKNOWN_TEXT
        return Table(
            name, cls.name, columns, self._indexes(cls), relations,
            "sqlalchemy", style or "mapped", self._declarative(cls), cls.span,
        )  # fmt: skip

    def _declared(
        self, cls: Class
    ) -> tuple[tuple[Column, ...], tuple[Relationship, ...], str | None]:
        columns: dict[str, Column] = {}
        relations: dict[str, Relationship] = {}
        mapped = 0
        for unit, facts, symbol in self.classes.owners(cls):
            for attribute, row in annotated(facts.assignments):
                frame = Frame(unit, symbol.scope, (), row.start)
                column = self.columns.column(attribute, row, frame)
                relation = self.columns.relationship(attribute, row, frame)
                if column is not None:
                    columns[attribute] = column
                    mapped += row.annotation is not None
                if relation is not None:
                    relations[attribute] = relation
                columns.update(self.columns.composite(row, frame))
            columns.update(self._declared_attributes(unit, symbol.scope))
        style = ("mapped" if mapped else "column") if columns else None
        return tuple(columns.values()), tuple(relations.values()), style

    def _declared_attributes(self, unit: Unit, scope: int) -> Iterator[tuple[str, Column]]:
        """``@declared_attr`` methods that return a column."""
        for name, index in unit.inner.get(scope, {}).items():
            facts = unit.scopes[index]
            if not any("declared_attr" in str(term) for term, _, _ in facts.decorators):
                continue
            for term in facts.values:
                if isinstance(term, list) and term[0] == "c":
                    call = unit.facts.calls[term[1]]
                    if str(call.callee).rpartition(".")[2] in ("Column", "mapped_column"):
                        frame = Frame(unit, index, (), call.start)
                        yield name, self.columns.from_arguments(name, call, frame)

    def _declarative(self, cls: Class) -> str | None:
        """The project's declarative base (or its nearest stand-in) above a class."""
        ours = [s for s in cls.lineage[1:] if s.kind in ("scope", "name") and s.unit is not None]
        bases = [s for s in ours if self._is_declarative(s)]
        if bases:
            return bases[-1].dotted()
        for term in cls.facts.bases:
            symbol = self.evaluator.names.resolve(cls.unit, cls.facts.up, str(term))
            if symbol is not None and symbol.kind == "name":
                return symbol.dotted()
        return next((s.dotted() for s in cls.lineage[1:]), None)

    def _is_declarative(self, symbol: object) -> bool:
        found = self.classes.by_symbol.get(symbol)  # type: ignore[call-overload]
        return found is not None and self.classes.is_declarative(found)

    # -- indexes ----------------------------------------------------------------------------

    def _indexes(self, cls: Class) -> tuple[Index, ...]:
        values = self.classes.attribute(cls, "__table_args__")
        found = [
            i for v in values if isinstance(v, Seq) for item in v.items for i in self._index(item)
        ]
        for row in cls.facts.assignments:
            for value in self.evaluator.values(
                row.value, Frame(cls.unit, cls.symbol.scope, (), row.start)
            ):
                found += (
                    self._index((value,))
                    if isinstance(value, Made) and _last(value) == "Index"
                    else []
                )
        return tuple(found)

    def _index(self, values: Values) -> list[Index]:
        found = []
        for value in values:
            if isinstance(value, Made) and value.unit is not None and value.call >= 0:
                call = value.unit.facts.calls[value.call]
                frame = Frame(value.unit, call.scope, value.env, call.start)
                found += self._index_of(_last(value), call, frame)
        return found

    def _index_of(self, kind: str, call: CallFact, frame: Frame) -> list[Index]:
        if kind not in ("Index", "UniqueConstraint", "PrimaryKeyConstraint"):
            return []
        words = [self._column_name(term, frame) for term in call.arguments]
        keywords = {k: self.evaluator.values(t, frame) for k, t in call.keywords}
        name = text_of(keywords.get("name", ()))
        if kind == "Index":
            name, words = (words[0] if words else None), words[1:]
            return [Index(name, _known(words), Const.of(True) in keywords.get("unique", ()))]
        return [Index(name, _known(words), unique=True)]

    def _column_name(self, term: object, frame: Frame) -> str | None:
        if isinstance(term, str):
            return term.rpartition(".")[2]
        return text_of(self.evaluator.values(term, frame))

    # -- Table(…) ---------------------------------------------------------------------------

    def core(self, unit: Unit, index: int) -> list[Table]:
        """The table of one ``Table("name", metadata, …)`` call, if it is SQLAlchemy's."""
        row = unit.facts.calls[index]
        frame = Frame(unit, row.scope, (), row.start)
        ours = any(
            isinstance(v, Ref) and v.symbol.dotted().partition(".")[0] in ("sqlalchemy", "sqlmodel")
            for v in self.evaluator.values(row.callee, frame)
        )
        name = text_of(self.evaluator.values(row.arguments[0], frame)) if row.arguments else None
        inner = unit.scopes[row.scope].kind == "f"
        if not ours or name is None or inner or is_test(unit):
            return []
        return [self._core_table(name, row, frame)]

    def migrated(self, unit: Unit, index: int) -> list[Table]:
        """The table that a migration creates, for apps that map none; `style` is ``migration``."""
        row = unit.facts.calls[index]
        frame = Frame(unit, row.scope, (), row.start)
        name = text_of(self.evaluator.values(row.arguments[0], frame)) if row.arguments else None
        if name is None or b"alembic" not in unit.content or is_test(unit):
            return []
        return [replace(self._core_table(name, row, frame), style="migration")]

    def _core_table(self, name: str, row: CallFact, frame: Frame) -> Table:
        columns: list[Column] = []
        indexes: list[Index] = []
        given = self.evaluator.values(["l", *row.arguments[1:]], frame)
        for item in (item for v in given if isinstance(v, Seq) for item in v.items):
            for value in item:
                if isinstance(value, Made) and value.unit is not None and value.call >= 0:
                    call = value.unit.facts.calls[value.call]
                    inner = Frame(value.unit, call.scope, value.env, call.start)
                    if _last(value) == "Column":
                        column = self.columns.from_arguments("", call, inner)
                        columns.append(
                            _core_column(column, Span(value.unit.path, call.start, call.end))
                        )
                    indexes += self._index_of(_last(value), call, inner)
        span = Span(frame.unit.path, row.start, row.end)
        return Table(name, None, tuple(columns), tuple(indexes), mapper="core", span=span)

    def _of_table_object(self, cls: Class) -> Table | None:
        """A class over ``__table__ = Table(…)``."""
        for value in self.evaluator.member(cls.symbol, "__table__"):
            if isinstance(value, Made) and value.unit is not None and value.call >= 0:
                found = self.core(value.unit, value.call)
                if found:
                    return replace(
                        found[0], model=cls.name, base=self._declarative(cls), mapper="sqlalchemy"
                    )
        return None


def _core_column(column: Column, span: Span) -> Column:
    nullable = column.nullable if column.nullable is not None else not column.primary_key
    return replace(column, attribute=column.name, nullable=nullable, span=span)


def _last(value: Value) -> str:
    return value.of.dotted().rpartition(".")[2] if isinstance(value, Made) else ""


def _known(words: list[str | None]) -> tuple[str, ...]:
    return tuple(word for word in words if word is not None)
