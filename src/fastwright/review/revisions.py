"""Alembic revisions that a repair writes, in the one environment that an app has."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from fastwright.model.app import AppMap
from fastwright.model.change import NewFile
from fastwright.review.indexes import is_postgres

_REVISION = '''"""{title}

Revision ID: {revision}
Revises: {revises}
"""

{imports}revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''


def index_revision(app: AppMap, table: str, column: str) -> NewFile | None:
    """A revision that indexes one column; none where it is not certain on what it stands."""
    if len(app.migrations) != 1 or len(app.migrations[0].heads) != 1:
        return None
    name = f"ix_{table.replace('.', '_')}_{column}"
    make = f'op.create_index(op.f("{name}"), "{table}", ["{column}"]'
    drop = f'op.drop_index(op.f("{name}"), table_name="{table}"'
    title = f"Index {table}.{column}"
    return _written(app, title, (_built(app, make),), (_built(app, drop),))


def merge_revision(app: AppMap, heads: Sequence[str]) -> NewFile | None:
    """A revision that joins several heads into one."""
    if len(app.migrations) != 1:
        return None
    return _written(app, f"Merge {' and '.join(heads)}", ("    pass",), ("    pass",), heads)


def _built(app: AppMap, call: str) -> str:
    """A call on an index; PostgreSQL does it without locking out writes, outside a transaction."""
    if not is_postgres(app):
        return f"    {call})"
    block = "    with op.get_context().autocommit_block():"
    return f"{block}\n        {call}, postgresql_concurrently=True)"


def _written(
    app: AppMap,
    title: str,
    upgrade: Sequence[str],
    downgrade: Sequence[str],
    heads: Sequence[str] = (),
) -> NewFile:
    (environment,) = app.migrations
    below = heads or environment.heads
    revision = hashlib.sha256(f"{title}\0{','.join(below)}".encode()).hexdigest()[:12]
    down = f'"{below[0]}"' if len(below) == 1 else "(" + ", ".join(f'"{h}"' for h in below) + ")"
    text = _REVISION.format(
        title=title, revision=revision, revises=", ".join(below), down=down,
        imports="" if upgrade == ("    pass",) else "from alembic import op\n\n",
        upgrade="\n".join(upgrade), downgrade="\n".join(downgrade),
    )  # fmt: skip
    words = "_".join(title.lower().replace(".", " ").split())[:40]
    path = environment.versions / f"{revision}_{words}.py"
    return NewFile(path, text, "the database follows the models by a revision of its own")
