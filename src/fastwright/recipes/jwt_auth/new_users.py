"""A user table for an app that has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.model.errors import Refused
from fastwright.model.storage import Column, Table
from fastwright.recipes.ensure import NewColumn, NewTable, ensure_migration
from fastwright.recipes.ensure.drafting import insert_lines
from fastwright.recipes.jwt_auth.accounts import Accounts
from fastwright.source import layout
from fastwright.source.layout import text_of
from fastwright.source.syntax import parse

TABLE = "users"

_COLUMNS = (
    Column("id", "id", "int", nullable=False, primary_key=True),
    Column("email", "email", "String", nullable=False, unique=True, index=True, length=320),
    Column("password_hash", "password_hash", "String", nullable=False, length=255),
    Column("is_active", "is_active", "bool", nullable=False, default="True"),
)
_REVISION = NewTable(
    name=TABLE,
    columns=(
        NewColumn(name="id", type="sa.Integer()", primary_key=True),
        NewColumn(name="email", type="sa.String(320)", unique=True, index=True),
        NewColumn(name="password_hash", type="sa.String(255)"),
        NewColumn(name="is_active", type="sa.Boolean()"),
    ),
)


def new_accounts(app: AppMap, mapper: str) -> Accounts:
    """The accounts of the table that is going to be written.

    Raises:
        Refused: There is a table of that name, which cannot be logged in against.
    """
    existing = app.table(TABLE) or app.table("user")
    if existing is not None:
        names = ", ".join(f"`{c.name}`" for c in existing.columns)
        raise Refused(
            f"cannot log in against the table `{existing.name}`",
            f"none of its columns ({names}) holds a password hash",
            "add a column for it, or name another table with `--user-table`",
        )
    table = Table(TABLE, None, _COLUMNS, mapper=mapper)
    return Accounts(table, "email", "password_hash", "id", "int", on=("is_active",))


def migration(app: AppMap, home: str) -> Iterator[Change]:
    """A revision that makes the table, and the model where Alembic looks for models."""
    if not app.migrations:
        return
    yield from ensure_migration(app, "add users", (_REVISION,))
    env = app.migrations[0].directory / "env.py"
    if env in app.files:
        yield from _known_to(app, env, home)


def _known_to(app: AppMap, env: PurePosixPath, home: str) -> Iterator[Change]:
    """The model imported by Alembic's environment, above its first import of the project's."""
    content = app.files[env]
    own = {name.partition(".")[0] for name in app.modules} - {env.parent.name}
    for node in parse(content).named_children:
        if "import" not in node.type or not set(text_of(node).replace(".", " ").split()) & own:
            continue
        line = f"import {home}  # noqa: F401\n"
        at = layout.line_start(content, node.start_byte)
        yield insert_lines(app, env, at, line, "migrations are compared with the new model too")
        return
