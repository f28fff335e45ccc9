"""Bring a world's scratch database to the schema of its tree."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fastwright.lab.processes import Result
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad
from fastwright.model.storage import Migrations


class RunsAndBoots(Protocol):
    """What of a world is needed here."""

    @property
    def not_served(self) -> Sequence[object]:
        """Servers that the app expects in vain."""

    def inside(self, cwd: Path | None) -> str:
        """A folder of the tree as commands see it."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60.0,
    ) -> Result:
        """Run a command to its end."""

    def boot(
        self, target: str | None = None, *, env: Mapping[str, str] | None = None, timeout: float
    ) -> Any:
        """Start the app."""


def prepare(world: RunsAndBoots, app_map: AppMap, *, timeout: float = 120.0) -> Result:
    """Run the app's migrations where it has some, else create the tables that it knows.

    Many an app has migrations that never ran on an empty database. The tables of its models serve
    it then; whether the migrations run is another question, and the gate of that name asks it.
    An app whose database is of a kind that no world has goes without: it may start all the same.

    Returns:
        How ``alembic upgrade heads`` ended; where there are no migrations or they failed, the
        tables created, a line each, and on the error stream what the migrations said. Not ``ok``
        where there is no server to create them in.

    Raises:
        DoesNotLoad: There are no migrations that run, and the app cannot be imported.
    """
    migrated = next((m for m in app_map.migrations if m.config is not None and m.count), None)
    said = ""
    if migrated is not None:
        ended = _migrate(world, app_map, migrated, timeout)
        if ended.ok:
            return ended
        said = ended.err or ended.out
    return _create(world, app_map, said, timeout)


def _create(world: RunsAndBoots, app_map: AppMap, said: str, timeout: float) -> Result:
    started = time.monotonic()
    names: tuple[str, ...] = ()
    code = 0
    if app_map.tables:
        target = app_map.app.target if app_map.app else None
        with world.boot(target, timeout=timeout) as app:
            try:
                names = app.create_all()
            except DoesNotLoad as error:
                if not world.not_served:
                    raise
                code, said = 1, error.because
    return Result(("create_all",), code, "\n".join(names), said, time.monotonic() - started)


def _migrate(
    world: RunsAndBoots, app_map: AppMap, migrations: Migrations, timeout: float
) -> Result:
    assert migrations.config is not None
    roots = dict.fromkeys((app_map.roots.imports, app_map.roots.working))
    paths = os.pathsep.join(world.inside(Path(root)) for root in roots)
    return world.run(
        ("python", "-m", "alembic", "-c", migrations.config.name, "upgrade", "heads"),
        env={"PYTHONPATH": paths},
        cwd=Path(migrations.config.parent),
        timeout=timeout,
    )
