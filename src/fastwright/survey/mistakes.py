"""Expressions that raise whenever they run, as far as the source of a project alone tells."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Mistake
from fastwright.survey.absent import Absent
from fastwright.survey.absent_modules import AbsentModules
from fastwright.survey.classes import Classes
from fastwright.survey.lacking import Lacking
from fastwright.survey.loading import Loading
from fastwright.survey.members import Members
from fastwright.survey.misfits import Misfits
from fastwright.survey.nameless import Nameless
from fastwright.survey.relations import Relations
from fastwright.survey.rows import Rows
from fastwright.survey.uncallable import Uncallable
from fastwright.survey.unread import Unread

_MODERN = re.compile(
    rb"\b(?:ConfigDict|SettingsConfigDict|field_validator|model_validator|model_config)\b"
)


def mistakes(app: AppMap, relations: Relations) -> tuple[Mistake, ...]:
    """Every mistake in the functions of the project, those of the test suite aside.

    Those of modules are told where the import of the application comes to them.
    """
    classes = Classes(relations.evaluator)
    rows = Rows(classes, relations, app.tables)
    members = Members(classes, rows.mapped)
    schemas = {schema.name: schema for schema in app.schemas}
    names = relations.evaluator.names
    nameless = Nameless(names, AbsentModules(names.codebase, app.files))
    readers = (
        Absent(members, rows),
        Unread(members, rows, schemas),
        nameless,
        Lacking(names),
        Uncallable(members),
        Misfits(relations, members, schemas, modern=_is_modern(app)),
    )
    units = [unit for unit in names.codebase.units if not unit.tests]
    found = (mistake for unit in units for reader in readers for mistake in reader.of(unit))
    loading = Loading(nameless).of(app.app) if app.app is not None else ()
    return tuple(dict.fromkeys((*loading, *found)))


def _is_modern(app: AppMap) -> bool:
    """True where pydantic is 2 or later, in which no field is optional by its type alone."""
    version = app.versions.get("pydantic", "")
    if version:
        return version.partition(".")[0] not in ("0", "1")
    return any(_MODERN.search(app.files[path]) for path in app.files if path.suffix == ".py")
