"""Roles: which column of the user table says what somebody may do, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.model.errors import Refused
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.recipes.ensure.drafting import insert_lines, module_for
from fastwright.recipes.jwt_auth.accounts import Accounts
from fastwright.recipes.payload import in_quotes
from fastwright.source import layout, wrapping
from fastwright.source.import_block import width_of
from fastwright.source.import_header import Imported
from fastwright.source.imports import ensure_import
from fastwright.source.layout import indented, text_of
from fastwright.source.syntax import Node, parse, walk

COLUMN = "role"
ORDINARY = "user"
"""The role of whoever was given none, where the column is a new one."""

_POWERS = (
    "role", "user_role", "is_superuser", "is_admin", "superuser", "admin", "is_staff", "roles",
    "scopes", "scope",
)  # fmt: skip
_SEVERAL = ("roles", "scopes", "scope")
_RELATED = ("role", "roles")
_LISTS = re.compile(r"array|json|list|set\b")
_TEXTS = re.compile(r"str|text|char|literal")
_DEFAULTS = 'default="user", server_default="user"'
_MODELS = MappingProxyType(
    {
        "mapped": f"role: Mapped[str] = mapped_column(String(20), {_DEFAULTS})\n",
        "column": f"role = Column(String(20), {_DEFAULTS}, nullable=False)\n",
        "sqlmodel": 'role: str = Field(default="user", max_length=20, '
        'sa_column_kwargs={"server_default": "user"})\n',
    }
)
_NAMES = (
    ("Field", "sqlmodel"), ("Column", "sqlalchemy"), ("String", "sqlalchemy"),
    ("Mapped", "sqlalchemy.orm"), ("mapped_column", "sqlalchemy.orm"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Power:
    """Where roles are kept.

    Attributes:
        attribute: The column's Python attribute.
        kind: ``text`` for one role, ``words`` for several in a text, ``list``, ``enum``, or
            ``flag`` for a column that is true for administrators.
        role: The role that stands for *may do more*: ``admin``, or what the app calls it.
        value: Source of the column's value for it.
        imports: What `value` needs.
        is_new: True where the column is written with the change.
    """

    attribute: str
    kind: str
    role: str
    value: str
    imports: tuple[Imported, ...] = ()
    is_new: bool = False


NEW = Power(COLUMN, "text", "admin", '"admin"', is_new=True)


def find_power(app: AppMap, accounts: Accounts) -> Power:
    """The column that holds roles, or a new one.

    Raises:
        Refused: What the app has for roles cannot be read as names.
    """
    table = accounts.table
    related = next((r for r in table.relationships if r.name in _RELATED), None)
    column = next((c for n in _POWERS for c in table.columns if c.attribute.lower() == n), None)
    keyed = next((c for c in table.columns if c.attribute.lower() in ("role_id", "group_id")), None)
    if related is not None or (keyed is not None and column is None):
        name = related.name if related is not None else keyed.attribute if keyed else ""
        raise _refused(table, name, "refers to rows of another table, whose meaning is the app's")
    if column is not None:
        return _power(app, table, column)
    _check_new(app, table)
    return NEW


def _power(app: AppMap, table: Table, column: Column) -> Power:
    declared, name = (column.type or "").lower(), column.attribute
    enum = _enum(app, table, name)
    if column.foreign_key:
        raise _refused(table, name, "refers to rows of another table, whose meaning is the app's")
    if enum is not None:
        return enum
    if "bool" in declared:
        return Power(name, "flag", "staff" if name.lower() == "is_staff" else "admin", "True")
    if _LISTS.search(declared):
        return Power(name, "list", "admin", '["admin"]')
    if _TEXTS.search(declared):
        return Power(name, "words" if name.lower() in _SEVERAL else "text", "admin", '"admin"')
    raise _refused(table, name, f"is of the type `{column.type}`, which names no roles")


def _refused(table: Table, name: str, because: str) -> Refused:
    return Refused(
        f"cannot tell the roles of `{table.name}`",
        f"`{table.name}.{name}` {because}",
        "guard routes by a dependency of the app's own on `CurrentUser`, and leave `--roles` out",
    )


def _enum(app: AppMap, table: Table, attribute: str) -> Power | None:
    """The power of a column whose declaration names an enumeration of the app's."""
    if table.span is None:
        return None
    declaration = rf"(?m)^\s+{attribute}\s*[:=]([^\n]*(?:\n\s{{8,}}[^\n]*)*)"
    found = re.search(declaration, app.files[table.span.path].decode("utf-8", "replace"))
    for name in re.findall(r"\w+", found[1]) if found else ():
        for path, content in app.files.items():
            body = re.search(
                rf"(?m)^class {name}\([^)]*Enum\b[^)]*\):\n((?:[ \t]+[^\n]*\n|\n)*)",
                content.decode("utf-8", "replace") if path.suffix == ".py" else "",
            )
            if body is not None:
                imports = (Imported(module_for(app, path), name),)
                return _of_members(table, attribute, name, body[1], imports)
    return None


def _of_members(
    table: Table, attribute: str, name: str, body: str, imports: tuple[Imported, ...]
) -> Power:
    members = re.findall(r"(?m)^\s+(\w+)\s*=\s*[\"']([^\"']+)[\"']", body)
    if len(members) < 2:
        raise _refused(table, attribute, f"is a `{name}`, whose values are not written as texts")
    high = [m for m in members if "admin" in m[0].lower() or "super" in m[0].lower()]
    member, role = (high or members[-1:])[0]
    return Power(attribute, "enum", role, f"{name}.{member}", imports)


def _check_new(app: AppMap, table: Table) -> None:
    """Raises `Refused` where a column cannot be written, or a client could set or see it."""
    if table.model is None or (table.span is not None and _class_of(app, table) is None):
        raise Refused(
            "cannot add a role",
            f"`{table.name}` has no class that a column could be written into",
            "add a `role` column, and ask again",
        )
    shown = [r for r in app.routes if table.model in (r.body_model, r.response_model)]
    if shown and table.mapper == "sqlmodel":
        raise Refused(
            "cannot add a role",
            f"`{shown[0]}` takes or answers with `{table.model}` itself, so that a role would be "
            "seen, or chosen, by whoever calls it",
            "give that route a schema of its own, and ask again",
        )


def new_column(app: AppMap, accounts: Accounts) -> Iterator[Change]:
    """The column `role`, written below the last one of the user's class."""
    table = accounts.table
    node = _class_of(app, table)
    if node is None or table.span is None:
        return
    path, content = table.span.path, app.files[table.span.path]
    line = _MODELS["sqlmodel" if table.mapper == "sqlmodel" else table.style or "mapped"]
    for name, module in _NAMES:
        if re.search(rf"\b{name}\b", line):
            yield from ensure_import(app, path, module, name).edits
    ends = [c.span.end for c in table.columns if c.span and _holds(node, path, c.span)]
    place = layout.class_body_end(content, node)
    if ends:
        place = layout.after_statement(content, max(ends) - 1)
    body = node.child_by_field_name("body")
    by = layout.indentation(content, body.start_byte if body else place)
    fitted = wrapping.fitted(in_quotes(app, line), width_of(app) - len(by))
    why = "what somebody may do stands beside who they are"
    yield insert_lines(app, path, place, indented(fitted, by), why)


def _holds(node: Node, path: PurePosixPath, span: Span) -> bool:
    return span.path == path and node.start_byte <= span.start < node.end_byte


def _class_of(app: AppMap, table: Table) -> Node | None:
    """The definition of the user's class."""
    name = (table.model or "").rpartition(".")[2]
    if table.span is None:
        return None
    for node in walk(parse(app.files[table.span.path])):
        if node.type == "class_definition" and text_of(node.child_by_field_name("name")) == name:
            return node
    return None


def flags(power: Power | None) -> Mapping[str, bool]:
    """The flags that lines of the payload about roles ask for."""
    if power is None:
        return {}
    return {
        "roles": True,
        f"role-{power.kind}": True,
        "new-role": power.is_new,
        "plain-role": power.kind != "enum",
    }


def names(power: Power | None) -> Mapping[str, str]:
    """The payload's identifiers for roles, and the app's."""
    return {"role_name": power.attribute} if power else {}


def strings(power: Power | None) -> Mapping[str, str]:
    """The payload's texts for roles, and the app's."""
    if power is None:
        return {"granted-role": "admin", "role_name": COLUMN}
    return {"granted-role": power.role, "role_name": power.attribute}


def words(power: Power | None) -> Mapping[str, str]:
    """Expressions of the payload about roles, and what the app says instead."""
    if power is None:
        return {}
    given = f"account.{power.attribute} = "
    return {f"{given}{q}{power.role}{q}": f"{given}{power.value}" for q in ('"', "'")}
