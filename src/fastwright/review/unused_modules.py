"""Modules of a project that none of its code imports: what they declare is never made."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.review.once import once
from fastwright.survey.codebase import of_tests

_IMPORT = re.compile(
    rb"(?m)^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import\b(?:[ \t]*\([^)]*\)|[^\n]*(?:\\\n[^\n]*)*)"
)
_BY_NAME = re.compile(rb"\b(?:importlib|pkgutil|__import__|import_module|walk_packages)\b")
_WORD = re.compile(rb"\w+")


@once
def unused_modules(app: AppMap) -> frozenset[PurePosixPath]:
    """The files of modules that no import of another file names, however it is written.

    None are where code imports by names that are put together, or where no application is found.
    """
    code = {path: text for path, text in app.files.items() if path.suffix in (".py", ".pyi")}
    if app.app is None or any(map(_BY_NAME.search, code.values())):
        return frozenset()
    named = {
        path: {word for row in _IMPORT.findall(text) for word in _WORD.findall(row)}
        for path, text in code.items()
        if not of_tests(path)
    }
    served = {app.app.path, *(row.span.path for row in app.routes if row.span is not None)}
    return frozenset(
        path
        for path in named
        if path not in served
        and not any(_stem(path) in words for other, words in named.items() if other != path)
    )


def _stem(path: PurePosixPath) -> bytes:
    """The last part of the module's name; a package is called as its folder."""
    return (path.parent.name if path.stem == "__init__" else path.stem).encode()
