"""Middleware added where the app adds its own."""

from __future__ import annotations

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.recipes.ensure.application import statement_after_creation
from fastwright.recipes.ensure.drafting import split_symbol
from fastwright.source.imports import ensure_import


def ensure_middleware(
    app: AppMap, middleware: str, *, options: tuple[tuple[str, str], ...] = (), why: str
) -> tuple[Change, ...]:
    """Have the class `middleware` (dotted) around the app; `options` are name and source text.

    It is added last, which makes it the outermost; nothing where the map has it already.
    """
    module, name = split_symbol(app, middleware)
    if any(m.name in (middleware, name) for m in app.middleware):
        return ()
    place = statement_after_creation(app)
    bound = ensure_import(app, place.path, module, name)
    given = "".join(f", {key}={value}" for key, value in options)
    line = f"{place.variable}.add_middleware({bound.local}{given})"
    return (*bound.edits, place.insert(app, line, why))
