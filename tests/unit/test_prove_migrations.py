"""Migrations on a scratch database: up, down and up again, without leaving anything behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.world import World
from fastwright.model.change import ChangeSet
from fastwright.model.proof import Check, Verdict
from fastwright.prove import Side
from fastwright.prove.migrations import GATE
from fastwright.survey import static
from fastwright.testing.samples import sample_app
from fastwright.workspace.project import Project

Changed = Mapping[PurePosixPath, bytes]
Judge = Callable[[str, Changed], Check]
MODELS = PurePosixPath("shop/products/models.py")
REVISION = PurePosixPath("alembic/versions/0003_labels.py")
LABEL = b"""

class Label(Base):
    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(40))
"""
WRITTEN = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("text", sa.String(40), nullable=False),
    )
    %s


def downgrade():
    %s
"""
NOTHING = ChangeSet("", (), "labels")


BOTH_LOCKS = pytest.mark.parametrize("lock", ["newest", "floor"])


@pytest.fixture
def lock() -> str:
    """The versions that a test runs on, where it does not name others."""
    return "newest"


@pytest.fixture
def judge(lock: str, tmp_path: Path) -> Iterator[Judge]:
    """Judges a change of the app by its sample's name and the changed files."""
    with ExitStack() as stack:

        def verdict(name: str, changed: Changed) -> Check:
            sample = sample_app(name)
            copied = sample.copy(tmp_path)
            spec = replace(sample.spec(copied, lock), target=sample.target)
            files = Project(copied).read()
            sides = []
            for tree in (files, {**files, **changed}):
                world = stack.enter_context(World.open(replace(spec, files=dict(tree))))
                sides.append(Side(static.read(tree), tree, world))
            return GATE.run(sides[0], sides[1], NOTHING)

        yield verdict


def shop_with_labels(up: str = "", down: str = 'op.drop_table("labels")') -> Changed:
    """The change: a new table, and a migration for it."""
    models = (Path(__file__).parents[1] / "apps/shop_async" / MODELS).read_bytes()
    return {MODELS: models + LABEL, REVISION: (WRITTEN % (up or "pass", down)).encode()}


def said(check: Check) -> str:
    """All evidence of a check."""
    return "\n".join(seen.text for seen in check.evidence)


@BOTH_LOCKS
def test_a_good_migration_passes(judge: Judge) -> None:
    """Up, down and up leave the schema that the models ask for."""
    check = judge("shop_async", shop_with_labels())
    assert (check.verdict, said(check)) == (
        Verdict.PASSED,
        "up to head, down to `0002` and up to head again",
    )
    assert (check.before, check.after) == ("no drift", "no drift")


def test_an_irreversible_migration_fails(judge: Judge) -> None:
    """The error of the way down is the evidence."""
    check = judge("shop_async", shop_with_labels(down="raise NotImplementedError('no way')"))
    assert check.verdict is Verdict.FAILED
    assert "`alembic downgrade 0002` failed: NotImplementedError: no way" in said(check)


def test_a_downgrade_that_leaves_things_behind_fails(judge: Judge) -> None:
    """A way down that runs and takes nothing away is not one."""
    check = judge("shop_async", shop_with_labels(down="pass"))
    assert check.verdict is Verdict.FAILED
    assert "after the downgrade table `labels` is still there" in said(check)


def test_a_left_over_column_is_named(judge: Judge) -> None:
    """What an upgrade adds to another table and the downgrade forgets is named."""
    up = 'op.add_column("products", sa.Column("label", sa.Integer(), nullable=True))'
    check = judge("shop_async", shop_with_labels(up))
    assert check.verdict is Verdict.FAILED
    assert "after the downgrade table `products` differs in label" in said(check)


@BOTH_LOCKS
def test_models_that_drift_fail(judge: Judge) -> None:
    """A new table without a migration is found, though nothing else of the change is wrong."""
    changed = {path: text for path, text in shop_with_labels().items() if path == MODELS}
    check = judge("shop_async", changed)
    assert check.verdict is Verdict.FAILED
    assert "models and migrations differ" in said(check)
    assert "labels" in said(check)


def test_a_migration_that_does_not_go_up_fails(judge: Judge) -> None:
    """The database's own error is the evidence."""
    check = judge("shop_async", shop_with_labels('op.add_column("nowhere", sa.Column("x"))'))
    assert check.verdict is Verdict.FAILED
    assert "`alembic upgrade heads` failed" in said(check)


def test_an_app_without_alembic_is_skipped(judge: Judge) -> None:
    """There is nothing to migrate, and the check says so."""
    check = judge("createall", {PurePosixPath("x.py"): b""})
    assert check.skipped_because == "the app has no Alembic"


def test_a_change_without_tables_is_skipped(judge: Judge) -> None:
    """Nothing is migrated for a change that touches no table."""
    check = judge("shop_async", {PurePosixPath("README.md"): b"x"})
    assert check.skipped_because == "the change has no migration and touches no table"


def test_postgresql_migrates_in_its_own_database(judge: Judge, tmp_path: Path) -> None:
    """The same on a private PostgreSQL at the app's own address, with an async engine."""
    folder = sample_app("bookshop").copy(tmp_path / "as-it-is")
    models = PurePosixPath("bookshop/reviews/models.py")
    old = (folder / models).read_bytes()
    label = LABEL.replace(b"mapped_column(String(40))", b"mapped_column()")
    revision = (WRITTEN % ("pass", 'op.drop_table("labels")')).replace("0002", "c07b31f9e6d5")
    revision = revision.replace("sa.String(40)", "sa.String()")
    path = PurePosixPath("migrations/versions/20300101_0003_labels.py")
    check = judge("bookshop", {models: old + label, path: revision.encode()})
    assert (check.ok, said(check)) == (
        True,
        "up to head, down to `c07b31f9e6d5` and up to head again",
    )
