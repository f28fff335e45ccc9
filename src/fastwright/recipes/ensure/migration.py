"""An Alembic revision for new tables and columns, written as the project's own are."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.model.errors import Refused
from fastwright.model.storage import Migrations
from fastwright.source import wrapping


@dataclass(frozen=True, slots=True, kw_only=True)
class NewColumn:
    """One column. `type` and `server_default` are source text: ``sa.String(255)``."""

    name: str
    type: str
    nullable: bool = False
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    foreign_key: str | None = None
    on_delete: str | None = None
    server_default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTable:
    """One table, or (`columns_only`) columns for a table that exists."""

    name: str
    columns: tuple[NewColumn, ...]
    columns_only: bool = False


def ensure_migration(
    app: AppMap, message: str, tables: Sequence[NewTable], *, on: dt.date | None = None
) -> tuple[Change, ...]:
    """Have one revision that makes `tables`; nothing where the app has no Alembic.

    It stands on the current head, in the project's file template. The map's tables are those of
    the models, so what is asked for must not be among them yet, or the caller does not ask.

    Args:
        app: The map.
        message: What the revision does, a few words: ``add refresh tokens``.
        tables: What it makes; it takes them away again in reverse order.
        on: The date for the file's name, where the template has one; else the head's own.

    Raises:
        Refused: There are several Alembic environments or several heads.
    """
    if not app.migrations or not tables:
        return ()
    alembic = _only_environment(app)
    parent = alembic.heads[0] if alembic.heads else None
    revision = hashlib.sha256(f"{parent}\0{message}".encode()).hexdigest()[:12]
    name = _file_name(alembic, revision, message, on or _date_of(app, alembic, parent))
    imports: tuple[str, ...] = ("import sqlalchemy as sa", "from alembic import op")
    if any(path.name == "alembic" for path in _top_folders(app)):
        # Import sorters take `alembic` for a package of the project where a folder has its name.
        imports = (imports[0], "", imports[1])
    text = _revision_text(revision, parent, message, tables, imports)
    why = f"a revision on the head `{parent}`" if parent else "the first revision"
    return (NewFile(alembic.versions / f"{name}.py", text, why),)


def ensure_index(
    app: AppMap, table: str, columns: Sequence[str], *, concurrently: bool = False
) -> tuple[Change, ...]:
    """Have one revision that builds an index; nothing where the app has no Alembic.

    Args:
        app: The map.
        table: The table's name.
        columns: The columns' names; the index is named as SQLAlchemy names that of one.
        concurrently: Build it while the table is written to, as PostgreSQL can.

    Raises:
        Refused: There are several Alembic environments or several heads.
    """
    if not app.migrations:
        return ()
    alembic = _only_environment(app)
    parent = alembic.heads[0] if alembic.heads else None
    message = f"index {table} by {' and '.join(columns)}"
    revision = hashlib.sha256(f"{parent}\0{message}".encode()).hexdigest()[:12]
    name = _file_name(alembic, revision, message, _date_of(app, alembic, parent))
    index = f'op.f("ix_{table}_{"_".join(columns)}")'
    listed = ", ".join(f'"{column}"' for column in columns)
    option = ", postgresql_concurrently=True" if concurrently else ""
    made = [f'op.create_index({index}, "{table}", [{listed}]{option})']
    gone = [f'op.drop_index({index}, table_name="{table}"{option})']
    head = (revision, parent, message)
    text = _written(head, *map(_apart, (made, gone), (concurrently,) * 2))
    why = f"a revision on the head `{parent}`" if parent else "the first revision"
    return (NewFile(alembic.versions / f"{name}.py", text, why),)


def _apart(lines: list[str], concurrently: bool) -> list[str]:
    """PostgreSQL builds an index concurrently only outside of a transaction."""
    if not concurrently:
        return lines
    return ["with op.get_context().autocommit_block():", *(f"    {line}" for line in lines)]


def _top_folders(app: AppMap) -> set[PurePosixPath]:
    """The folders that stand where the project's imports or its commands start."""
    tops = {app.roots.imports, app.roots.working}
    return {parent for path in app.files for parent in path.parents if parent.parent in tops}


def _only_environment(app: AppMap) -> Migrations:
    if len(app.migrations) > 1:
        raise Refused(
            "cannot write a migration",
            f"there are {len(app.migrations)} Alembic environments",
            "name the app whose tables change with `--app module:name`",
        )
    alembic = app.migrations[0]
    if len(alembic.heads) > 1:
        raise Refused(
            "cannot write a migration",
            f"the history has {len(alembic.heads)} heads: {', '.join(alembic.heads)}",
            "merge them with `alembic merge heads`, and ask again",
        )
    return alembic


def _file_name(alembic: Migrations, revision: str, message: str, on: dt.date | None) -> str:
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")[:40]
    template = (alembic.file_template or "%(rev)s_%(slug)s").replace("%%", "%")
    if on is None and re.search(r"%\((year|month|day|hour|minute|second|epoch)\)", template):
        template = "%(rev)s_%(slug)s"
    day = on or dt.date(1970, 1, 1)
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    parts = {
        "rev": revision, "slug": slug, "epoch": int(midnight.timestamp()), "year": day.year,
        "month": day.month, "day": day.day, "hour": 0, "minute": 0, "second": 0,
    }  # fmt: skip
    return template % parts


def _date_of(app: AppMap, alembic: Migrations, revision: str | None) -> dt.date | None:
    """The day of `revision`, by its ``Create Date`` or its file name."""
    for path in (p for p in app.files if p.is_relative_to(alembic.versions)):
        text = app.files[path].decode("utf-8", "replace")
        if revision and re.search(rf"(?m)^revision\b.*[\"']{re.escape(revision)}[\"']", text):
            found = re.search(r"Create Date: (\d{4})-(\d\d)-(\d\d)", text) or re.match(
                r"(\d{4})[-_]?(\d\d)[-_]?(\d\d)", path.name
            )
            if found:
                return dt.date(*map(int, found.groups()))
    return None


def _revision_text(
    revision: str,
    parent: str | None,
    message: str,
    tables: Sequence[NewTable],
    imports: Sequence[str],
) -> str:
    upgrade = [line for table in tables for line in _made(table)]
    downgrade = [line for table in reversed(tables) for line in _unmade(table)]
    return _written((revision, parent, message), upgrade, downgrade, imports)


def _written(
    head: tuple[str, str | None, str],
    upgrade: Sequence[str],
    downgrade: Sequence[str],
    imports: Sequence[str] = ("from alembic import op",),
) -> str:
    """The text of a revision; `head` is its name, its parent's, and what it does."""
    revision, parent, message = head
    parent_text = f'"{parent}"' if parent else "None"
    sentence = message[:1].upper() + message[1:]
    text = "\n".join(
        (
            f'"""{sentence}.',
            "",
            f"Revision ID: {revision}",
            f"Revises: {parent or ''}".rstrip(),
            '"""',
            "",
            *imports,
            "",
            f'revision = "{revision}"',
            f"down_revision = {parent_text}",
            "branch_labels = None",
            "depends_on = None",
            "",
            "",
            "def upgrade() -> None:",
            *(f"    {line}" for line in upgrade),
            "",
            "",
            "def downgrade() -> None:",
            *(f"    {line}" for line in downgrade),
            "",
        )
    )
    return wrapping.fitted(text)


def _made(table: NewTable) -> list[str]:
    indexes = [line for column in table.columns for line in _index(table.name, column)]
    if table.columns_only:
        added = [f'op.add_column("{table.name}", {_column(c)})' for c in table.columns]
        return [*added, *indexes]
    keys = [f'"{c.name}"' for c in table.columns if c.primary_key]
    unique = [f'"{c.name}"' for c in table.columns if c.unique and not c.index]
    rows = [_column(c) for c in table.columns]
    rows += [_foreign_key(c) for c in table.columns if c.foreign_key]
    rows += [f'sa.PrimaryKeyConstraint({", ".join(keys)}, name=op.f("pk_{table.name}"))']
    rows += [
        f'sa.UniqueConstraint({name}, name=op.f("uq_{table.name}_{name[1:-1]}"))' for name in unique
    ]
    return [f'op.create_table("{table.name}", {", ".join(rows)})', *indexes]


def _column(column: NewColumn) -> str:
    default = f", server_default={column.server_default}" if column.server_default else ""
    return f'sa.Column("{column.name}", {column.type}, nullable={column.nullable}{default})'


def _foreign_key(column: NewColumn) -> str:
    rule = f', ondelete="{column.on_delete}"' if column.on_delete else ""
    return f'sa.ForeignKeyConstraint(["{column.name}"], ["{column.foreign_key}"]{rule})'


def _index(table: str, column: NewColumn) -> list[str]:
    if not column.index:
        return []
    unique = ", unique=True" if column.unique else ""
    name = f'op.f("ix_{table}_{column.name}")'
    return [f'op.create_index({name}, "{table}", ["{column.name}"]{unique})']


def _unmade(table: NewTable) -> list[str]:
    dropped = [
        f'op.drop_index(op.f("ix_{table.name}_{c.name}"), table_name="{table.name}")'
        for c in reversed(table.columns)
        if c.index
    ]
    if not table.columns_only:
        return [*dropped, f'op.drop_table("{table.name}")']
    columns = reversed(table.columns)
    return [*dropped, *(f'op.drop_column("{table.name}", "{c.name}")' for c in columns)]
