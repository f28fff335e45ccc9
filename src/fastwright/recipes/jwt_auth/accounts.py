"""The app's user table, and which of its columns plays which part in a login."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.errors import Refused
from fastwright.model.storage import Column, Table
from fastwright.recipes.jwt_auth.named import named_login, named_table, password_column

HASH_LENGTH = 97
"""Characters of an argon2id hash with pwdlib's parameters."""

_LOGINS = ("email", "email_address", "e_mail", "username", "user_name", "login", "name")
_PEOPLE = re.compile(
    r"user|account|member|customer|person|people|staff|employee|author|profile|admin|principal"
)
_ON = ("is_active", "active", "is_enabled", "enabled")
_OFF = (
    "disabled", "is_disabled", "blocked", "is_blocked", "banned", "is_banned", "is_deleted",
    "deleted", "locked", "is_locked", "suspended", "is_suspended",
)  # fmt: skip
_OFF_SINCE = ("deleted_at", "disabled_at", "banned_at", "blocked_at", "suspended_at")


@dataclass(frozen=True, slots=True)
class Accounts:
    """The user table, as authentication sees it; names are Python attributes.

    Attributes:
        table: The table itself.
        login: The attribute that people log in with.
        password: The attribute that holds the hash.
        key: The primary key; `key_kind` is ``int``, ``uuid`` or ``text``.
        is_part: True where `key` is one column of several, and tells accounts apart by itself.
        on: Attributes that are true for an account that may log in.
        off: Attributes that are true, or set, for one that may not.
        lowercase: True where the app stores logins in lower case.
    """

    table: Table
    login: str
    password: str
    key: str
    key_kind: str
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    off_since: tuple[str, ...] = ()
    lowercase: bool = False
    is_part: bool = False

    @property
    def model(self) -> str:
        """The dotted class, or the table's name where there is none."""
        return self.table.model or self.table.name

    @property
    def key_column(self) -> str:
        """The name of the primary key in the database."""
        column = self.table.column(self.key)
        return column.name if column else self.key

    @property
    def has_switch(self) -> bool:
        """True where an account can be switched off."""
        return bool(self.on or self.off or self.off_since)

    @property
    def room(self) -> bool:
        """True where the password column can hold an argon2 hash."""
        column = self.table.column(self.password)
        return column is None or column.length is None or column.length >= HASH_LENGTH

    @property
    def nullable(self) -> bool:
        """True where an account may have no password."""
        column = self.table.column(self.password)
        return bool(column and column.nullable)

    def refused_when(self, name: str) -> str:
        """A condition over `name` that holds for an account which may not log in."""
        tests = [f"not {name}.{attribute}" for attribute in self.on]
        tests += [f"{name}.{attribute}" for attribute in self.off]
        tests += [f"{name}.{attribute} is not None" for attribute in self.off_since]
        return " or ".join(tests)


def find_accounts(app: AppMap, wanted: str | None, login: str | None) -> Accounts | None:
    """The user table; ``None`` where the app keeps no passwords.

    Args:
        app: The map.
        wanted: The table or class that the person named.
        login: The column that the person named to log in with.

    Raises:
        Refused: There are several, or the one that was named cannot be logged in to.
        UsageError: What was named is not there, or cannot be what it was named for.
    """
    if wanted:
        return _bound(app, named_table(app, wanted), login)
    kept = [t for t in app.tables if password_column(t)]
    candidates = [t for t in kept if login_column(app, t, login)]
    if login and kept and not candidates:
        named_login(kept[0], login)
    people = [t for t in candidates if _PEOPLE.search(t.name.lower())] or candidates
    if not people:
        return None
    if len(people) > 1:
        people = _preferred(app, people)
    return _bound(app, people[0], login)


def _preferred(app: AppMap, tables: list[Table]) -> list[Table]:
    symbol = app.capability("auth.user_table")
    chosen = [t for t in tables if symbol and symbol.symbol in (t.model, t.name)]
    exact = [t for t in tables if t.name.lower() in ("user", "users", "account", "accounts")]
    for found in (chosen, exact):
        if len(found) == 1:
            return found
    names = ", ".join(f"`{t.name}`" for t in tables)
    raise Refused(
        "cannot tell which table holds the users",
        f"{names} all have a login and a password",
        f"name one: `--user-table {tables[0].name}`",
    )


def login_column(app: AppMap, table: Table, wanted: str | None) -> Column | None:
    """The column that people log in with: named, looked up by in the code, or unique."""
    if wanted:
        return table.column(wanted)
    found = [c for name in _LOGINS for c in table.columns if c.attribute.lower() == name]
    unique = [c for c in found if _is_unique(table, c)] or found
    if len(unique) < 2:
        return unique[0] if unique else None
    name = (table.model or table.name).rpartition(".")[2]
    return max(unique, key=lambda c: _login_evidence(app, name, c.attribute, -unique.index(c)))


def _is_unique(table: Table, column: Column) -> bool:
    return column.unique or any(i.unique and i.columns == (column.name,) for i in table.indexes)


def login_is_unique(accounts: Accounts) -> bool:
    """True where the database keeps two accounts from one login."""
    column = accounts.table.column(accounts.login)
    return column is not None and (column.primary_key or _is_unique(accounts.table, column))


def _login_evidence(app: AppMap, model: str, attribute: str, rank: int) -> tuple[int, int, int]:
    """How much says that people log in with `attribute`: credentials, then queries, then rank."""
    return _with_password(app, attribute), _looked_up(app, model, attribute), rank


def _with_password(app: AppMap, attribute: str) -> int:
    """Credentials of just `attribute` and a password, in schemas of a login and in tests.

    A form calls every login ``username``, so that such a pair tells nothing.
    """
    pair = rf"[\"']{attribute}[\"']\s*:\s*[^,{{}}\n]+,\s*[\"']password[\"']\s*:\s*[^,{{}}\n]+,?\s*"
    schema = rf"\nclass \w*(?:Log_?[Ii]n|Sign_?[Ii]n|Credentials)\w*\(.*\n\s+{attribute}:"
    wanted = schema if attribute == "username" else rf"\{{\s*{pair}\}}|{schema}"
    found = re.compile(wanted.encode())
    return sum(len(found.findall(text)) for path, text in app.files.items() if path.suffix == ".py")


def _looked_up(app: AppMap, model: str, attribute: str) -> int:
    comparison = re.compile(rf"\b{model}\.{attribute}\s*==|filter_by\(\s*{attribute}\s*=".encode())
    return sum(
        len(comparison.findall(text)) for path, text in app.files.items() if path.suffix == ".py"
    )


def _bound(app: AppMap, table: Table, login: str | None) -> Accounts:
    password = password_column(table)
    name = named_login(table, login) if login else login_column(app, table, None)
    keys = [c for c in table.columns if c.primary_key]
    for missing, what in ((password, "a password hash"), (name, "a login"), (keys, "a key")):
        if not missing:
            raise Refused(
                f"cannot log in against the table `{table.name}`",
                f"no column of it holds {what}",
                "add the column, or name another table with `--user-table`",
            )
    assert password is not None
    assert name is not None
    key = _subject(table, keys)
    attributes = {c.attribute for c in table.columns}
    return Accounts(
        table=table,
        login=name.attribute,
        password=password.attribute,
        key=key.attribute,
        key_kind=key_kind(key.type or ""),
        is_part=len(keys) > 1,
        on=tuple(a for a in _ON if a in attributes),
        off=tuple(a for a in _OFF if a in attributes),
        off_since=tuple(a for a in _OFF_SINCE if a in attributes),
        lowercase=_stores_lowercase(app, name.attribute),
    )


def _subject(table: Table, keys: list[Column]) -> Column:
    """The column that a token names an account by: the key, or what of it is unique by itself."""
    if len(keys) == 1:
        return keys[0]
    alone = [k for k in keys if _is_unique(table, k) and key_kind(k.type or "") != "text"]
    if not alone:
        raise Refused(
            f"cannot log in against the table `{table.name}`",
            f"its primary key has {len(keys)} columns, and a token names one value",
            "name another table with `--user-table`",
        )
    return alone[0]


def key_kind(declared: str) -> str:
    """``int``, ``uuid`` or ``text``, by a column's declared type."""
    lowered = declared.lower()
    if "uuid" in lowered or "guid" in lowered:
        return "uuid"
    return "int" if re.search(r"int|serial|identity", lowered) else "text"


def _stores_lowercase(app: AppMap, login: str) -> bool:
    habit = re.compile(rf"\b{login}\s*=\s*[\w.]+\.(lower|casefold)\(\)".encode())
    return any(habit.search(text) for path, text in app.files.items() if path.suffix == ".py")
