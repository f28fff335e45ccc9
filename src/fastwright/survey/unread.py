"""Rows that a model of pydantic is to read, and cannot: it is not told to read attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastwright.model.app import Schema
from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.survey.classes import Class
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import CallFact
from fastwright.survey.members import Members
from fastwright.survey.rows import Rows

_READS = frozenset({"model_validate", "from_orm"})
_TOLD = frozenset({"from_attributes", "orm_mode", "**"})
_MODELS = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel"})
_OWN = re.compile(
    rb"model_validator|root_validator|def model_validate|def from_orm|__get_val|class Config\(|"
    rb"model_config\b[^\n=]*=\s*(?!(?:\w+\.)?(?:Settings)?ConfigDict\(|\{)"
)
"""What may tell it in ways that are not read."""


class Unread:
    """Finds such calls in one file after the other."""

    def __init__(self, members: Members, rows: Rows, schemas: Mapping[str, Schema]) -> None:
        self._names = members.classes.evaluator.names
        self._classes = members.classes
        self._rows = rows
        self._schemas = schemas

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """The calls of ``Model.model_validate(row)`` whose model has no ``from_attributes``."""
        for row in unit.facts.calls:
            head, verb = self._read(unit, row)
            symbol = self._names.resolve(unit, row.scope, head) if head else None
            cls = self._classes.by_symbol.get(symbol) if symbol is not None else None
            if cls is None or not self._is_deaf(cls) or not self._holds_row(unit, row):
                continue
            name = cls.name.rpartition(".")[2]
            why = (
                f"`{name}` is not told to read attributes (`from_attributes`), and a row is no dict"
            )
            error = "ValidationError" if verb == "model_validate" else "PydanticUserError"
            yield Mistake(unit.dotted(row.scope), Span(unit.path, row.start, row.named), error, why)

    def _read(self, unit: Unit, row: CallFact) -> tuple[str, str]:
        """The class and method of a call that hands one name over, and nothing else."""
        if not isinstance(row.callee, str) or row.keywords or unit.scopes[row.scope].kind != "f":
            return "", ""
        head, _, verb = row.callee.rpartition(".")
        is_read = verb in _READS and len(row.arguments) == 1
        return (head, verb) if is_read and str(row.arguments[0]).isidentifier() else ("", "")

    def _is_deaf(self, cls: Class) -> bool:
        """True for a model that reads dictionaries alone."""
        schema = self._schemas.get(cls.name)
        foreign = {s.dotted() for s in cls.lineage if s.kind == "external"} - {"typing.Generic"}
        if schema is None or not foreign or not foreign <= _MODELS:
            return False
        owners = self._classes.owners(cls)
        bodies = (unit.content[facts.start : facts.end] for unit, facts, _ in owners)
        return not _TOLD & {k for k, _ in schema.config} and not any(map(_OWN.search, bodies))

    def _holds_row(self, unit: Unit, call: CallFact) -> bool:
        name = call.arguments[0]
        rows = self._rows.of(unit, call.scope)
        is_said = name in (p.name for p in unit.scopes[call.scope].parameters)
        return not is_said and any(n == name and at <= call.start for n, at, _ in rows)
