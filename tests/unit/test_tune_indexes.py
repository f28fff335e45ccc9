"""Missing indexes: which columns are candidates, what is worth it, and what is written."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.change import NewFile
from fastwright.source import edits
from fastwright.survey import static
from fastwright.tune.indexes import Candidate, Measured, candidates, changes, objections
from fastwright.tune.seen import Group, Visit

SQL = "SELECT posts.id FROM posts WHERE posts.author_id = ? AND posts.slug = ? AND posts.id = ?"
BY_AUTHOR = Candidate("posts", "author_id", SQL, ("GET /posts",), is_key=True)
MODELS = b"""
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase): ...


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
"""
FILES = {
    PurePosixPath("models.py"): MODELS,
    PurePosixPath("alembic.ini"): b"[alembic]\nscript_location = migrations\n",
    PurePosixPath("migrations/env.py"): b"from alembic import context\n",
    PurePosixPath("migrations/versions/1_posts.py"): (
        b'revision = "aaaa"\ndown_revision = None\n\n\ndef upgrade():\n    pass\n'
    ),
}


def column(name: str, **facts: object) -> dict[str, object]:
    """A column as the running app describes it."""
    plain = {"primary_key": False, "unique": False, "index": False, "foreign_key": None}
    return {"name": name, **plain, **facts}


def visit(count: int) -> Visit:
    """A visit whose statement was sent `count` times."""
    group = Group("root", SQL, SQL, [], count, count, 1, 0.1, "endpoint", (), (), None)
    return Visit("GET /posts", 200, b"", None, 0.1, (group,), (), {}, frozenset())


def test_only_what_no_index_begins_with_is_a_candidate() -> None:
    """Keys, unique columns and what stands behind compared ones are covered; foreign keys not."""
    columns = [column("id", primary_key=True), column("slug", unique=True),
               column("author_id", foreign_key="users.id")]  # fmt: skip
    table = {"name": "posts", "schema": None, "columns": columns, "indexes": []}
    (found,) = candidates([table], {"GET /posts": visit(1)})
    assert (found.table, found.column, found.is_key) == ("posts", "author_id", True)
    index = {"name": "i", "columns": ["author_id", "slug"], "unique": False}
    assert candidates([{**table, "indexes": [index]}], {"GET /posts": visit(1)}) == ()
    assert candidates([table], {"GET /posts": visit(50)}) == ()
    both = {"name": "i", "columns": ["slug", "author_id"], "unique": True}
    assert candidates([{**table, "indexes": [both]}], {"GET /posts": visit(1)}) == ()
    other = {"name": "i", "columns": ["kind", "author_id"], "unique": True}
    assert len(candidates([{**table, "indexes": [other]}], {"GET /posts": visit(1)})) == 1


@pytest.mark.parametrize(
    ("measured", "worth"),
    [
        (Measured(100_000, (0.010, 0.001), (900, 4), (100.0, 120.0), ("", "")), True),
        (Measured(100_000, (0.010, 0.005), None, None, ("", "")), False),
        (Measured(100_000, (0.0004, 0.0001), None, None, ("", "")), False),
        (Measured(100_000, (0.010, 0.001), (900, 400), None, ("", "")), False),
    ],
    ids=["worth it", "twice as fast", "a third of a millisecond", "as many pages"],
)
def test_an_index_has_to_be_worth_it(measured: Measured, *, worth: bool) -> None:
    """Three times faster, half a millisecond, a fifth of the pages: all of them."""
    assert (not list(objections(BY_AUTHOR, measured))) is worth


def test_the_log_counts_save_for_a_foreign_key() -> None:
    """An index that makes each insert half as dear again is dropped, unless it backs a key."""
    dear = Measured(100_000, (0.010, 0.001), None, (100.0, 200.0), ("", ""))
    plain = Candidate("posts", "kind", SQL, ("GET /posts",), is_key=False)
    assert list(objections(BY_AUTHOR, dear)) == []
    assert list(objections(plain, dear)) == ["100 → 200 bytes of log for each inserted row"]


def test_model_and_revision_change_together() -> None:
    """The model gets the flag, and a revision on the head builds the index concurrently."""
    app = static.read(FILES)
    found = changes(app, BY_AUTHOR, concurrently=True)
    after = edits.apply(FILES, found)
    assert b"mapped_column(index=True)" in after[PurePosixPath("models.py")]
    (revision,) = (c for c in found if isinstance(c, NewFile))
    assert 'down_revision = "aaaa"' in revision.text
    assert "with op.get_context().autocommit_block():" in revision.text
    assert 'op.f("ix_posts_author_id"), "posts", ["author_id"]' in " ".join(revision.text.split())


def test_a_column_that_its_annotation_defines_gets_a_definition() -> None:
    """`kind: Mapped[str]` has nowhere to put a flag, so it is given a call, and its import."""
    plain = Candidate("posts", "kind", SQL, ("GET /posts",), is_key=False)
    found = changes(static.read(FILES), plain, concurrently=False)
    text = edits.apply(FILES, found)[PurePosixPath("models.py")].decode()
    assert "kind: Mapped[str] = mapped_column(index=True)" in text


def test_an_index_of_several_columns_stands_in_the_arguments_of_the_table() -> None:
    """Model and revision name it alike; a class without arguments gets some."""
    both = Candidate("posts", "author_id", SQL, ("GET /posts",), is_key=True, then=("kind",))
    found = changes(static.read(FILES), both, concurrently=False)
    text = edits.apply(FILES, found)[PurePosixPath("models.py")].decode()
    assert (
        '    __tablename__ = "posts"\n'
        '    __table_args__ = (Index("ix_posts_author_id_kind", "author_id", "kind"),)\n'
    ) in text
    (revision,) = (c for c in found if isinstance(c, NewFile))
    made = 'op.f("ix_posts_author_id_kind"), "posts", ["author_id", "kind"]'
    assert made in " ".join(revision.text.split())


def test_an_index_joins_the_arguments_that_a_table_has() -> None:
    """Before the options, which come last."""
    models = MODELS + b'    __table_args__ = (Check("a"), {"schema": None})\n'
    files = {**FILES, PurePosixPath("models.py"): models}
    both = Candidate("posts", "author_id", SQL, ("GET /posts",), is_key=True, then=("kind",))
    found = changes(static.read(files), both, concurrently=False)
    text = edits.apply(files, found)[PurePosixPath("models.py")].decode()
    index = 'Index("ix_posts_author_id_kind", "author_id", "kind")'
    assert f'__table_args__ = ({index}, Check("a"), {{"schema": None}})' in text


@pytest.mark.parametrize(
    ("order", "columns"),
    [
        ("posts.made DESC", ("author_id", "made")),
        ("posts.made DESC, posts.id DESC", ("author_id", "made", "id")),
        ("posts.made DESC, posts.id ASC", None),
        ("posts.made + 1", None),
        ("posts.id", ("author_id", "id")),
    ],
)
def test_a_page_is_sorted_by_an_index_of_what_it_compares_and_sorts_by(
    order: str, columns: tuple[str, ...] | None
) -> None:
    """Compared columns first, then the sorted ones, where all go the same way."""
    facts = [column("id", primary_key=True), column("author_id"), column("made")]
    table = {"name": "posts", "schema": None, "columns": facts, "indexes": []}
    sql = f"SELECT posts.id FROM posts WHERE posts.author_id = $1 ORDER BY {order} LIMIT $2"
    group = Group("root", sql, sql, [], 1, 1, 1, 0.1, "endpoint", (), (), None)
    seen = Visit("GET /posts", 200, b"", None, 0.1, (group,), (), {}, frozenset())
    found = {c.columns for c in candidates([table], {"GET /posts": seen})}
    assert found == {("author_id",)} | ({columns} if columns else set())


def test_a_page_that_a_key_sorts_needs_no_index() -> None:
    """The primary key has its own; behind a unique column nothing is sorted any more."""
    facts = [column("id", primary_key=True), column("slug", unique=True), column("made")]
    table = {"name": "posts", "schema": None, "columns": facts, "indexes": []}
    for order in ("posts.id", "posts.slug, posts.made"):
        sql = f"SELECT posts.id FROM posts WHERE posts.made > $1 ORDER BY {order} LIMIT $2"
        group = Group("root", sql, sql, [], 1, 1, 1, 0.1, "endpoint", (), (), None)
        seen = Visit("GET /posts", 200, b"", None, 0.1, (group,), (), {}, frozenset())
        assert candidates([table], {"GET /posts": seen}) == ()
