"""Names of modules: of a file, as an import writes them, and the section they belong to."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from fastwright.model.app import AppMap


def module_of(app: AppMap, path: PurePosixPath) -> str:
    """The dotted name that the file `path`, which need not exist yet, is imported by.

    A folder without ``__init__.py`` is part of it where the app writes its imports so.
    """
    mapped = _mapped(app, path)
    root = app.roots.imports
    parts = path.relative_to(root).with_suffix("").parts if path.is_relative_to(root) else ()
    package = ".".join(parts[:-1])
    if not package or path.name == "__init__.py" or mapped.startswith(f"{package}."):
        return mapped
    written = re.compile(rf"(?m)^\s*(?:from|import)\s+{re.escape(package)}[\s.]".encode())
    named_so = any(written.search(c) for p, c in app.files.items() if p.suffix == ".py")
    return ".".join(parts) if named_so else mapped


def _mapped(app: AppMap, path: PurePosixPath) -> str:
    names = {m.path: m.name for m in app.modules.values()}
    if path in names:
        return names[path]
    parts = path.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    for depth in range(len(path.parent.parts), -1, -1):
        package = _package_at(names, PurePosixPath(*path.parts[:depth]))
        if package is not None:
            return ".".join((*package, *parts[depth:]))
    return ".".join(parts)


def _package_at(
    names: Mapping[PurePosixPath, str], folder: PurePosixPath
) -> tuple[str, ...] | None:
    """The package, in parts, that a module directly in `folder` shows it to be."""
    for path, name in names.items():
        if path.parent == folder:
            return package_of(path, name)
    return None


def package_of(path: PurePosixPath, module: str) -> tuple[str, ...]:
    """The package, in parts, that a relative import in the file `path` starts from."""
    parts = tuple(part for part in module.split(".") if part)
    return parts if path.name == "__init__.py" else parts[:-1]


def relative_to(package: Sequence[str], target: Sequence[str]) -> str:
    """The module `target` as a relative import within `package` writes it."""
    shared = 0
    while shared < min(len(package), len(target)) and package[shared] == target[shared]:
        shared += 1
    return "." * (len(package) - shared + 1) + ".".join(target[shared:])


def section_of(written: str, first_party: frozenset[str]) -> int:
    """The section of an import: 0 future, 1 standard, 2 third party, 3 own, 4 relative."""
    top = written.partition(".")[0]
    if written.startswith("."):
        return 4
    if top == "__future__":
        return 0
    if top in first_party:
        return 3
    return 1 if top in sys.stdlib_module_names else 2


def absolute(written_module: str, package: tuple[str, ...]) -> str:
    """The dotted name that a module as written stands for, in a file of `package`."""
    rest = written_module.lstrip(".")
    dots = len(written_module) - len(rest)
    if not dots:
        return written_module
    start = package[: len(package) - dots + 1]
    return ".".join((*start, *(part for part in (rest.strip(),) if part)))
