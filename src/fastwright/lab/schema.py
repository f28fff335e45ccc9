"""Bring a world's scratch database to the schema of its tree."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fastwright.lab.processes import Result
from fastwright.model.app import AppMap
from fastwright.model.storage import Migrations


class RunsAndBoots(Protocol):
    """What of a world is needed here."""

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

    Returns:
        How ``alembic upgrade heads`` ended; without migrations, the tables created, a line each.

    Raises:
        DoesNotLoad: There are no migrations, and the app cannot be imported.
    """
    migrated = next((m for m in app_map.migrations if m.config is not None and m.count), None)
    if migrated is not None:
        return _migrate(world, app_map, migrated, timeout)
    started = time.monotonic()
    names: tuple[str, ...] = ()
    if app_map.tables:
        target = app_map.app.target if app_map.app else None
        with world.boot(target, timeout=timeout) as app:
            names = app.create_all()
    return Result(("create_all",), 0, "\n".join(names), "", time.monotonic() - started)


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
