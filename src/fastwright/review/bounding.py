"""A number of the client's with bounds: ``skip: int = 0`` to ``Annotated[int, Query(ge=0)]``."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap, Parameter
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.review.versions import runs_on
from fastwright.source.imports import ensure_import

_ANNOTATED = "0.95"
"""The FastAPI from which on a parameter says in its annotation where it comes from."""

MARKED = re.compile(r"\b(?:Query|Field)\((?P<given>[^()]*)\)")
"""A parameter that says already where it comes from."""

_DECLARED = re.compile(r"\b(?:Query|Path|Header|Cookie|Form)\((?P<given>[^()]*)\)")
_TYPE = re.compile(r"(?:str|int)(?: *\| *None)?|Optional\[(?:str|int)\]")


def constrained(app: AppMap, parameter: Parameter, constraint: str, why: str) -> tuple[Change, ...]:
    """The edits that give a parameter the keyword `constraint`; none where its form is not known.

    Args:
        app: The map that holds it.
        parameter: With its source, and the span of its annotation and default.
        constraint: ``max_length=100``.
        why: The reason, for the reader of the change.
    """
    span, kind = parameter.span, (parameter.source or "").capitalize()
    if span is None or kind not in ("Query", "Path", "Header", "Cookie", "Form"):
        return ()
    marked = _DECLARED.search(app.text(span))
    if marked:
        at = span.start + len(app.text(span)[: marked.end() - 1].encode())
        comma = ", " if marked["given"].strip().rstrip(",") else ""
        return (Edit(Span(span.path, at, at), f"{comma}{constraint}", why),)
    written = parameter.annotation or ""
    if not _TYPE.fullmatch(written) or not app.text(span).startswith(written):
        return ()
    annotated = ensure_import(app, span.path, "typing", "Annotated")
    declares = ensure_import(app, span.path, "fastapi", kind)
    mark = f"{annotated.local}[{written}, {declares.local}({constraint})]"
    edit = Edit(Span(span.path, span.start, span.start + len(written.encode())), mark, why)
    return (*annotated.edits, *declares.edits, edit)


def bounded(
    app: AppMap, parameter: Parameter, bounds: tuple[str, ...], missing: tuple[str, ...], why: str
) -> tuple[Change, ...]:
    """The edits that bound a whole number of the query; none where its form is not known.

    Args:
        app: The map that holds it.
        parameter: With the span of its annotation and default.
        bounds: What a plain ``int`` gets (``ge=0``).
        missing: What is added to a ``Query(…)`` that is there.
        why: The reason, for the reader of the change.
    """
    span = parameter.span
    if span is None:
        return ()
    marked = MARKED.search(app.text(span))
    if marked:
        at = span.start + len(app.text(span)[: marked.end() - 1].encode())
        comma = ", " if marked["given"].strip().rstrip(",") else ""
        added = f"{comma}{', '.join(missing)}"
        return (Edit(Span(span.path, at, at), added, why),) if missing else ()
    if not re.fullmatch(r"int( \| None)?|Optional\[int\]", parameter.annotation or ""):
        return ()
    query = ensure_import(app, span.path, "fastapi", "Query")
    if runs_on(app, "fastapi", _ANNOTATED) is False:
        value = app.text(span).partition("=")[2].strip() or "..."
        mark = f"{parameter.annotation} = {query.local}({', '.join((value, *bounds))})"
        return (*query.edits, Edit(span, mark, why))
    annotated = ensure_import(app, span.path, "typing", "Annotated")
    mark = f"{annotated.local}[{parameter.annotation}, {query.local}({', '.join(bounds)})]"
    end = span.start + len((parameter.annotation or "").encode())
    return (*annotated.edits, *query.edits, Edit(Span(span.path, span.start, end), mark, why))
