"""The scratch database gets the schema of its tree, whatever state its migrations are in."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from fastwright.lab import schema
from fastwright.lab.world import World
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad
from fastwright.model.storage import Table
from fastwright.survey import static
from fastwright.testing.samples import sample_app
from fastwright.workspace.project import Project


def test_tables_are_there_although_the_migrations_do_not_run(tmp_path: Path) -> None:
    """Where ``alembic upgrade`` fails, the models' tables are made, and its words are kept."""
    sample = sample_app("shop_async")
    root = sample.copy(tmp_path)
    app = static.read(Project.find(root).read())
    versions = root / app.migrations[0].versions
    for revision in versions.glob("*.py"):
        revision.write_text(revision.read_text() + "\nraise RuntimeError('not on my watch')\n")
    with World.open(sample.spec(root, "newest")) as world:
        made = world.prepare_schema(app)
    assert made.ok
    assert {table.name for table in app.tables} <= set(made.out.split())
    assert "not on my watch" in made.err


class NoServer:
    """An app that starts, in a world that lacks its database, or lacks nothing."""

    def __init__(self, *absent: str) -> None:
        self.not_served = absent

    def boot(self, _target: str | None = None, **_options: object) -> NoServer:
        """Start it."""
        return self

    def create_all(self) -> tuple[str, ...]:
        """Fail, as a driver does that nobody answers."""
        raise DoesNotLoad("cannot create the tables", "nobody answers at db:3306", "see to it")

    def __enter__(self) -> NoServer:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing was opened."""


def test_an_app_starts_although_its_database_is_of_a_kind_that_is_not_here() -> None:
    """No tables are made where there is no such server; where there is, its refusal is told."""
    app = AppMap({}, None, tables=(Table("users", None, (), (), ()),))
    made = schema.prepare(cast("schema.RunsAndBoots", NoServer("MySQL")), app)
    assert (made.ok, made.err) == (False, "nobody answers at db:3306")
    with pytest.raises(DoesNotLoad, match="nobody answers"):
        schema.prepare(cast("schema.RunsAndBoots", NoServer()), app)
