"""FW323 unmade-tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Migrations, Table
from fastwright.review.rule import rule
from fastwright.survey.codebase import of_tests

_MAKES = re.compile(
    rb"(?i)create_all\b|create_table\w*\s*\(|\bcreate\s+(?:\w+\s+)?table\b|pg_restore|prisma"
    rb"|--autogenerate|autogenerate\s*=\s*true|automap_base|autoload_with|\.reflect\("
    rb"|DeferredReflection|CreateTable\("
)
"""What makes tables, writes the revisions that do, or takes the tables as they are found."""
_STARTS = re.compile(rb"(?i)--autogenerate[^\n]*(?:init|first|creat)")
"""The words of a manual that has whoever installs the app write its first revision."""
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc"})


@rule(code="FW323", severity=Severity.HIGH)
def unmade_tables(app: AppMap) -> Iterator[Finding]:
    """An Alembic environment without a revision, in an app whose tables nothing else makes.

    ## Why is this bad?
    `alembic upgrade head` finds nothing to do and says that all is well, so that the deployment
    goes on; the database stays empty, and the first request that asks a table ends in a 500. It
    works where the app was written, for the tables are there from some earlier day (CWE-1188).

    ## Example
    ```python migrations/env.py
    from alembic import context

    from shop.models import Base

    target_metadata = Base.metadata
    ```
    ```python shop/models.py
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


    class Base(DeclarativeBase): ...


    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
    ```
    ```python shop/main.py
    from fastapi import FastAPI
    from sqlalchemy import create_engine, select
    from sqlalchemy.orm import Session

    from shop.models import Item

    engine = create_engine("sqlite://")
    app = FastAPI()


    @app.get("/items/{item_id}")
    def has_item(item_id: int) -> bool:
        with Session(engine) as session:
            return session.scalar(select(Item).where(Item.id == item_id)) is not None
    ```

    Use instead:
    ```python migrations/env.py
    from alembic import context

    from shop.models import Base

    target_metadata = Base.metadata
    ```
    ```python migrations/versions/0001_items.py
    import sqlalchemy as sa
    from alembic import op

    revision = "0001"
    down_revision = None


    def upgrade() -> None:
        op.create_table("items", sa.Column("id", sa.Integer(), primary_key=True))


    def downgrade() -> None:
        op.drop_table("items")
    ```
    ```python shop/models.py
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


    class Base(DeclarativeBase): ...


    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
    ```
    ```python shop/main.py
    from fastapi import FastAPI
    from sqlalchemy import create_engine, select
    from sqlalchemy.orm import Session

    from shop.models import Item

    engine = create_engine("sqlite://")
    app = FastAPI()


    @app.get("/items/{item_id}")
    def has_item(item_id: int) -> bool:
        with Session(engine) as session:
            return session.scalar(select(Item).where(Item.id == item_id)) is not None
    ```

    ## Fix safety
    There is no fix to apply: the revision is what `alembic revision --autogenerate` writes against
    an empty database, and wants to be read before it is committed.

    ## Known limits
    Nothing is said where a file of the repository makes tables in any other way: `create_all`, SQL,
    a script that lets Alembic write the revisions, or models that are read from the database. Tests
    aside, for they make tables for themselves alone. It is only possible where git is told to leave
    revisions out, or where a manual has whoever installs the app write the first one.
    """
    tables = [t for t in app.tables if t.model and t.span and not of_tests(t.span.path)]
    environments = [m for m in app.migrations if not of_tests(m.directory / "env.py")]
    is_empty = all(m.count == 0 and not _has_others(app, m) for m in environments)
    if environments and is_empty and _asks(app, tables) and not _is_made(app):
        yield _finding(app, environments[0], tables)


def _asks(app: AppMap, tables: list[Table]) -> bool:
    """Whether what is served needs a table: it asks one, or is given a session."""
    served = [route for route in app.routes if route.reachable]
    named = {table.name for table in tables}
    is_asked = any(named.intersection(q.tables) for route in served for q in route.queries)
    return bool(tables) and (is_asked or any(s.used_by for s in app.sessions))


def _has_others(app: AppMap, environment: Migrations) -> bool:
    """Whether revisions may lie elsewhere, or a file between them was not read as one."""
    config = app.files.get(environment.config, b"") if environment.config is not None else b""
    listed = re.search(rb"(?m)^[ \t]*version_locations\s*=", config)
    beside = (p for p in app.files if p.parent == environment.versions and p.suffix == ".py")
    return listed is not None or any(p.stem != "__init__" and app.files[p].strip() for p in beside)


def _is_made(app: AppMap) -> bool:
    """Whether any file may make the tables: code, a script, or SQL."""
    read = (p for p in app.files if p.suffix not in _PROSE and not of_tests(p))
    return any(p.suffix == ".prisma" or _MAKES.search(app.files[p]) for p in read)


def _is_left_to_others(app: AppMap, environment: Migrations) -> bool:
    """Whether each copy of the repository is to have revisions of its own."""
    words = "versions", environment.directory.name
    hidden = (line.strip() for p, text in app.files.items() if p.name == ".gitignore"
              for line in text.decode("utf-8", "replace").splitlines())  # fmt: skip
    if any(w in PurePosixPath(line).parts for line in hidden if line[:1] != "#" for w in words):
        return True
    return any(_STARTS.search(text) for p, text in app.files.items() if p.suffix in _PROSE)


def _finding(app: AppMap, environment: Migrations, tables: list[Table]) -> Finding:
    path = environment.directory / "env.py"
    end = app.files[path].find(b"\n") % (len(app.files[path]) + 1)
    spans = tuple(t.span for t in tables[:1] if t.span is not None)
    count = f"{len(tables)} tables" if len(tables) > 1 else f"`{tables[0].name}`"
    told = f"no file makes {'them' if len(tables) > 1 else 'it'} in any other way"
    return Finding(
        "unmade-tables",
        Span(path, 0, end),
        f"`{environment.directory}` has no revision, so that nothing makes {count}",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=spans,
        symbol=str(environment.directory),
        structural=not _is_left_to_others(app, environment),
    )
