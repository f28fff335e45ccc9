"""The tables that a login adds, as migrations make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.model.storage import Column
from fastwright.recipes.ensure import NewColumn, NewTable, ensure_migration
from fastwright.recipes.ensure.drafting import insert_lines
from fastwright.recipes.jwt_auth.accounts import Accounts
from fastwright.recipes.jwt_auth.authority import COLUMN, ORDINARY
from fastwright.recipes.jwt_auth.binding import Binding
from fastwright.recipes.jwt_auth.new_users import TABLE
from fastwright.source import layout
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse

REFRESH_TABLE = "refresh_tokens"

_REVISION = NewTable(
    name=TABLE,
    columns=(
        NewColumn(name="id", type="sa.Integer()", primary_key=True),
        NewColumn(name="email", type="sa.String(320)", unique=True, index=True),
        NewColumn(name="password_hash", type="sa.String(255)"),
        NewColumn(name="is_active", type="sa.Boolean()"),
    ),
)
_ROLE = NewColumn(name=COLUMN, type="sa.String(20)", server_default=f'"{ORDINARY}"')


def migration(
    app: AppMap, bound: Binding, homes: Sequence[str], *, refresh: bool
) -> Iterator[Change]:
    """A revision of what is new, and new models where Alembic looks for models."""
    tables = list(_new_tables(bound, refresh=refresh))
    if not app.migrations or not tables:
        return
    names = [table.name.replace("_", " ") for table in tables]
    if bound.adds_role:
        names[0] = f"roles of {names[0]}"
    yield from ensure_migration(app, f"add {' and '.join(names)}", tables)
    env = app.migrations[0].directory / "env.py"
    if env in app.files:
        for home in dict.fromkeys(homes):
            yield from _known_to(app, env, home)


def _new_tables(bound: Binding, *, refresh: bool) -> Iterator[NewTable]:
    has_role = bound.power is not None and bound.power.is_new
    if bound.makes_users:
        columns = (*_REVISION.columns, _ROLE) if has_role else _REVISION.columns
        yield replace(_REVISION, columns=columns)
    elif has_role:
        yield NewTable(name=bound.accounts.table.name, columns=(_ROLE,), columns_only=True)
    if refresh:
        yield refresh_table(bound.accounts)


def refresh_table(accounts: Accounts) -> NewTable:
    """The table of refresh tokens, as Alembic makes it."""
    key = accounts.table.column(accounts.key)
    reference = f"{accounts.table.name}.{accounts.key_column}"
    return NewTable(
        name=REFRESH_TABLE,
        columns=(
            NewColumn(name="id", type="sa.Integer()", primary_key=True),
            NewColumn(name="digest", type="sa.String(64)", unique=True, index=True),
            NewColumn(
                name="replaces", type="sa.String(64)", unique=True, index=True, nullable=True
            ),
            NewColumn(name="family", type="sa.String(32)", index=True),
            NewColumn(
                name="account_id",
                type=_key_type(accounts.key_kind, key),
                index=True,
                foreign_key=reference,
                on_delete=None if accounts.table.mapper == "sqlmodel" else "CASCADE",
            ),
            NewColumn(name="password", type="sa.String(32)"),
            NewColumn(name="expires_at", type="sa.BigInteger()"),
            NewColumn(name="ends_at", type="sa.BigInteger()"),
        ),
    )


def _key_type(kind: str, key: Column | None) -> str:
    declared = (key.type or "").lower() if key else ""
    if kind == "uuid":
        return "sa.Uuid()"
    if kind == "int":
        return "sa.BigInteger()" if "big" in declared else "sa.Integer()"
    return f"sa.String({key.length})" if key and key.length else "sa.String()"


def _known_to(app: AppMap, env: PurePosixPath, home: str) -> Iterator[Change]:
    """The model imported by Alembic's environment, above its first import of the project's."""
    content = app.files[env]
    own = {name.partition(".")[0] for name in app.modules} - {env.parent.name}
    found = [n for n in parse(content).named_children if _imports(n, own)]
    plain = [n for n in found if n.type == "import_statement"]
    if not found:
        return
    at = layout.line_start(content, found[0].start_byte)
    if plain:
        at = layout.line_end(content, plain[-1].end_byte)
    line = f"import {home}  # noqa: F401\n"
    yield insert_lines(app, env, at, line, "migrations are compared with the new model too")


def _imports(node: Node, own: set[str]) -> bool:
    return "import" in node.type and bool(set(text_of(node).replace(".", " ").split()) & own)
