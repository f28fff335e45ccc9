"""The sample apps of this repository: whole, small and different on purpose.

A rule, recipe or attack is tried on all of them. Each is copied before anything runs in it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastwright.lab.world import WorldSpec
from fastwright.model.app import Roots
from fastwright.testing.environments import environment
from fastwright.workspace import journal
from fastwright.workspace.entry import Shelf
from fastwright.workspace.project import Project
from fastwright.workspace.state import FOLDER

REPOSITORY = Path(__file__).parents[3]
"""The checkout that holds the samples; they are not part of an installed package."""

LOCKS = ("newest", "floor")
_UNWANTED = shutil.ignore_patterns(
    "__pycache__", ".fastwright", "*.pyc", "*.db", ".env", ".pytest_cache"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample app.

    Attributes:
        name: Its folder's name.
        path: Its folder, relative to the repository.
        target: ``module:attribute`` of the app, or of the function that makes it.
        shape: What is particular about it.
        tests: How many tests of its own it has, all of which pass on every lock in `locks`.
        operations: How many operations its OpenAPI document has.
        env: Settings that it cannot start without.
        services: Servers that `env` names (``postgresql``).
        accounts: The table of its users; empty where it has none.
        factory: True where `target` is to be called.
        roots: Import root and working directory.
        locks: The locks that it runs on; empty for one that is not run at all.
    """

    name: str
    path: PurePosixPath
    target: str
    shape: str
    tests: int
    operations: int
    env: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    accounts: str = ""
    factory: bool = False
    roots: Roots = field(default_factory=Roots)
    locks: tuple[str, ...] = LOCKS

    def copy(self, into: Path, repository: Path = REPOSITORY) -> Path:
        """A fresh copy of the app as ``into/<name>``, without what running leaves behind.

        What fastwright has applied to the original, as the README has people try, is not in it.
        """
        original, copied = repository / self.path, into / self.name
        shutil.copytree(original, copied, ignore=_UNWANTED)
        shelf = Shelf(original / FOLDER / "journal")
        for entry in reversed(journal.applied(Project(original)) if shelf.folder.is_dir() else ()):
            for move in entry.moves:
                (copied / move.path).unlink(missing_ok=True)
                if move.before is not None:
                    (copied / move.path).write_bytes(shelf.content(entry, move.before))
        return copied

    def read(self, repository: Path = REPOSITORY) -> Mapping[PurePosixPath, bytes]:
        """Every file of a fresh copy, relative to the app's folder."""
        with tempfile.TemporaryDirectory() as folder:
            return Project(self.copy(Path(folder), repository)).read()

    def spec(self, copy: Path, lock: str, repository: Path = REPOSITORY) -> WorldSpec:
        """The world for a `copy` of the app, with the packages of `lock` (``newest``, ``floor``).

        Raises:
            ValueError: The app is not to be run on `lock`.
        """
        if lock not in self.locks:
            raise ValueError(f"{self.name} does not run on {lock}")
        python = python_of(lock, repository)
        return WorldSpec(copy, python, self.roots, dict(self.env), target=self.target)


def python_of(lock: str, repository: Path = REPOSITORY) -> Path:
    """The interpreter that holds the packages of `lock`; built at the first use."""
    return environment(repository / "tests" / "locks" / f"{lock}.txt")


def every_sample() -> tuple[Sample, ...]:
    """All sample apps, the example of the README first."""
    return _SAMPLES


def sample_app(name: str) -> Sample:
    """The sample app of that name.

    Raises:
        KeyError: There is none.
    """
    return {sample.name: sample for sample in _SAMPLES}[name]


def _in_tests(name: str) -> PurePosixPath:
    return PurePosixPath("tests/apps") / name


_SAMPLES = (
    Sample(
        "bookshop",
        PurePosixPath("examples/bookshop"),
        "bookshop.main:app",
        "async SQLAlchemy by feature on PostgreSQL, Alembic, prefixed settings, bcrypt hashes",
        tests=22,
        operations=14,
        env={
            "BOOKSHOP_DATABASE_URL": (
                "postgresql+asyncpg://bookshop:bookshop@localhost:5432/bookshop"
            )
        },
        services=("postgresql",),
        accounts="users",
    ),
    Sample(
        "notebook",
        _in_tests("notebook"),
        "main:app",
        "one file, no database",
        tests=4,
        operations=4,
    ),
    Sample(
        "shop_async",
        _in_tests("shop_async"),
        "shop.main:app",
        "async SQLAlchemy by feature, Alembic, default-value `Depends`, no users",
        tests=5,
        operations=6,
    ),
    Sample(
        "tasks_sqlmodel",
        _in_tests("tasks_sqlmodel"),
        "app.main:app",
        "sync SQLModel by type, Alembic, `SessionDep`, argon2 hashes",
        tests=7,
        operations=6,
        accounts="user",
    ),
    Sample(
        "legacy_forum",
        _in_tests("legacy_forum"),
        "forum.main:app",
        "older sync SQLAlchemy: `Column`, `.query`, tables at import, bcrypt hashes",
        tests=5,
        operations=6,
        accounts="users",
    ),
    Sample(
        "factory_api",
        _in_tests("factory_api"),
        "clinic.app:create_app",
        "factory, nested routers, prefix from settings, `src` layout, errors in an envelope",
        tests=5,
        operations=6,
        env={"CLINIC_DATABASE_URL": "sqlite:///clinic.db"},
        accounts="members",
        factory=True,
        roots=Roots(imports=PurePosixPath("src")),
    ),
    Sample(
        "rawpg",
        _in_tests("rawpg"),
        "sensors.main:app",
        "PostgreSQL by a raw asyncpg pool from the life span",
        tests=4,
        operations=4,
        env={"DATABASE_URL": "postgresql://sensors:sensors@localhost:5432/sensors"},
        services=("postgresql",),
    ),
    Sample(
        "createall",
        _in_tests("createall"),
        "main:app",
        "`create_all` in the life span, flat modules, a session that commits on exit",
        tests=3,
        operations=3,
        accounts="user",
    ),
    Sample(
        "cookie_auth",
        _in_tests("cookie_auth"),
        "diary.main:app",
        "a cookie session of its own with a login: to be bound to",
        tests=5,
        operations=7,
        accounts="users",
    ),
    Sample(
        "pydantic1",
        _in_tests("pydantic1"),
        "main:app",
        "pydantic 1: to be refused",
        tests=0,
        operations=1,
        locks=(),
    ),
)
