"""Registration: what somebody new is asked for, and what their row holds beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.errors import Refused
from fastwright.model.storage import Column
from fastwright.recipes.jwt_auth.accounts import Accounts, login_is_unique
from fastwright.recipes.jwt_auth.schemes import Scheme
from fastwright.recipes.payload import in_quotes

BCRYPT_LENGTH = 60
"""Characters of a bcrypt hash."""

_EMAIL = re.compile(r"e_?mail(_address)?")
_PATTERN = r'r"^[^@\s]+@[^@\s]+$"'
_STAMP = re.compile(
    r"(date_)?(created|registered|joined|updated|modified|signed_up)(_at|_on|_date)?"
)
_CHOSEN_BY_THE_APP = re.compile(
    r"role|scope|perm|group|tier|plan|status|state|type|level|kind|token|secret|key|hash|code"
)
_ROOMY = 254


@dataclass(frozen=True, slots=True)
class Joining:
    """What registration asks for and fills in.

    Attributes:
        fields: Attributes that whoever registers gives besides login and password, with the
            source of each one's type and constraints.
        given: Attributes that the app fills in, and source text for each.
        login: Source of the login's type and constraints.
        emails: Which of `fields` are e-mail addresses.
        is_email: True where people log in with an e-mail address.
        others: Routes that make accounts already.
    """

    fields: Mapping[str, str]
    given: Mapping[str, str]
    login: str
    emails: frozenset[str]
    is_email: bool
    others: tuple[str, ...] = ()


def find_joining(app: AppMap, accounts: Accounts, scheme: Scheme, *, is_new: bool) -> Joining:
    """What the user table asks of a new row.

    Args:
        app: The map.
        accounts: The user table.
        scheme: How stored passwords are hashed.
        is_new: True where the table is written with the change.

    Raises:
        Refused: A row cannot be made of what somebody may tell of themselves.
    """
    _check_table(accounts, scheme, is_new=is_new)
    fields: dict[str, str] = {}
    given = dict(_switches(accounts))
    for column in _asked(accounts, given):
        filled = _filled(column)
        if filled is not None:
            given[column.attribute] = filled
        else:
            fields[column.attribute] = _field(app, accounts, column)
    login = accounts.table.column(accounts.login)
    assert login is not None
    return Joining(
        fields=fields,
        given=given,
        login=_text_field(app, login, at_least=1),
        emails=frozenset(name for name in fields if _EMAIL.fullmatch(name.lower())),
        is_email=bool(_EMAIL.fullmatch(accounts.login.lower())),
        others=tuple(_others(app)),
    )


def _check_table(accounts: Accounts, scheme: Scheme, *, is_new: bool) -> None:
    table = accounts.table
    if not is_new and not login_is_unique(accounts):
        raise _refused(
            f"`{table.name}.{accounts.login}` is not unique, so that two people could register "
            "with one login",
            "make the column unique, by a migration, and ask again",
        )
    column = table.column(accounts.password)
    length = column.length if column else None
    hashes = scheme.kind == "bcrypt" and (length or BCRYPT_LENGTH) >= BCRYPT_LENGTH
    if not accounts.room and not hashes and scheme.kind != "pwdlib":
        raise _refused(
            f"`{table.name}.{accounts.password}` holds {length} characters, and no hash that is "
            "made here fits",
            "widen the column to 255 characters, and ask again",
        )


def already_there(route: Route) -> Refused:
    """The refusal where the app registers people itself, at the very path."""
    return Refused(
        "cannot add registration",
        f"`{route}` is there already, in `{route.handler}`",
        "leave `--registration` out: it stays as it is; or give the login another `--path`",
    )


def _refused(because: str, do: str) -> Refused:
    return Refused("cannot let people register themselves", because, do)


def _switches(accounts: Accounts) -> Iterator[tuple[str, str]]:
    """What switches an account on, where the table does not; refused where it switches it off."""
    wanted = dict.fromkeys(accounts.on, "True") | dict.fromkeys(accounts.off, "False")
    for name, value in wanted.items():
        column = accounts.table.column(name)
        default = (column.default if column else None) or value
        if default.strip("\"'").lower() in (("false", "0") if value == "True" else ("true", "1")):
            raise _refused(
                f"`{accounts.table.name}.{name}` begins as {default}, so that nobody who "
                "registers could log in",
                "let it begin the other way, or build what switches accounts on first",
            )
        if column is not None and column.default is None:
            yield name, value


def _asked(accounts: Accounts, given: Mapping[str, str]) -> Iterator[Column]:
    """Columns that a row must have a value for, besides those of a login."""
    parts = {accounts.login, accounts.password, *given}
    for column in accounts.table.columns:
        optional = column.nullable or column.default is not None or column.attribute in parts
        counted = column.primary_key and accounts.key_kind == "int"
        if not optional and not counted:
            yield column


def _filled(column: Column) -> str | None:
    """Source of what the app itself puts into `column`; None where somebody has to tell it."""
    declared = (column.type or "").lower()
    if "bool" in declared:
        return "False"
    if column.primary_key and ("uuid" in declared or "guid" in declared):
        return "uuid4()"
    if _STAMP.fullmatch(column.attribute.lower()) and "datetime" in declared:
        kept = "" if column.timezone or "tz" in declared else ".replace(tzinfo=None)"
        return f"datetime.now(timezone.utc){kept}"
    return None


def _field(app: AppMap, accounts: Accounts, column: Column) -> str:
    """Source of the field for what only whoever registers can tell."""
    name = column.attribute
    is_text = re.search(r"str|text|char", (column.type or "").lower()) and not column.foreign_key
    if is_text and not column.primary_key and not _CHOSEN_BY_THE_APP.search(name.lower()):
        return _text_field(app, column, at_least=1)
    what = f"refers to `{column.foreign_key}`" if column.foreign_key else f"is a `{column.type}`"
    raise _refused(
        f"`{accounts.table.name}.{name}` must have a value and {what}: what belongs there is not "
        "for whoever registers to choose",
        "give the column a default, or let it be empty, and ask again",
    )


def _text_field(app: AppMap, column: Column, *, at_least: int) -> str:
    """Source of a field for text, as the app's own schemas have it where one has that field."""
    longest = column.length or (320 if _EMAIL.fullmatch(column.attribute.lower()) else _ROOMY)
    found = [f for s in app.schemas for f in s.fields if f.name == column.attribute]
    if any(f.annotation == "EmailStr" for f in found):
        return f"EmailStr = Field(max_length={longest})"
    told = [dict(f.constraints).get("min_length", "") for f in found]
    shortest = max((int(n) for n in told if n.isdecimal()), default=at_least)
    if _EMAIL.fullmatch(column.attribute.lower()):
        return in_quotes(app, f"str = Field(max_length={longest}, pattern={_PATTERN})")
    return f"str = Field(min_length={shortest}, max_length={longest})"


def _others(app: AppMap) -> Iterator[str]:
    """Routes that make an account already: those whose body holds a new password."""
    with_password = {s.name for s in app.schemas if any(f.name == "password" for f in s.fields)}
    for route in app.routes:
        creates = route.method == "POST" and route.reachable and route.body_model in with_password
        if creates and not re.search(r"log-?_?in|sign-?_?in|token|reset", route.path):
            yield str(route)


def flags(joining: Joining | None) -> Mapping[str, bool]:
    """The flags that lines of the payload about registration ask for."""
    if joining is None:
        return {}
    return {
        "registration": True,
        "asks-more": bool(joining.fields),
        "gives-more": bool(joining.given),
        "email-login": joining.is_email,
        "other-login": not joining.is_email,
    }


def words(joining: Joining | None, login: str) -> Mapping[str, str]:
    """Expressions of the payload about registration, and what the app says instead."""
    if joining is None:
        return {}
    fields, row = joining.fields, ",\n        "
    found = {
        f"{login}: str = Field(max_length=320)": f"{login}: {joining.login}",
        "further: str = Field(min_length=1)": "\n    ".join(f"{n}: {t}" for n, t in fields.items()),
        "further: str": ",\n    ".join(f"{name}: str" for name in fields),
        "further=further": row.join(f"{name}={name}" for name in fields),
        "wanted.further": row.join(f"wanted.{name}" for name in fields),
        "given=None": row.join(f"{name}={value}" for name, value in joining.given.items()),
    }
    for quote in ('"', "'"):
        rows = (f"{quote}{name}{quote}: {_told(joining, name, quote)}" for name in fields)
        found[f"{quote}further{quote}: login"] = row.join(rows)
    return found


def sample_body(joining: Joining, login: str) -> Mapping[str, str]:
    """What somebody registers with: ``{login}``, ``{password}`` and ``{n}`` are to be filled in."""
    fields = {name: _sample(joining, name) for name in joining.fields}
    return {login: "{login}", **fields, "password": "{password}"}


def _sample(joining: Joining, name: str) -> str:
    if name in joining.emails:
        return "{login}" if joining.is_email else "{login}@example.com"
    shortest, longest = _lengths(joining.fields[name])
    return "x" * shortest + ("{n}" if longest - shortest > 5 else "")


def _lengths(field: str) -> tuple[int, int]:
    """The fewest and the most characters that the source of a field allows."""
    limits = {key: int(n) for key, n in re.findall(r"(m\w+)_length=(\d+)", field)}
    return limits.get("min", 1), limits.get("max", _ROOMY)


def _told(joining: Joining, name: str, quote: str) -> str:
    """Source of what a test tells of `name`: an address where it is one, else a short text."""
    if name in joining.emails:
        return "login" if joining.is_email else f"f{quote}{{login}}@example.com{quote}"
    shortest, longest = _lengths(joining.fields[name])
    length = max(shortest, min(longest, 8))
    return f"login[:{length}]" if length <= 8 else f"login.ljust({length}, {quote}x{quote})"
