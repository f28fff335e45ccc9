"""The files of a project as modules: which dotted name each has, and which file a name means."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import TypeAlias

from fastwright.survey.facts import Facts, Import, Scope

_SAMPLES = frozenset({
    "demo", "demo_data", "fixtures", "seed", "seeder", "seeders", "seeding", "seeds",
    "sample_data", "test_data", "test_fixtures", "testdata",
})  # fmt: skip


Folder: TypeAlias = tuple[str, ...]
"""A directory by the parts of its path, which compare and hash faster than paths."""


@dataclass(slots=True, eq=False)
class Unit:
    """One Python file with its facts.

    `scopes` are its facts'; the first is the module. `folder` are the parts of the path above it.
    `tests` says that it belongs to a test suite; `root` is the directory that its dotted `name` is
    counted from; `package` says that it is an ``__init__.py``; `inner` maps a scope's index to the
    functions and classes defined in it.
    """

    path: PurePosixPath
    content: bytes = field(repr=False)
    facts: Facts = field(repr=False)
    package: bool
    tests: bool = False
    root: PurePosixPath = field(default_factory=PurePosixPath)
    name: str = ""
    inner: dict[int, dict[str, int]] = field(default_factory=dict, repr=False)
    scopes: list[Scope] = field(init=False, repr=False)
    folder: Folder = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.scopes = self.facts.scopes
        self.folder = self.path.parts[:-1]

    def dotted(self, scope: int) -> str:
        """The dotted name of a scope."""
        name, local = self.name, self.scopes[scope].name
        if local and name:
            return f"{name}.{local}"
        return local or name

    def text(self, span: Iterable[int]) -> str:
        """The source text from the first to the second offset."""
        start, end = span
        return self.content[start:end].decode("utf-8", "replace")

    def condition(self, index: int) -> str | None:
        """The words of a condition, ``None`` for always."""
        return self.facts.conditions[index] if index >= 0 else None


def _inner(scopes: list[Scope]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for index, scope in enumerate(scopes):
        if scope.up >= 0:
            found.setdefault(scope.up, {})[scope.name.rpartition(".")[2]] = index
    return found


def _parts(path: PurePosixPath) -> tuple[str, ...]:
    parts = path.with_suffix("").parts
    return parts[:-1] if parts and parts[-1] == "__init__" else parts


class Codebase:
    """All Python files of a repository, found by dotted name from any of them."""

    def __init__(self, facts: Mapping[PurePosixPath, tuple[bytes, Facts]]) -> None:
        self.units = [
            Unit(path, content, read, path.name == "__init__.py", inner=_inner(read.scopes))
            for path, (content, read) in facts.items()
        ]
        self._suffixes: dict[str, list[Unit]] = defaultdict(list)
        self._packages = {unit.folder for unit in self.units if unit.package}
        self._packages |= self._by_relative_imports()
        self._files: dict[Folder, Unit] = {}
        self._found: dict[tuple[str, Folder], Unit | None] = {}
        self._index()
        self.votes = self._count_roots()
        for unit in self.units:
            unit.tests = of_tests(unit.path)
            root = self._root_of(unit)
            unit.root = PurePosixPath(*root)
            unit.name = ".".join(_parts(unit.path)[len(root) :])
        self._found.clear()
        self.named = {unit.name: unit for unit in reversed(self.units)}

    def _by_relative_imports(self) -> set[Folder]:
        """Folders without an ``__init__.py`` whose files import from ``.``: nothing is at its root.

        One whose files also name each other absolutely is left out, for it is started both ways.
        """
        beside = {(unit.folder, unit.path.stem) for unit in self.units}
        found: set[Folder] = set()
        plain: set[Folder] = set()
        for unit in self.units:
            for row in (row for scope in unit.scopes for row in scope.imports):
                found |= {unit.folder[: len(unit.folder) - up] for up in range(row.level)}
                if not row.level and (unit.folder, row.module) in beside:
                    plain.add(unit.folder)
        return found - plain - {()}

    def _index(self) -> None:
        for unit in self.units:
            parts = _parts(unit.path)
            if parts:
                self._files.setdefault(parts, unit)
            for start in range(len(parts)):
                self._suffixes[".".join(parts[start:])].append(unit)

    def _count_roots(self) -> Counter[Folder]:
        """How many absolute imports are explained by each directory on ``sys.path``."""
        wanted = Counter(
            (module, unit.folder)
            for unit in self.units
            for module in {i.module for s in unit.scopes for i in s.imports if not i.level}
        )
        votes: Counter[Folder] = Counter()
        for (module, folder), count in wanted.items():
            root = self._explaining(folder, module)
            if root is not None:
                votes[root] += count
        return votes

    def _explaining(self, here: Folder, module: str) -> Folder | None:
        parts = module.split(".")
        if parts[0] in sys.stdlib_module_names:
            return None
        units = self._suffixes.get(module, ())
        found = {_up(u.folder, len(parts) - (0 if u.package else 1)) for u in units}
        if len(parts) == 1:
            found = {root for root in found if root == here[: len(root)]}
        # A package is no directory to import from, unless nothing else explains the import: some
        # put an `__init__.py` into the folder that they start the app in.
        found = found - self._packages or (found if len(parts) > 1 else set())
        return max(sorted(found), key=lambda root: _shared(root, here), default=None)

    def _root_of(self, unit: Unit) -> Folder:
        above = [unit.folder[:size] for size in range(len(unit.folder), -1, -1)]
        voted = [folder for folder in above if folder in self.votes]
        if voted:
            return max(voted, key=lambda folder: (self.votes[folder], -len(folder)))
        return next(folder for folder in above if not folder or folder not in self._packages)

    def find(self, module: str, seen_from: Unit) -> Unit | None:
        """The file that an absolute import of `module` in `seen_from` reads, if it is ours."""
        key = (module, seen_from.folder)
        if key not in self._found:
            self._found[key] = self._find(module, seen_from)
        return self._found[key]

    def _find(self, module: str, seen_from: Unit) -> Unit | None:
        found = [unit for unit in self._suffixes.get(module, ()) if self._may(unit, module)]
        if "." not in module:
            here = seen_from.folder
            found = [
                u
                for u in found
                if u.name == module
                or (u.folder in (here, (*here, module)) and here not in self._packages)
            ]
        return max(
            found,
            key=lambda u: (
                u.root == seen_from.root,
                u.name == module,
                _shared(u.path.parts, seen_from.path.parts),
            ),
            default=None,
        )

    def _may(self, unit: Unit, module: str) -> bool:
        head = module.partition(".")[0]
        return head not in sys.stdlib_module_names or unit.name == module

    def source(self, unit: Unit, imported: Import) -> tuple[Unit | None, str]:
        """The file that an import names (``None`` if it is not ours) and the absolute name."""
        if not imported.level:
            return self.find(imported.module, unit), imported.module
        package = unit.name.split(".") if unit.name else []
        up = imported.level - (1 if unit.package else 0)
        absolute = ".".join([*package[: len(package) - up], *filter(None, [imported.module])])
        inside = filter(None, imported.module.split("."))
        return self._files.get((*_up(unit.folder, imported.level - 1), *inside)), absolute

    def package(self, folder: Folder) -> Unit | None:
        """The ``__init__.py`` of a folder, where it has one."""
        found = self._files.get(folder)
        return found if found is not None and found.package else None

    def submodule(
        self, unit: Unit | None, absolute: str, name: str, seen_from: Unit
    ) -> Unit | None:
        """The file of ``absolute.name``, where `unit` is the file of `absolute` if it has one."""
        if unit is not None and unit.package:
            return self._files.get((*unit.folder, name))
        return self.find(f"{absolute}.{name}" if absolute else name, seen_from)

    def folder(self, unit: Unit, imported: Import) -> Unit | None:
        """``from .folder import name`` where the folder is a namespace package."""
        parts = [*imported.module.split("."), imported.name or ""]
        return self._files.get((*_up(unit.folder, imported.level - 1), *filter(None, parts)))


@cache
def of_tests(path: PurePosixPath) -> bool:
    """True for a file of a test suite, by its name or folder."""
    name = path.name
    named = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    return named or any(part in ("tests", "test", "testing") for part in path.parts[:-1])


def of_samples(path: PurePosixPath) -> bool:
    """True for a file that fills a database with what an app is tried out with."""
    return not _SAMPLES.isdisjoint((*path.parts[:-1], path.stem))


def _up(folder: Folder, levels: int) -> Folder:
    return folder[: max(0, len(folder) - levels)]


def _shared(one: Folder, other: Folder) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
