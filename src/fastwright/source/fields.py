"""A declared field with one more constraint: ``a: str`` to ``a: str = Field(max_length=9)``."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap, Field
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.source.imports import ensure_import

_CALLED = re.compile(r"\bField\((?P<given>[^()]*)\)", re.DOTALL)
_PLAIN = re.compile(r"(?P<head>\w+\s*:\s*[^=\n]+?)(?:\s*=\s*(?P<default>[^\n]+))?\Z")


def with_constraint(
    app: AppMap, field: Field, constraint: str, why: str, module: str = "pydantic"
) -> tuple[Change, ...]:  # fmt: skip
    """The edits that give `field` the keyword `constraint`; none where its form is not known.

    Args:
        app: The map that holds it.
        field: With a span that is its whole declaration.
        constraint: ``max_length=100``.
        why: The reason, for the reader of the change.
        module: Where ``Field`` is imported from, if it is not yet.
    """
    if field.span is None:
        return ()
    written = app.text(field.span)
    called = _CALLED.search(written)
    if called:
        at = field.span.start + len(written[: called.end() - 1].encode())
        given = called["given"].rstrip()
        comma = ", " if given and not given.endswith(",") else ""
        return (Edit(Span(field.span.path, at, at), f"{comma}{constraint}", why),)
    plain = _PLAIN.match(written)
    if plain is None or "Field(" in written or "\n" in written or "Annotated" in written:
        return ()
    bound = ensure_import(app, field.span.path, home_of_field(app, field.span, module), "Field")
    default = f"default={plain['default'].strip()}, " if plain["default"] else ""
    text = f"{plain['head']} = {bound.local}({default}{constraint})"
    return (*bound.edits, Edit(field.span, text, why))


def home_of_field(app: AppMap, at: Span, module: str = "pydantic") -> str:
    """Where the file has ``Field`` from already, else `module`."""
    here = app.module_at(at.path)
    imports = here.imports if here is not None else {}
    known = imports.get("Field", "").partition(".")[0]
    return known if known in ("pydantic", "sqlmodel") else module
