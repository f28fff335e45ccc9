"""The apps that tuning is measured on, opened: own ones, and fetched ones with faults planted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
    root, wishes = laid(name, folder, apps, pythons)
    for change in (change for fault in planted for change in fault.changes):
        _plant(folder / name.partition("/")[2], change)
    person = Screen(Console(stderr=True), yes=True, quiet=True)
    found = ground.find(root, person, wishes)
    with Worlds(found, person, wishes, Stopwatch(person)) as worlds:
        side: Side = worlds.before
        app, description = worlds.known(), side.app.description
        side.close()
        yield Opened(side.world, app, worlds.remap, description["tables"], is_postgres(side))


def laid(name: str, folder: Path, apps: Path | None, pythons: Path | None) -> tuple[Path, Wishes]:
    """A copy of a fetched app in `folder`, fit to run here: where the app is, and how to open it.

    Raises:
        Missing: The app cannot be fetched.
    """
    told = tomllib.loads((HERE / "fetched.toml").read_text())["app"].get(name, {})
    root = folder / name.partition("/")[2]
    unwanted = shutil.ignore_patterns("node_modules")
    shutil.copytree(_sources(name, apps), root, symlinks=True, ignore=unwanted)
    for change in told.get("adapt", ()):
        _plant(root, change)
    for file in told.get("stand_in", ()):
        path = root / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["text"])
        path.chmod(0o755)
    python = _python(name, root, pythons, told.get("packages", ()))
    return root / told.get("folder", "."), Wishes(python=python, env=told.get("env", {}))


def _sources(name: str, apps: Path | None) -> Path:
    """The folder of a fetched app; the apps that are not at hand are cloned into our own."""
    kept = apps or faults.KEPT
    try:
        if not faults.folder(name, kept).exists():
            faults.clone(faults.commits(), kept)
    except subprocess.CalledProcessError as error:
        raise Missing(
            f"{name} is neither in {kept} nor can it be cloned ({error}); "
            "give a folder that has it as <name>-<owner>: --apps DIR, or leave it out: --own"
        ) from error
    return faults.folder(name, kept)


def _python(name: str, root: Path, pythons: Path | None, packages: Sequence[str]) -> Path:
    """The app's interpreter: one of `pythons`, else made from what the app asks for, and kept."""
    owner, _, short = name.partition("/")
    for folder in filter(None, (pythons, faults.KEPT / "environments")):
        python = folder / f"{short}-{owner}" / "bin" / "python"
        if python.exists():
            return python
    needs = read_needs(Project(root).read())
    into = faults.KEPT / "environments" / f"{short}-{owner}"
    needs = replace(needs, requirements=(*needs.requirements, *packages))
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
