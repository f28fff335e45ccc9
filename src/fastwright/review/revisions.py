"""Alembic revisions that a repair writes, in the one environment that an app has."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.model.wire import UNTOLD
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


@dataclass(frozen=True, slots=True)
class IndexRevision(NewFile):
    """A revision that builds indexes of columns, each given as its table and its name.

    `joined` makes one of several. Told as JSON it is a plain file.
    """

    columns: tuple[tuple[str, str], ...] = field(default=(), metadata={UNTOLD: True})


def index_revision(app: AppMap, *columns: tuple[str, str]) -> IndexRevision | None:
    """A revision that indexes columns; none where it is not certain on what it stands."""
    if len(app.migrations) != 1 or len(app.migrations[0].heads) != 1:
        return None
    names = [f"ix_{table.replace('.', '_')}_{column}" for table, column in columns]
    pairs = list(zip(names, columns, strict=True))
    make = [f'op.create_index(op.f("{name}"), "{t}", ["{c}"]' for name, (t, c) in pairs]
    drop = [f'op.drop_index(op.f("{name}"), table_name="{t}"' for name, (t, _) in reversed(pairs)]
    first, *others = (f"{table}.{column}" for table, column in columns)
    title = f"Index {first}" + (f" and {len(others)} more" if others else "")
    made = _written(app, title, (_built(app, make),), (_built(app, drop),))
    return IndexRevision(made.path, made.text, made.why, columns=columns)


def joined(app: AppMap, changes: Sequence[Change]) -> tuple[Change, ...]:
    """`changes` with one revision for all indexes, so that one step of a deployment builds them."""
    own = [change for change in changes if isinstance(change, IndexRevision)]
    if len(own) < 2:
        return tuple(changes)
    columns = dict.fromkeys(column for one in own for column in one.columns)
    together = index_revision(app, *columns)
    rest = (change for change in changes if not isinstance(change, IndexRevision))
    return (*rest, together) if together is not None else tuple(changes)


def merge_revision(app: AppMap, heads: Sequence[str]) -> NewFile | None:
    """A revision that joins several heads into one."""
    if len(app.migrations) != 1:
        return None
    return _written(app, f"Merge {' and '.join(heads)}", ("    pass",), ("    pass",), heads)


def _built(app: AppMap, calls: Sequence[str]) -> str:
    """Calls on indexes; PostgreSQL does them without locking out writes, outside a transaction."""
    if not is_postgres(app):
        return "\n".join(f"    {call})" for call in calls)
    block = "    with op.get_context().autocommit_block():"
    return "\n".join((block, *(f"        {c}, postgresql_concurrently=True)" for c in calls)))


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
