"""Tables, schemas, sessions, migrations and manifests from source."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static

MAPPED = """
import re
from datetime import datetime
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship

class Base(DeclarativeBase):
    id: Mapped[int] = mapped_column(primary_key=True)

class Stamped:
    created: Mapped[datetime]

class User(Stamped, Base):
    __tablename__ = "users"
    __table_args__ = (Index("ix_mail", "email"), UniqueConstraint("email", "name", name="once"))
    email: Mapped[str] = mapped_column(String(320), unique=True, index=True)
    name: Mapped[str | None]
    posts: Mapped[list["Post"]] = relationship(back_populates="author", lazy="raise")

class Post(Base):
    __tablename__ = "posts"
    author_id: Mapped[int] = mapped_column("writer", ForeignKey("users.id"))
    author: Mapped["User"] = relationship()
"""
CLASSICAL = """
from sqlalchemy import Column, Integer, String
from sqlalchemy.ext.declarative import declarative_base, declared_attr
Base = declarative_base()
class Named:
    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower() + "s"
class User(Base, Named):
    id = Column(Integer, primary_key=True)
    email = Column(String(50), nullable=False)
    nick = Column("nickname", String)
"""
SQLMODEL = """
from sqlmodel import Field, Relationship, SQLModel
class UserIn(SQLModel):
    email: str = Field(max_length=99, index=True)
class User(UserIn, table=True):
    id: int | None = Field(default=None, primary_key=True)
    team_id: int | None = Field(default=None, foreign_key="team.id")
    team: "Team" = Relationship()
class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""
CORE = """
import sqlalchemy as sa
metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True),
                 sa.Column("email", sa.String(9), unique=True), sa.Index("ix", "email"))
"""


def read(text: str, **more: str) -> AppMap:
    """The map of ``models.py`` and other files."""
    files = {"models.py": text, **more}
    return static.read({PurePosixPath(p): t.encode() for p, t in files.items()})


def test_mapped_classes() -> None:
    """Inherited and mixed-in columns, lengths, nullability, keys, indexes and relationships."""
    app = read(MAPPED)
    users, posts = app.tables
    assert {c.name for c in users.columns} == {"id", "created", "email", "name"}
    email, name = users.column("email"), users.column("name")
    assert email is not None
    assert (email.length, email.unique, email.index, email.nullable) == (320, True, True, False)
    assert name is not None
    assert name.nullable
    assert [(i.name, i.columns, i.unique) for i in users.indexes] == [
        ("ix_mail", ("email",), False),
        ("once", ("email", "name"), True),
    ]
    writer = posts.column("author_id")
    assert writer is not None
    assert (writer.name, writer.foreign_key) == ("writer", "users.id")
    assert [(r.target, r.many, r.lazy) for r in users.relationships] == [
        ("models.Post", True, "raise")
    ]
    assert (users.base, users.style, users.mapper) == ("models.Base", "mapped", "sqlalchemy")


def test_times_that_keep_their_zone() -> None:
    """``timezone=True`` is known where it is written, in a column and in SQLModel's ``sa_type``."""
    text = MAPPED + (
        "class Times(Base):\n"
        "    __tablename__ = 'times'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    zoned: Mapped[datetime] = mapped_column(DateTime(timezone=True))\n"
        "    plain: Mapped[datetime]\n"
    )
    table = read("from sqlalchemy import DateTime\n" + text).table("times")
    assert table is not None
    assert [c.timezone for c in table.columns] == [None, True, False]
    mapped = text.replace(
        "class Base(DeclarativeBase):", "class Base(DeclarativeBase):\n"
        "    type_annotation_map = {datetime: DateTime(timezone=True)}\n", 1)  # fmt: skip
    table = read("from sqlalchemy import DateTime\n" + mapped).table("times")
    assert table is not None
    assert [c.timezone for c in table.columns] == [None, True, None]


def test_classical_columns_and_a_computed_table_name() -> None:
    """Old ``Column`` attributes; a name that a mixin makes from the class is followed."""
    (users,) = read(CLASSICAL).tables
    assert (users.name, users.style, users.base) == ("users", "column", "models.Base")
    rows = [(c.attribute, c.name, c.nullable, c.length) for c in users.columns]
    assert rows == [
        ("id", "id", False, None),
        ("email", "email", False, 50),
        ("nick", "nickname", True, None),
    ]


def test_a_table_name_that_cannot_be_followed_is_not_guessed() -> None:
    """Where the name is made by foreign code it stands as unknown."""
    text = CLASSICAL.replace('cls.__name__.lower() + "s"', "inflect(cls)")
    assert [t.name for t in read("from words import inflect\n" + text).tables] == ["{?}"]


def test_sqlmodel_tables_and_schemas() -> None:
    """``table=True`` makes a table with inherited fields; without it the class is a schema."""
    app = read(SQLMODEL)
    users = app.table("user")
    assert users is not None
    assert [(c.name, c.length, c.nullable, c.foreign_key) for c in users.columns] == [
        ("email", 99, False, None),
        ("id", None, False, None),
        ("team_id", None, True, "team.id"),
    ]
    assert [r.target for r in users.relationships] == ["models.Team"]
    assert [s.name for s in app.schemas] == ["models.UserIn"]


def test_a_default_written_without_field_is_one() -> None:
    """``full_name: str = ""`` in a SQLModel table is a column that need not be given."""
    text = SQLMODEL.replace("    team_id", '    nick: str = ""\n    full: str\n    team_id', 1)
    users = read(text).table("user")
    assert users is not None
    assert {c.name: c.default for c in users.columns if "k" in c.name or "f" in c.name} == {
        "nick": "''",
        "full": None,
    }


def test_core_tables() -> None:
    """``Table(…)`` objects are tables without a model."""
    (users,) = read(CORE).tables
    assert (users.name, users.model, users.mapper) == ("users", None, "core")
    assert [(c.name, c.length, c.unique) for c in users.columns] == [
        ("id", None, False),
        ("email", 9, True),
    ]
    assert [i.columns for i in users.indexes] == [("email",)]


def test_tables_of_an_app_that_maps_none_come_from_its_migrations() -> None:
    """Raw SQL apps: what Alembic creates is what there is."""
    text = (
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'a'\ndown_revision = None\n"
        "def stamps():\n    return (sa.Column('created', sa.DateTime),)\n"
        "def upgrade():\n    op.create_table('users', sa.Column('email', sa.Text), *stamps())\n"
    )
    (users,) = read("x = 1\n", **{"migrations/versions/a.py": text}).tables
    assert (users.name, users.style, [c.name for c in users.columns]) == (
        "users", "migration", ["email", "created"],
    )  # fmt: skip


def test_schemas_inherit_fields_and_say_what_is_required() -> None:
    """Fields of bases come first; ``Field`` gives constraints; tables are not schemas."""
    text = """
from pydantic import BaseModel, ConfigDict, Field
class Base(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: int
class Item(Base):
    name: str = Field(..., max_length=5)
    note: str | None = None
"""
    item = next(s for s in read(text).schemas if s.name == "models.Item")
    assert [(f.name, f.required, f.constraints) for f in item.fields] == [
        ("id", True, ()),
        ("name", True, (("max_length", "5"),)),
        ("note", False, ()),
    ]
    assert item.config == (("extra", "'forbid'"),)


SESSIONS = {
    "a yield dependency": (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n"
        "Local = sessionmaker(bind=create_engine('sqlite://'))\n"
        "def get_db():\n    db = Local()\n    try:\n        yield db\n"
        "    finally:\n        db.close()\n",
        "get_db", "x=Depends(db.get_db)",
        ("db.get_db", "dependency", "sqlalchemy", False),
    ),
    "an asynchronous one": (
        "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\n"
        "make = async_sessionmaker()\n"
        "async def get_session():\n    async with make() as session:\n        yield session\n",
        "get_session", "x: db.AsyncSession = Depends(db.get_session)",
        ("db.get_session", "dependency", "sqlalchemy", True),
    ),
    "SQLModel's": (
        "from sqlmodel import Session, create_engine\nengine = create_engine('sqlite://')\n"
        "def get_session():\n    with Session(engine) as session:\n        yield session\n",
        "get_session", "x=Depends(db.get_session)",
        ("db.get_session", "dependency", "sqlmodel", False),
    ),
    "a driver's connection": (
        "import asyncpg\nfrom fastapi import Request\n"
        "async def conn(request: Request):\n"
        "    async with request.app.state.pool.acquire() as c:\n        yield c\n",
        "conn", "x: asyncpg.Connection = Depends(db.conn)",
        ("db.conn", "dependency", "asyncpg", True),
    ),
    "a method of a container": (
        "from sqlalchemy.ext.asyncio import AsyncSession\nclass Box:\n"
        "    async def session(self) -> AsyncSession:\n        yield 1\nbox = Box()\n",
        "box", "x: db.AsyncSession = Depends(db.box.session)",
        ("db.box.session", "dependency", "sqlalchemy", True),
    ),
    "a pool": (
        "from databases import Database\ndatabase = Database('postgresql://')\n", "database", "",
        ("db.database", "pool", "databases", True),
    ),
    "a scoped session": (
        "from sqlalchemy.orm import scoped_session, sessionmaker\n"
        "session = scoped_session(sessionmaker())\n", "session", "",
        ("db.session", "scoped", "sqlalchemy", False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", SESSIONS)
def test_session_providers(how: str) -> None:
    """The provider that handlers use comes first, with its kind, library and colour."""
    text, _, parameter, expected = SESSIONS[how]
    main = (
        "import asyncpg, db\nfrom fastapi import Depends, FastAPI\napp = FastAPI()\n"
        f"@app.get('/')\ndef home({parameter}): ...\n"
    )
    app = read("", **{"db.py": text, "main.py": main})
    first = app.sessions[0]
    assert (first.symbol, first.kind, first.api, first.is_async) == expected
    assert first.used_by == (1 if parameter else 0)
    capability = app.capability("db.session")
    assert capability is not None
    assert capability.symbol == expected[0]


def test_migrations_have_heads() -> None:
    """Heads are revisions that no other is built on; merges have several parents."""
    files = {
        "alembic.ini": "[alembic]\nscript_location = %(here)s/db\nfile_template = %%(rev)s\n",
        "db/env.py": "from alembic import context\n",
        "db/versions/a.py": "revision = 'a'\ndown_revision = None\n",
        "db/versions/b.py": "revision: str = 'b'\ndown_revision: str = 'a'\n",
        "db/versions/c.py": "revision = 'c'\ndown_revision = 'a'\n",
        "db/versions/d.py": "revision = 'd'\ndown_revision = ('b', 'c')\n",
    }
    (found,) = read("", **files).migrations
    assert (found.heads, found.count) == (("d",), 4)
    assert found.config == PurePosixPath("alembic.ini")
    assert found.versions == PurePosixPath("db/versions")


def test_locked_versions_win_over_declared_ones() -> None:
    """A lock file says what is installed; a pin counts where there is no lock."""
    files = {
        "pyproject.toml": '[project]\ndependencies = ["fastapi>=0.100", "httpx==0.27.0"]\n',
        "uv.lock": '[[package]]\nname = "fastapi"\nversion = "0.115.0"\nsdist = {\n  a = 1,\n}\n',
        "requirements-dev.txt": "pytest==8.0.0 # tests\n-r x.txt\n",
        "broken/poetry.lock": "not = [toml",
    }
    app = read("", **files)
    assert dict(app.versions) == {"fastapi": "0.115.0", "httpx": "0.27.0", "pytest": "8.0.0"}
    assert {(m.path.name, m.tool, m.locks) for m in app.manifests} == {
        ("pyproject.toml", "pyproject", False),
        ("uv.lock", "uv", True),
        ("requirements-dev.txt", "pip", True),
    }


OF_FASTAPI_USERS = """
from fastapi_users.db import SQLAlchemyBaseOAuthAccountTableUUID, SQLAlchemyBaseUserTableUUID
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyBaseAccessTokenTableUUID
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): ...
class User(SQLAlchemyBaseUserTableUUID, Base):
    nickname: Mapped[str]
class Member(SQLAlchemyBaseUserTable[int], Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(100), unique=True)
class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base): ...
class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base): ...
"""


def test_tables_of_the_base_classes_of_fastapi_users_have_name_and_columns() -> None:
    """What the library declares is known without it; what the app's class says comes first."""
    app = read(OF_FASTAPI_USERS)
    assert [table.name for table in app.tables] == ["user", "members", "oauth_account",
                                                    "accesstoken"]  # fmt: skip
    user, member, account, token = app.tables
    own = ("email", "hashed_password", "is_active", "is_superuser", "is_verified")
    assert tuple(c.name for c in user.columns) == ("id", *own, "nickname")
    assert tuple(c.name for c in member.columns) == (*own, "id")
    assert [getattr(t.column("email"), "length", None) for t in (user, member)] == [320, 100]
    assert [getattr(t.column("user_id"), "foreign_key", None) for t in (account, token)] == [
        "user.id", "user.id"
    ]  # fmt: skip
    capability = app.capability("auth.user_table")
    assert capability is not None
    assert capability.because.startswith("table `user` has the columns `email`")


CHILDREN = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import DeclarativeBase, backref, mapped_column, relationship
from sqlmodel import Field, Relationship, SQLModel
CHILDREN = {"cascade": "all"}
class Base(DeclarativeBase): ...
class Shelf(Base):
    __tablename__ = "shelves"
    id = Column(Integer, primary_key=True)
    books = relationship("Book", cascade="all, delete-orphan", passive_deletes=True)
    tags = relationship("Tag", secondary="shelf_tags", viewonly=True)
class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    shelf_id = Column(Integer, ForeignKey("shelves.id", ondelete="CASCADE"))
    room_id = mapped_column(ForeignKey("rooms.id"), nullable=False)
    room = relationship("Room", backref=backref("books", cascade="all"))
    wall = relationship("Wall", backref="books")
class Ship(SQLModel, table=True):
    id: int = Field(primary_key=True)
    fleet_id: int = Field(foreign_key="fleet.id", ondelete="SET NULL")
    port_id: int = Field(foreign_key="port.id")
    crew: list["Man"] = Relationship(cascade_delete=True)
    guns: list["Gun"] = Relationship(sa_relationship_kwargs={"cascade": "all"}, link_model=Mount)
    sails: list["Sail"] = Relationship(sa_relationship_kwargs=CHILDREN)
"""


def test_what_becomes_of_children() -> None:
    """Cascades of relationships and keys, of those on the other side and of SQLModel's too."""
    shelves, books, ship = read(CHILDREN).tables
    assert [(r.cascade, r.passive_deletes, r.through, r.views) for r in shelves.relationships] == [
        ("all, delete-orphan", "True", "", False),
        ("", "", "shelf_tags", True),
    ]
    assert [(c.name, c.ondelete) for c in (*books.columns, *ship.columns) if c.foreign_key] == [
        ("shelf_id", "CASCADE"),
        ("room_id", ""),
        ("fleet_id", "SET NULL"),
        ("port_id", ""),
    ]
    assert [(r.backref, r.backref_cascade) for r in books.relationships] == [
        ("books", "all"),
        ("books", ""),
    ]
    assert [(r.cascade, r.through) for r in ship.relationships] == [
        ("all, delete-orphan", ""),
        ("all", "Mount"),
        (None, ""),
    ]
