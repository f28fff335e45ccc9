"""The apps that tuning is measured on, opened: own ones, and fetched ones with faults planted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import faults
from rich.console import Console

from fastwright.agent import ground
from fastwright.agent.person import Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.tuning import is_postgres
from fastwright.agent.worlds import Worlds
from fastwright.cli.screen import Screen
from fastwright.lab.interpreter import Install, create, read_needs
from fastwright.lab.world import World, WorldSpec
from fastwright.model.app import AppMap
from fastwright.prove.side import Side
from fastwright.survey import merge, static
from fastwright.testing.samples import python_of
from fastwright.workspace.project import Project

HERE = Path(__file__).parent / "slow"
AWAITED = {"DATABASE_URL": "postgresql+asyncpg://shop:shop@localhost:5432/shop"}
Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one app: the route that is slow by it, and why; planted by `changes`."""

    app: str
    route: str
    cause: str
    changes: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """An app in a scratch world with its schema.

    Attributes:
        world: Where it runs.
        app: Its map.
        remap: The map with other files.
        tables: As the running app describes them.
        postgres: Its database is PostgreSQL.
    """

    world: World
    app: AppMap
    remap: Callable[[Files], AppMap]
    tables: Sequence[Mapping[str, Any]]
    postgres: bool


class Missing(Exception):
    """A fetched app is not at hand and cannot be had; the text says which, and what to do."""


@contextmanager
def own(name: str, folder: Path) -> Iterator[Opened]:
    """A copy of an app of `benchmarks/slow`."""
    root = folder / name
    shutil.copytree(HERE / name, root, ignore=shutil.ignore_patterns("__pycache__"))
    files = {PurePosixPath(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.py")}
    app = static.read(files)
    env = AWAITED if name == "awaited" else {}
    assert app.app is not None
    spec = WorldSpec(root, python_of("newest"), app.roots, env, target=app.app.target)
    with World.open(spec) as world:
        world.prepare_schema(app)
        with world.boot() as live:
            description = live.description

        def remap(files: Files) -> AppMap:
            return merge.merge(static.read(files), description)

        yield Opened(world, app, remap, description["tables"], bool(env))


@contextmanager
def fetched(
    name: str, folder: Path, planted: Sequence[Fault], apps: Path | None, pythons: Path | None
) -> Iterator[Opened]:
    """A copy of a fetched app with some faults, as `fastwright tune` itself would open it.

    Raises:
        Missing: The app cannot be fetched.
    """
    told = tomllib.loads((HERE / "fetched.toml").read_text())["app"].get(name, {})
    root = folder / name.partition("/")[2]
    shutil.copytree(
        _sources(name, apps),
        root,
        symlinks=True,
        ignore=shutil.ignore_patterns("node_modules"),
    )
    for change in (*told.get("adapt", ()), *(c for fault in planted for c in fault.changes)):
        _plant(root, change)
    wishes = Wishes(python=_python(name, root, pythons))
    person = Screen(Console(stderr=True), yes=True, quiet=True)
    found = ground.find(root / told.get("folder", "."), person, wishes)
    with Worlds(found, person, wishes, Stopwatch(person)) as worlds:
        side: Side = worlds.before
        app, description = worlds.known(), side.app.description
        side.close()
        yield Opened(side.world, app, worlds.remap, description["tables"], is_postgres(side))


def _sources(name: str, apps: Path | None) -> Path:
    try:
        faults.sources(name, apps or faults.KEPT)
    except (subprocess.CalledProcessError, KeyError) as error:
        raise Missing(
            f"{name} is neither in {apps or faults.KEPT} nor can it be cloned ({error}); "
            "give a folder that has it as <name>-<owner>: --apps DIR, or leave it out: --own"
        ) from error
    owner, _, short = name.partition("/")
    return (apps or faults.KEPT) / f"{short}-{owner}"


def _python(name: str, root: Path, pythons: Path | None) -> Path:
    """The app's interpreter: one of `pythons`, else made from what the app asks for, and kept."""
    owner, _, short = name.partition("/")
    for folder in filter(None, (pythons, faults.KEPT / "environments")):
        python = folder / f"{short}-{owner}" / "bin" / "python"
        if python.exists():
            return python
    needs = read_needs(Project(root).read())
    into = faults.KEPT / "environments" / f"{short}-{owner}"
    return create(into, root, needs, Install(os.environ, build=True)).python


def _plant(root: Path, change: Mapping[str, str]) -> None:
    path = PurePosixPath(change["path"])
    files = {path: (root / path).read_bytes()}
    text = faults.changed(path, files, change["pattern"], change["replace"], 1)
    (root / path).write_bytes(text)


def planted_faults() -> tuple[Fault, ...]:
    """Every fault of `fetched.toml`."""
    rows = tomllib.loads((HERE / "fetched.toml").read_text())["fault"]
    return tuple(Fault(r["app"], r["route"], r["cause"], tuple(r["change"])) for r in rows)
