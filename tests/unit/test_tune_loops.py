"""Queries within loops, taken out of them: what is rewritten how, and what is left alone."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.source import edits, syntax
from fastwright.survey import static
from fastwright.tune import asking, loops, spots
from fastwright.tune.seen import Frame

MODELS = b"""
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase): ...


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
"""
HEAD = "from sqlalchemy import func, select\nfrom models import Post, User\n\n\n"
PATH = PurePosixPath("service.py")


def rewritten(body: str, running: str) -> str:
    """The function's text after the rewrite of the call that begins with `running`."""
    text = HEAD + body
    files = {PATH: text.encode(), PurePosixPath("models.py"): MODELS}
    app = static.read(files)
    writer = loops.Writer(app, PATH, found(files, text, running))
    after = edits.apply(files, writer.changes())[PATH].decode()
    assert syntax.error_count(syntax.parse(after.encode())) == 0
    return after.partition("def ")[2]


def found(files: dict[PurePosixPath, bytes], text: str, running: str) -> asking.Asking:
    """What is read at the call that begins with `running`, as the guest would point to it."""
    line = text[: text.index(running)].count("\n") + 1
    frame = Frame(PATH, line, None, None, None, "f")
    call = spots.call_at(files, frame, frozenset({running.rpartition(".")[2].partition("(")[0]}))
    assert call is not None
    asked = asking.read(call, files[PATH])
    assert asked is not None
    return asked


def test_a_get_in_a_loop_becomes_one_in() -> None:
    """`session.get` by a key of the loop's row is looked up in a dict that one query fills."""
    after = rewritten(
        "def f(db, posts):\n    for post in posts:\n        print(db.get(User, post.author_id))\n",
        "db.get(",
    )
    assert "for user in db.scalars(" in after
    assert "select(User).where(User.id.in_({post.author_id for post in posts}))" in after
    assert "print(users_by_id.get(post.author_id))" in after


def test_a_get_of_an_old_query_becomes_one_in() -> None:
    """`session.query(X).get(key)` says the same, also where the loop is a comprehension."""
    after = rewritten(
        "def f(db, posts):\n"
        "    return [db.query(User).get(p.author_id).name for p in posts if p.author_id]\n",
        ".get(",
    )
    assert "select(User).where(User.id.in_({p.author_id for p in posts}))" in after
    assert "[users_by_id.get(p.author_id).name for p in posts if p.author_id]" in after


def test_an_awaited_get_stays_awaited() -> None:
    """What was awaited in the loop is awaited before it."""
    after = rewritten(
        "async def f(db, posts):\n    for p in posts:\n"
        "        u = await db.get(User, p.author_id)\n",
        "db.get(",
    )
    assert "await db.scalars(" in after
    assert "u = users_by_id.get(p.author_id)" in after


def test_a_count_in_a_loop_becomes_one_group_by() -> None:
    """Rows without any are counted as none."""
    after = rewritten(
        "def f(db):\n    return [\n        db.scalar(select(func.count()).select_from(Post)"
        ".where(Post.author_id == u.id))\n        for u in db.scalars(select(User)).all()\n    ]\n",
        "db.scalar(",
    )
    assert "users = " not in after
    assert "us = db.scalars(select(User)).all()" in after
    assert "select(Post.author_id, func.count())" in after
    assert ".group_by(Post.author_id)" in after
    assert "post_counts.get(u.id, 0)\n        for u in us" in after


def test_a_result_that_can_be_read_once_is_listed_first() -> None:
    """The keys are read from it, and then the loop: the second would find nothing."""
    after = rewritten(
        "def f(db):\n    rows = db.execute(select(Post)).scalars()\n"
        "    return [db.query(User).filter(User.id == row.author_id).first() for row in rows]\n",
        "db.query(User).filter(User.id == row.author_id).first(",
    )
    assert "row_rows = list(rows)" in after
    assert "for row in row_rows]" in after


def test_a_legacy_query_may_have_a_name_first() -> None:
    """The line that begins it goes with the line that runs it."""
    after = rewritten(
        "def f(db, users):\n    for user in users:\n"
        "        mine = db.query(Post).filter(Post.author_id == user.id)\n"
        "        print(mine.count())\n",
        "mine.count(",
    )
    assert "mine" not in after
    assert "print(post_counts.get(user.id, 0))" in after


def test_a_result_with_a_name_goes_with_its_statement() -> None:
    """`result = await db.exec(…)`, then `result.first()`: both lines are one question."""
    after = rewritten(
        "async def f(db, posts):\n    for post in posts:\n"
        "        result = await db.scalars(select(User).where(User.id == post.author_id))\n"
        "        print(result.first())\n",
        "db.scalars(",
    )
    assert "result" not in after
    assert "print(users_by_id.get(post.author_id))" in after


def test_a_legacy_query_keeps_its_style() -> None:
    """`query(…).filter(…).count()` is counted by a query of the same kind."""
    after = rewritten(
        "def f(db, users):\n    for user in users:\n"
        "        n = db.query(Post).filter(Post.author_id == user.id).count()\n",
        "db.query(Post).filter(Post.author_id == user.id).count(",
    )
    assert "db.query(Post.author_id, func.count())\n" in after
    assert ".filter(Post.author_id.in_(" in after
    assert "n = post_counts.get(user.id, 0)" in after


def test_a_list_in_a_loop_becomes_a_dict_of_lists() -> None:
    """The order within each list stays that of the statement."""
    after = rewritten(
        "def f(db, users):\n    for user in users:\n        stmt = select(Post)"
        ".where(Post.author_id == user.id).order_by(Post.id)\n"
        "        mine = db.scalars(stmt).all()\n",
        "db.scalars(",
    )
    assert "stmt" not in after
    assert "posts_by_author_id: dict[object, list[Post]] = {}" in after
    assert ".order_by(Post.id)" in after
    assert "mine = posts_by_author_id.get(user.id, [])" in after


def test_one_by_a_unique_column_becomes_a_dict() -> None:
    """`filter_by` on a unique column, taken by `first`, is looked up."""
    after = rewritten(
        "def f(db, names):\n    for name in names:\n"
        "        user = db.query(User).filter_by(name=name).first()\n",
        "db.query(User).filter_by(name=name).first(",
    )
    assert "for user in db.query(User).filter(User.name.in_(set(names)))" in after
    assert "user = users_by_name.get(name)" in after


def test_the_first_by_a_column_with_repeats_stays_the_first() -> None:
    """Of several rows with one key, the first of the statement's order is taken."""
    after = rewritten(
        "def f(db, users):\n    for u in users:\n        p = db.scalars(select(Post)"
        ".where(Post.author_id == u.id).order_by(Post.id)).first()\n",
        "db.scalars(",
    )
    assert "p = next(iter(posts_by_author_id.get(u.id, [])), None)" in after


def test_an_executed_scalar_is_read_through_its_parentheses() -> None:
    """`(await db.execute(…)).scalar_one_or_none()` is one query like any other."""
    after = rewritten(
        "async def f(db, posts):\n    for p in posts:\n"
        "        u = (await db.execute(select(User).where(User.id == p.author_id)))"
        ".scalar_one_or_none()\n",
        "db.execute(",
    )
    assert "u = users_by_id.get(p.author_id)" in after
    assert "await db.scalars(" in after


@pytest.mark.parametrize(
    "body",
    [
        "x = db.scalars(select(Post).where(Post.author_id == u.id).limit(3)).all()",
        "x = db.scalars(select(Post).where(Post.author_id == u.id, Post.title == u.name)).all()",
        "x = db.scalars(select(Post).where(Post.author_id > u.id)).all()",
        "x = db.scalars(select(Post).where(Post.author_id == key_of(u))).all()",
    ],
    ids=["limited", "two keys", "a range", "a computed key"],
)
def test_what_cannot_be_taken_out_is_left_alone(body: str) -> None:
    """A limit for each row, a second key, a range or a call in the key: no rewrite is offered."""
    text = f"{HEAD}def f(db, users):\n    for u in users:\n        {body}\n"
    frame = Frame(PATH, text[: text.index("x = ")].count("\n") + 1, None, None, None, "f")
    call = spots.call_at({PATH: text.encode()}, frame, frozenset({"scalars"}))
    assert call is not None
    assert asking.read(call, text.encode()) is None


def test_a_method_on_a_line_of_its_own_is_found_by_its_name() -> None:
    """Python 3.11 has such a call begin where the method's name does."""
    text = (
        "def f(db):\n    return (\n        db.query(Post)\n        .filter()\n        .count())\n"
    )
    frame = Frame(PATH, 5, 9, 5, 16, "f")
    call = spots.call_at({PATH: text.encode()}, frame, frozenset({"count"}))
    assert call is not None
    assert call.start_point[0] + 1 == 3
