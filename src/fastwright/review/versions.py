"""Which versions of a package an app runs on: as locked, else as its manifests allow."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap

_OF_PYDANTIC_1 = frozenset({
    *(f"pydantic.{name}" for name in ("BaseSettings", "NoneStr", "NoneBytes", "StrBytes")),
    *(f"pydantic.Constrained{name}" for name in ("Decimal", "Float", "Int", "List", "Set", "Str")),
    "pydantic.error_wrappers.ErrorWrapper", "pydantic.fields.ModelField",
    "pydantic.main.ModelMetaclass",
})  # fmt: skip
"""What can be imported from pydantic 1 alone: a later one raises, and the app does not start."""
_NUMBERS = re.compile(r"\d+")
_BOUND = re.compile(r"(===?|~=|<=|<|\^|~|>=|>)?\s*v?(\d+(?:\.\d+)*)")


def runs_on(app: AppMap, package: str, least: str) -> bool | None:
    """Whether the app runs on `least` or later; ``None`` where nothing says so.

    A version that is locked decides. Else a fresh installation takes the newest that the manifests
    allow: without an upper bound, that is one later than any that is asked about.
    """
    locked = app.versions.get(package)
    if locked:
        return _key(locked) >= _key(least)
    specifiers = [row.names[package] for row in app.manifests if package in row.names]
    if not specifiers:
        return None
    return all(_newest_is(specifier, least) for specifier in specifiers)


def is_on_pydantic_1(app: AppMap) -> bool:
    """True where pydantic 1 is locked, or else asked for, or where code needs what 2 took away."""
    locked = app.versions.get("pydantic")
    if locked:
        return _key(locked) < (2,)
    if runs_on(app, "pydantic", "2") is False:
        return True
    needing = (m for m in app.modules.values() if not _OF_PYDANTIC_1.isdisjoint(m.imports.values()))
    return any(b"pydantic_settings" not in app.files[module.path] for module in needing)


def _newest_is(specifier: str, least: str) -> bool:
    wanted = _key(least)
    for operator, version in _BOUND.findall(specifier):
        given = _key(version)
        if operator in ("==", "===", "<=", "") and given < wanted:
            return False
        if operator == "<" and given <= wanted:
            return False
        if operator in ("~=", "^", "~") and _next(given, operator) <= wanted:
            return False
    return True


def _next(given: tuple[int, ...], operator: str) -> tuple[int, ...]:
    """The first version that a compatible-release specifier leaves out."""
    keep = max(1, len(given) - 1) if operator == "~=" else 1
    if operator == "^" and given[0] == 0:
        keep = 2
    if operator == "~":
        keep = min(2, len(given))
    return (*given[: keep - 1], given[keep - 1] + 1)


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _NUMBERS.findall(version)[:3])
