"""Fixes in sequence: what cannot be made at once waits for the tree to be read again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from fastwright.agent.fixing import fix
from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.review import Objection
from fastwright.review.engine import objection
from fastwright.review.rule import find_rule
from fastwright.survey import static

MODELS = """\
from fastapi import FastAPI
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite://")


class Base(DeclarativeBase): ...


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


class Mark(Base):
    __tablename__ = "marks"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


app = FastAPI()


@app.delete("/shelves/{shelf_id}")
def delete_shelf(shelf_id: int) -> None:
    with Session(engine) as session:
        shelf = session.scalar(select(Shelf).where(Shelf.id == shelf_id))
        session.delete(shelf)
        session.commit()
"""
START = """\
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("shelves", sa.Column("id", sa.Integer, primary_key=True))


def downgrade() -> None:
    op.drop_table("shelves")
"""
FILES = {
    "main.py": MODELS,
    "requirements.txt": "fastapi\nsqlalchemy\nalembic\n",
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": "from alembic import context\n",
    "migrations/versions/0001_start.py": START,
}


HASHING = """\
import bcrypt
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
app = FastAPI()


@app.post("/users")
async def add_user(password: str) -> int:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
    with Session(engine) as session:
        session.execute(text("SELECT 1"), {"hash": hashed})
        session.commit()
    return 1
"""


def judge(files: Mapping[PurePosixPath, bytes]) -> tuple[AppMap, tuple[Objection, ...]]:
    """What holds the event loop up."""
    app = static.read(files)
    rules = [find_rule(name) for name in ("sync-database-in-async", "blocking-call-in-async")]
    found = ((rule, finding) for rule in rules for finding in rule.check(app))
    return app, tuple(objection(app.files, finding, rule) for rule, finding in found)


def test_no_fix_awaits_in_a_function_that_another_makes_plain() -> None:
    """Of two repairs of one function, each right alone, one is made, and nothing is left."""
    files = {PurePosixPath("main.py"): HASHING.encode()}
    _, objections = judge(files)
    assert {o.rule for o in objections} == {"sync-database-in-async", "blocking-call-in-async"}
    assert all(o.finding.fixes for o in objections)

    fixed = fix(files, judge, Safety.SAFE)

    text = fixed.files[PurePosixPath("main.py")].decode()
    compile(text, "main.py", "exec")
    assert "\ndef add_user" in text
    assert judge(fixed.files)[1] == ()


def find(files: Mapping[PurePosixPath, bytes]) -> tuple[AppMap, tuple[Objection, ...]]:
    """The foreign keys without an index."""
    app, rule = static.read(files), find_rule("unindexed-foreign-key")
    return app, tuple(objection(app.files, finding, rule) for finding in rule.check(app))


def test_several_indexes_are_built_by_one_revision() -> None:
    """Two keys of two tables make one step of a deployment, undone in the opposite order."""
    files = {PurePosixPath(path): text.encode() for path, text in FILES.items()}

    fixed = fix(files, find, Safety.SAFE)

    app, left = find(fixed.files)
    assert len(fixed.chosen) == 2
    assert left == ()
    (head,) = app.migrations[0].heads
    (new,) = (path for path in fixed.files if path not in files)
    assert new.name == f"{head}_index_notes_shelf_id_and_1_more.py"
    named = re.findall(r'op\.f\("(\w+)"\)', fixed.files[new].decode())
    notes, marks = "ix_notes_shelf_id", "ix_marks_shelf_id"
    assert named == [notes, marks, marks, notes]
    one = fix(files, find, Safety.SAFE, only={fixed.chosen[0].key})
    assert len(one.chosen) == 1
    assert b"ix_marks_shelf_id" not in b"".join(one.files.values())


TWICE = """\
import bcrypt
from fastapi import FastAPI

app = FastAPI()


def matches(password: str, kept: bytes) -> bool:
    return bcrypt.checkpw(password.encode(), kept)


@app.post("/login")
async def login(password: str) -> bool:
    if not matches(password, b"decoy"):
        return False
    return matches(password, b"kept")
"""


def test_one_objection_at_two_places_is_mended_at_both() -> None:
    """Two calls of one helper in one handler are one objection: a second round finds nothing."""
    main = PurePosixPath("main.py")
    fixed = fix({main: TWICE.encode()}, judge, Safety.SAFE)
    assert len(fixed.chosen) == 1
    assert fixed.files[main].count(b"await asyncio.to_thread(matches, ") == 2
    assert fixed.files[main].count(b"import asyncio\n") == 1
    assert not fix(fixed.files, judge, Safety.SAFE).chosen


TWO_FOLDERS = """\
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()
UPLOADS = Path("uploads")


def read(folder: Path, name: str) -> str:
    inner = folder / "inner"
    return open(inner / "index.txt").read() + open(UPLOADS / name).read()


@app.get("/read")
def answer(folder: str, name: str) -> str:
    return read(Path(folder), name)
"""


def test_a_folder_of_the_client_is_no_bound() -> None:
    """A path is held below the app's own folder, never below one that came with the request."""

    def found(files: Mapping[PurePosixPath, bytes]) -> tuple[AppMap, tuple[Objection, ...]]:
        rule, app = find_rule("path-from-client"), static.read(files)
        return app, tuple(objection(files, one, rule) for one in rule.check(app))

    tree = {PurePosixPath("main.py"): TWO_FOLDERS.encode()}
    assert len(found(tree)[1]) == 2
    fixed = fix(tree, found, Safety.CHANGES_BEHAVIOUR)
    assert [one.title for one in fixed.chosen] == ["Refuse paths outside `UPLOADS`"]
    assert fixed.files[PurePosixPath("main.py")].count(b"is_relative_to") == 1
