"""What the person names of their app, the user table and the login's column, held against it."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.errors import UsageError
from fastwright.model.storage import Column, Table

_NOT_TEXT = re.compile(
    r"\b(big|small|positive|non_?negative)?_?(int|integer|serial|identity)\b|bool|float|numeric"
    r"|decimal|double|real|date|time|json|uuid|guid|bytes|binary|blob|enum|array|interval|\blist\b",
    re.IGNORECASE,
)
_HASH = re.compile(
    r"(hashed|encrypted)_?(password|passwd|pwd)|(password|passwd|pwd|pass)_?(hash|digest)"
    r"|hash_?pass(word)?|passhash"
)
_PLAIN = re.compile(r"password|passwd|pwd")


def password_column(table: Table) -> Column | None:
    """The column that holds a password hash, if `table` has one."""
    for pattern in (_HASH, _PLAIN):
        for column in table.columns:
            if pattern.fullmatch(column.attribute.lower()):
                return column
    return None


def named_table(app: AppMap, wanted: str) -> Table:
    """The table, or that of the class, called `wanted`.

    Raises:
        UsageError: There is none.
    """
    for table in app.tables:
        if wanted in (table.name, table.model, (table.model or "").rpartition(".")[2]):
            return table
    known = ", ".join(f"`{t.name}`" for t in app.tables) or "none"
    raise UsageError(
        f"cannot use `{wanted}` as the user table",
        f"the app's tables are {known}",
        "name one of them with `--user-table`",
    )


def named_login(table: Table, wanted: str) -> Column:
    """The column called `wanted`, that people can log in with.

    Raises:
        UsageError: There is none, it holds no text, or it holds the hash.
    """
    column, hashes = table.column(wanted), password_column(table)
    if column is None:
        because = f"`{table.name}` has no such column"
    elif hashes is not None and column.name == hashes.name:
        because = "it holds the hash of the password"
    elif not holds_text(column):
        because = f"it is a `{column.type}`, and a login is text"
    else:
        return column
    able = [c.attribute for c in table.columns if holds_text(c) and c != hashes]
    names = ", ".join(f"`{name}`" for name in able) or "none"
    raise UsageError(
        f"cannot log people in by `{table.name}.{wanted}`",
        because,
        f"name a column of text with `--login`: {names}",
    )


def holds_text(column: Column) -> bool:
    """False where the declared type of `column` is known to be another."""
    return not _NOT_TEXT.search(column.type or "")


def check_named(app: AppMap, user_table: str | None, login: str | None) -> None:
    """Hold what was named against the source alone, before anything runs.

    A column that the source does not show may be inherited from a package: only the running app
    tells, so that its absence is left to the build.

    Raises:
        UsageError: There is no such table, or the column cannot be a login.
    """
    table = named_table(app, user_table) if user_table else None
    if table is not None and login and table.column(login) is not None:
        named_login(table, login)
