"""Modules of the project that code imports, and that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath

from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import Import
from fastwright.workspace.ignore import is_ignored

_MADE = re.compile(r"_pb2(?:_grpc)?$|version|generated|\bgen\b|local|secrets?|prisma|client|plugin")
"""How modules are named that a build or a person puts there."""

_SPREADS = re.compile(rb"extend_path|declare_namespace|\b__path__\b")


class AbsentModules:
    """Which imports of a code base name no file of it, though their package is ours."""

    def __init__(self, codebase: Codebase, files: Mapping[PurePosixPath, bytes]) -> None:
        self._codebase = codebase
        self._files = files

    def of(self, unit: Unit, row: Import) -> str | None:
        """The dotted name of the module that an import does not find; None where it may be there.

        A package is ours for certain where it has an ``__init__.py`` under the very root that the
        importing file is counted from.
        """
        inside = row.module.split(".")
        if row.level:
            base = unit.folder[: len(unit.folder) - row.level + 1]
            return self._below(base, inside, "." * row.level) if row.module else None
        root = unit.root.parts
        top = self._codebase.package((*root, inside[0]))
        known = top is not None and top.root == unit.root and len(inside) > 1
        return self._below(root, inside, "") if known else None

    def _below(self, base: tuple[str, ...], inside: list[str], dots: str) -> str | None:
        for size in range(len(inside)):
            above = self._codebase.package((*base, *inside[:size]))
            is_open = size and (above is None or _SPREADS.search(above.content))
            here = (*base, *inside[: size + 1])
            if is_open:
                return None
            if not self._is_there(here):
                return None if self._may_come(here) else dots + ".".join(inside[: size + 1])
        return None

    def is_made_later(self, package: Unit, name: str) -> bool:
        """True where `name` may be a module of the package all the same."""
        here = (*package.folder, name)
        return bool(_SPREADS.search(package.content)) or self._is_there(here) or (
            not name[:1].isupper() or self._may_come(here)
        )  # fmt: skip

    def _is_there(self, here: tuple[str, ...]) -> bool:
        return here in self._places

    def _may_come(self, here: tuple[str, ...]) -> bool:
        path = PurePosixPath(*here)
        ways = (path.with_suffix(".py"), path / "__init__.py")
        made = any(_MADE.search(part.lower()) for part in here)
        return made or any(is_ignored(self._files, way) for way in ways)

    @cached_property
    def _places(self) -> frozenset[tuple[str, ...]]:
        """The folders and modules that are there, by the parts of their paths."""
        return frozenset(self._listed())

    def _listed(self) -> Iterator[tuple[str, ...]]:
        for path in self._files:
            parts = path.parts
            yield from (parts[:size] for size in range(len(parts)))
            yield (*parts[:-1], parts[-1].partition(".")[0])
