"""The scratch database gets the schema of its tree, whatever state its migrations are in."""

from __future__ import annotations

from pathlib import Path

from fastwright.lab.world import World
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
