"""A user table for an app that has none."""

from __future__ import annotations

from fastwright.model.app import AppMap
from fastwright.model.errors import Refused
from fastwright.model.storage import Column, Table
from fastwright.recipes.jwt_auth.accounts import Accounts

TABLE = "users"

_COLUMNS = (
    Column("id", "id", "int", nullable=False, primary_key=True),
    Column("email", "email", "String", nullable=False, unique=True, index=True, length=320),
    Column("password_hash", "password_hash", "String", nullable=False, length=255),
    Column("is_active", "is_active", "bool", nullable=False, default="True"),
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
    return Accounts(table, "email", "password_hash", "id", "int", on=("is_active",), lowercase=True)
