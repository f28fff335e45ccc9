"""One declaration in a mapped class or ``Table(…)`` → a column or relationship."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.model.places import Span
from fastwright.model.storage import Column, Relationship
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import Assignment, CallFact, Term
from fastwright.survey.relationships import with_options
from fastwright.survey.terms_text import render
from fastwright.survey.values import Const, Frame, Made, Ref, Value, text_of

_COLUMNS = frozenset({"Column", "mapped_column", "MappedColumn"})
_RELATIONSHIPS = frozenset({"relationship", "Relationship", "relation", "dynamic_loader"})
_FACTORIES = frozenset({"column_property", "association_proxy", "synonym", "composite", "hybrid"})
_MANY = frozenset({"list", "List", "set", "Set", "Sequence", "WriteOnlyMapped", "DynamicMapped",
                   "Collection", "InstrumentedList"})  # fmt: skip
_TIMES = frozenset({"DateTime", "DATETIME", "TIMESTAMP"})
_TYPED = frozenset({"type_", "sa_type", "sa_column", "**"})


@dataclass(frozen=True, slots=True)
class Declared:
    """An annotation with ``Mapped[…]`` and ``Optional`` taken off."""

    inner: Term
    optional: bool
    mapped: bool


def declared(annotation: Term) -> Declared:
    """What an annotation says of a column."""
    mapped = False
    optional = False
    while isinstance(annotation, list) and annotation:
        if annotation[0] == "i" and len(annotation) > 2:
            last = str(annotation[1]).rpartition(".")[2]
            if last in ("Mapped", "MappedColumn", "DynamicMapped", "WriteOnlyMapped"):
                mapped, annotation = True, annotation[2]
                continue
            if last == "Optional":
                optional, annotation = True, annotation[2]
                continue
        if annotation[0] == "b" and ["k", None] in annotation[2:]:
            rest = [t for t in annotation[2:] if t != ["k", None]]
            optional, annotation = True, rest[0] if rest else None
            continue
        break
    return Declared(annotation, optional, mapped)


class Columns:
    """Reads declarations; names of columns are as SQLAlchemy or SQLModel would give them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def call_of(self, row: Assignment, frame: Frame) -> tuple[str, CallFact, Frame] | None:
        """The call that makes a column: its plain name, where it stands; aliases followed."""
        for value in self.evaluator.values(row.value, frame):
            made = value if isinstance(value, Made) and value.call >= 0 else None
            if made is not None and made.unit is not None:
                name = made.of.dotted().rpartition(".")[2]
                call = made.unit.facts.calls[made.call]
                return name, call, Frame(made.unit, call.scope, made.env, call.start)
        return self._written_call(row, frame)

    def _written_call(self, row: Assignment, frame: Frame) -> tuple[str, CallFact, Frame] | None:
        """SQLModel's ``Field`` is folded away by evaluation: the call as written."""
        if isinstance(row.value, list) and row.value[0] == "c":
            call = frame.unit.facts.calls[row.value[1]]
            return str(call.callee).rpartition(".")[2], call, frame
        return None

    def column(self, name: str, row: Assignment, frame: Frame) -> Column | None:
        """The column that a declaration in a mapped class makes, if it makes one."""
        kind = declared(row.annotation)
        call = self.call_of(row, frame) if row.value is not None else None
        if call is not None and call[0] in _COLUMNS:
            return self._from_call(name, row, call[1], call[2], kind)
        if call is not None and call[0] in _RELATIONSHIPS | _FACTORIES:
            return None
        if kind.mapped and not self._is_related(kind.inner):
            return self._from_annotation(name, row, frame, kind)
        return None

    def _is_related(self, term: Term) -> bool:
        return (
            isinstance(term, list) and term[0] == "i" and str(term[1]).rpartition(".")[2] in _MANY
        )

    def _from_annotation(self, name: str, row: Assignment, frame: Frame, kind: Declared) -> Column:
        span = Span(frame.unit.path, row.start, row.end)
        column = Column(name, name, self.type_name(kind.inner, frame), kind.optional, span=span)
        return replace(column, timezone=_naive(kind.inner))

    def _from_call(
        self, name: str, row: Assignment, call: CallFact, frame: Frame, kind: Declared
    ) -> Column:
        column = self.from_arguments(name, call, frame)
        if column.type is None and kind.inner is not None:
            zone = None if _says_type(call) else _naive(kind.inner)
            column = replace(column, type=self.type_name(kind.inner, frame), timezone=zone)
        if column.nullable is None:
            annotated = kind.optional if row.annotation is not None and kind.mapped else None
            nullable = annotated if annotated is not None else not column.primary_key
            column = replace(column, nullable=nullable and not column.primary_key)
        return replace(column, span=Span(frame.unit.path, call.start, call.end))

    def from_arguments(self, name: str, call: CallFact, frame: Frame) -> Column:
        """A column from the arguments of ``Column(…)``; `name` where none is given."""
        column = Column(name, name)
        for term in call.arguments:
            for value in self.evaluator.values(term, frame)[:1]:
                column = self._argument(column, value)
        for key, term in call.keywords:
            column = self._keyword(column, key, term, frame)
        return column

    def _argument(self, column: Column, value: Value) -> Column:
        if isinstance(value, Const) and isinstance(value.value, str):
            return replace(column, name=value.value)
        if isinstance(value, Ref):
            zone = False if _is_time(value.symbol.dotted()) else column.timezone
            return replace(column, type=_last(value.symbol.dotted()), timezone=zone)
        if not isinstance(value, Made):
            return column
        last = _last(value.of.dotted())
        if last == "ForeignKey":
            key = self.foreign_key(value)
            return replace(column, foreign_key=key, ondelete=self._ondelete(value))
        if last in ("Identity", "Sequence", "Computed", "CheckConstraint", "FetchedValue"):
            return column
        zone = self._zone(value)
        zone = column.timezone if zone is None else zone
        return replace(column, type=last, length=self._length(value), timezone=zone)

    def _zone(self, made: Made) -> bool | None:
        """True for ``DateTime(timezone=True)``, False for ``DateTime()``."""
        if made.unit is None or made.call < 0:
            return None
        call = made.unit.facts.calls[made.call]
        written = next((t for k, t in call.keywords if k in ("timezone", "**")), ["k", False])
        said = written[1] if isinstance(written, list) and written[0] == "k" else None
        if said is True:
            return True
        is_naive = said is False and not call.arguments and _is_time(made.of.dotted())
        return False if is_naive else None

    def _ondelete(self, made: Made) -> str | None:
        """What a ``ForeignKey(…)`` says of rows whose parent goes; empty where it says nothing."""
        if made.unit is None or made.call < 0:
            return None
        call = made.unit.facts.calls[made.call]
        frame = Frame(made.unit, call.scope, made.env, call.start)
        written = [term for key, term in call.keywords if key in ("ondelete", "**")]
        return self._said(written[0], frame) if written else ""

    def _said(self, term: Term, frame: Frame) -> str | None:
        values = self.evaluator.values(term, frame)
        if values == (Const.of(None),):
            return ""
        return text_of(values)

    def _length(self, made: Made) -> int | None:
        if made.unit is None or made.call < 0:
            return None
        call = made.unit.facts.calls[made.call]
        terms = call.arguments[:1] or [t for k, t in call.keywords if k == "length"]
        frame = Frame(made.unit, call.scope, made.env, call.start)
        values = self.evaluator.values(terms[0], frame) if terms else ()
        return next(
            (v.value for v in values if isinstance(v, Const) and type(v.value) is int), None
        )

    def foreign_key(self, made: Made) -> str | None:
        """``table.column`` of a ``ForeignKey(…)``; the attribute as written where it is one."""
        if made.unit is None or made.call < 0:
            return None
        call = made.unit.facts.calls[made.call]
        if not call.arguments:
            return None
        frame = Frame(made.unit, call.scope, made.env, call.start)
        for value in self.evaluator.values(call.arguments[0], frame):
            if isinstance(value, Const) and isinstance(value.value, str):
                return value.value
        return render(call.arguments[0], made.unit)

    def _keyword(self, column: Column, key: str, term: Term, frame: Frame) -> Column:
        values = self.evaluator.values(term, frame)
        truth = next(
            (v.value for v in values if isinstance(v, Const) and type(v.value) is bool), None
        )
        if key in ("nullable", "unique", "index", "primary_key") and truth is not None:
            return replace(column, **{key: truth})  # type: ignore[arg-type]
        if key in ("default", "insert_default", "server_default", "default_factory"):
            return replace(column, default=render(term, frame.unit))
        if key == "foreign_key":
            found = next((v.value for v in values if isinstance(v, Const)), None)
            said = column.ondelete or ""
            return replace(column, foreign_key=str(found), ondelete=said) if found else column
        if key == "ondelete":
            return replace(column, ondelete=self._said(term, frame))
        if key == "max_length":
            found = next((v.value for v in values if isinstance(v, Const)), None)
            return replace(column, length=found) if isinstance(found, int) else column
        if key in ("sa_column", "sa_type", "type_"):
            return self._sa(column, values)
        if key == "name":
            return self._argument(column, values[0]) if values else column
        return column

    def _sa(self, column: Column, values: tuple[Value, ...]) -> Column:
        for value in values[:1]:
            if isinstance(value, Made) and value.unit and _last(value.of.dotted()) in _COLUMNS:
                call = value.unit.facts.calls[value.call]
                inner = Frame(value.unit, call.scope, value.env, call.start)
                made = self.from_arguments(column.attribute, call, inner)
                unsaid = made.nullable is None  # SQLAlchemy's own default, not the annotation's
                return replace(made, nullable=not made.primary_key) if unsaid else made
            return self._argument(column, value)
        return column

    def type_name(self, term: Term, frame: Frame) -> str | None:
        """The last name of an annotated type; a parametrised one as written."""
        if isinstance(term, str):
            return _last(term)
        if isinstance(term, list) and term[0] == "i" and _last(str(term[1])) == "Annotated":
            return self.type_name(term[2], frame)
        return render(term, frame.unit) if term is not None else None

    def composite(self, row: Assignment, frame: Frame) -> Iterator[tuple[str, Column]]:
        """The columns inside a ``composite(mapped_column("x"), …)``, by their names."""
        call = self._written_call(row, frame)
        if call is None or call[0] != "composite":
            return
        for term in call[1].arguments:
            if isinstance(term, list) and term[0] == "c":
                inner = frame.unit.facts.calls[term[1]]
                if str(inner.callee).rpartition(".")[2] in _COLUMNS:
                    column = self.from_arguments("", inner, frame)
                    span = Span(frame.unit.path, inner.start, inner.end)
                    yield column.name, replace(column, attribute=column.name, span=span)

    # -- SQLModel ---------------------------------------------------------------------------

    def sqlmodel_column(self, name: str, row: Assignment, frame: Frame) -> Column | None:
        """The column of a field of a SQLModel table."""
        if row.annotation is None or "ClassVar" in str(row.annotation):
            return None
        kind = declared(row.annotation)
        call = self._written_call(row, frame)
        if call is not None and call[0] in _RELATIONSHIPS:
            return None
        zone = None if call is not None and _says_type(call[1]) else _naive(kind.inner)
        column = Column(name, name, self.type_name(kind.inner, frame), kind.optional, timezone=zone)
        if call is not None and call[0] == "Field":
            filled = self.from_arguments(name, replace_positional(call[1]), call[2])
            zone = zone if filled.type is None else filled.timezone
            column = replace(filled, type=filled.type or column.type, timezone=zone)
            nullable = filled.nullable if filled.nullable is not None else kind.optional
            column = replace(column, nullable=nullable and not filled.primary_key)
        elif row.value is not None:
            column = replace(column, default=render(row.value, frame.unit))
        return replace(column, span=Span(frame.unit.path, row.start, row.end))

    # -- relationships ----------------------------------------------------------------------

    def relationship(self, name: str, row: Assignment, frame: Frame) -> Relationship | None:
        """The relationship that a declaration makes, if it makes one."""
        call = self._written_call(row, frame)
        if call is None or call[0] not in _RELATIONSHIPS:
            return None
        _, made, inner = call
        kind = declared(row.annotation)
        many = self._is_related(kind.inner) if kind.inner is not None else self._uselist(made)
        target = self._related(made, kind.inner, inner)
        span = Span(frame.unit.path, row.start, row.end)
        return with_options(Relationship(name, target, many, span=span), made, inner.unit)

    def _uselist(self, call: CallFact) -> bool | None:
        return next((t == ["k", True] for k, t in call.keywords if k == "uselist"), None)

    def _related(self, call: CallFact, inner: Term, frame: Frame) -> str | None:
        while isinstance(inner, list) and inner and inner[0] == "i" and len(inner) > 2:
            inner = inner[2]
        term = call.arguments[0] if call.arguments else inner
        words = term[1] if isinstance(term, list) and term and term[0] == "s" else term
        if not isinstance(words, str):
            return None
        return next(iter(self._dotted(words, frame)), words)

    def _dotted(self, words: str, frame: Frame) -> Iterator[str]:
        symbol = self.evaluator.names.resolve(frame.unit, 0, words)
        if symbol is not None:
            yield symbol.dotted()


def replace_positional(call: CallFact) -> CallFact:
    """A ``Field`` call without its positional default, which is not a column argument."""
    return call._replace(arguments=[])


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_time(dotted: str) -> bool:
    """True for a time of SQLAlchemy's own, which keeps no zone unless it is told to."""
    return dotted.startswith(("sqlalchemy.", "sqlmodel.")) and _last(dotted) in _TIMES


def _naive(annotation: Term) -> bool | None:
    """False for a plain ``datetime``, which is kept without its zone; ``None`` for all else."""
    return False if annotation in ("datetime", "datetime.datetime", "dt.datetime") else None


def _says_type(call: CallFact) -> bool:
    """True where a column's type may come from the call, and not from the annotation."""
    return bool(call.arguments) or any(key in _TYPED for key, _ in call.keywords)
