"""What the app keeps, and how it reaches it: tables, sessions, migrations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.places import Span


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `attribute` is the Python name, `name` the database's; `length` in characters.

    `timezone` is True for a time that is kept with its zone, False for one that is not; `ondelete`
    is what the database does with the row when that of the key goes, as written and empty where
    nothing is. Both ``None`` where not known.
    """

    name: str
    attribute: str
    type: str | None = None
    nullable: bool | None = None
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    foreign_key: str | None = None
    default: str | None = None
    length: int | None = None
    span: Span | None = None
    timezone: bool | None = None
    ondelete: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """One index; a unique constraint counts as a unique index."""

    name: str | None
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Relationship:
    """One ORM relationship; `target` is a dotted class where resolved.

    Attributes:
        cascade: As written, empty where nothing is; ``None`` where not known.
        passive_deletes: As written (``True``, ``'all'``); empty where nothing is.
        through: The table between two that refer to each other's many rows, as written.
        views: True where it writes nothing.
        backref: The name of the relationship that it makes at its target.
        backref_cascade: That one's `cascade`.
    """

    name: str
    target: str | None
    many: bool | None = None
    lazy: str | None = None
    span: Span | None = None
    cascade: str | None = None
    passive_deletes: str = ""
    through: str = ""
    views: bool = False
    backref: str = ""
    backref_cascade: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table, by its mapped class (`model`, dotted) or its ``Table(…)`` object.

    `mapper` is ``sqlalchemy``, ``sqlmodel`` or ``core``; `style` is ``mapped`` or ``column``.
    """

    name: str
    model: str | None
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    mapper: str = "sqlalchemy"
    style: str | None = None
    base: str | None = None
    span: Span | None = None
    seen_by: tuple[str, ...] = ("source",)

    def column(self, name: str) -> Column | None:
        """The column with that database or Python name."""
        return next((c for c in self.columns if name in (c.name, c.attribute)), None)


@dataclass(frozen=True, slots=True)
class SessionProvider:
    """How handlers get a database session or connection.

    Attributes:
        symbol: Dotted name of the dependency, context manager or session maker.
        kind: ``dependency`` (used with ``Depends``), ``context`` (``async with``), ``scoped``,
            ``maker`` or ``pool`` (a driver's own, no ORM).
        api: ``sqlalchemy``, ``sqlmodel``, ``databases``, ``asyncpg``, ``psycopg`` or another name.
        alias: Dotted name of the ``Annotated`` alias, if the app has one.
        commits: True where it commits on exit; ``None`` where not known.
        used_by: How many routes reach it.
    """

    symbol: str
    kind: str
    api: str
    is_async: bool
    alias: str | None = None
    annotation: str | None = None
    commits: bool | None = None
    used_by: int = 0
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One Alembic revision: its identifier, those that it follows, and where it names itself.

    `label` is what ``branch_labels`` holds, as written, where it holds something.
    """

    name: str
    below: tuple[str, ...]
    span: Span
    label: str = ""


@dataclass(frozen=True, slots=True)
class Migrations:
    """One Alembic environment; paths relative to the repository root."""

    config: PurePosixPath | None
    directory: PurePosixPath
    versions: PurePosixPath
    heads: tuple[str, ...] = ()
    count: int = 0
    file_template: str | None = None
    revisions: tuple[Revision, ...] = ()
