"""Relationships loaded row by row: the options that are written, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from fastwright.source import edits, syntax
from fastwright.survey import static
from fastwright.tune import handing, loading, ordering
from fastwright.tune.idea import Idea
from fastwright.tune.seen import Broken, Frame, Group, Observation, Root, Visit
from fastwright.tune.symptoms import Cause, find

MODELS = b"""
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase): ...


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship(back_populates="posts")
"""
SERVICE = b"""from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Post, User


def recent(db: Session, limit: int):
    return db.scalars(select(Post).limit(limit)).all()


def user_of(db: Session, key: int):
    return db.get(User, key)


def profile(db: Session, key: int):
    user = user_of(db, key)
    return user
"""
SERVICE_PATH, MODELS_PATH = PurePosixPath("service.py"), PurePosixPath("models.py")
ROUTE = "GET /posts"
AUTHOR, POSTS = "models.Post.author", "models.User.posts"


def frame(text: str, function: str) -> Frame:
    """Where `text` stands in the service, as Python below 3.11 tells it."""
    line = SERVICE.decode()[: SERVICE.decode().index(text)].count("\n") + 1
    return Frame(SERVICE_PATH, line, None, None, None, function)


def lazy(count: int, root: Root, *path: str) -> Group:
    """`count` lazy loads along `path`."""
    return Group(
        "lazy", "SELECT 1", "SELECT 1", [], count, count, count, 0.1, "answer", (), path, root
    )


def visit(*groups: Group, status: int = 200, broken: tuple[Broken, ...] = ()) -> Visit:
    """An answer that needed these statements."""
    return Visit(ROUTE, status, b"[]", None, 0.1, groups, broken, {}, frozenset())


def observed(counts: Mapping[int, Visit]) -> list[Observation]:
    """One observation a size."""
    return [Observation(size, {ROUTE: one}, {}, {}) for size, one in counts.items()]


def idea_for(root: Root, *paths: tuple[str, ...]) -> Idea:
    """The idea for loads along `paths` that grow with the data."""
    seen = observed({n: visit(*(lazy(n, root, *path) for path in paths)) for n in (6, 18, 500)})
    app = static.read({SERVICE_PATH: SERVICE, MODELS_PATH: MODELS})
    (idea,) = loading.ideas(app, find(seen), seen[-1].visits)
    return idea


def written(idea: Idea, title: str) -> dict[PurePosixPath, str]:
    """The files after the variant of that title."""
    files = {SERVICE_PATH: SERVICE, MODELS_PATH: MODELS}
    variant = next(v for v in (*idea.variants, *idea.fallbacks) if v.title == title)
    after = edits.apply(files, variant.changes)
    assert all(syntax.error_count(syntax.parse(content)) == 0 for content in after.values())
    return {path: content.decode() for path, content in after.items()}


def test_options_join_the_statement_where_it_is_built() -> None:
    """A `select` gets its options at once, whatever is chained behind it, and its imports."""
    built = frame("select(Post)", "recent")
    idea = idea_for(Root("models.Post", built, "select", (built,), 1), (AUTHOR,))
    text = written(idea, "selectinload")[SERVICE_PATH]
    plain = "".join(text.split())
    assert "select(Post).options(selectinload(Post.author),).limit(limit)" in plain
    assert "from sqlalchemy.orm import Session, selectinload" in text


def test_what_is_one_is_tried_as_a_join_too() -> None:
    """A to-one relationship has two variants: the better one is for the measurement to choose."""
    built = frame("select(Post)", "recent")
    idea = idea_for(Root("models.Post", built, "select", (built,), 1), (AUTHOR,))
    assert [v.title for v in idea.variants] == ["selectinload", "joinedload for what is one"]
    text = written(idea, "joinedload for what is one")[SERVICE_PATH]
    assert "options(joinedload(Post.author),)" in "".join(text.split())
    assert "selectinload" not in text


def test_nested_loads_are_chained_to_their_parent() -> None:
    """What is below a relationship is loaded through it."""
    built = frame("db.get(User", "user_of")
    root = Root("models.User", built, "get", (built,), 1)
    idea = idea_for(root, (POSTS,), (POSTS, AUTHOR))
    text = written(idea, "selectinload")[SERVICE_PATH]
    assert "options=[selectinload(User.posts).selectinload(Post.author)]" in text


def test_a_shared_getter_takes_options_from_the_caller_that_needs_them() -> None:
    """The getter gets a parameter that is empty for all others; the caller gives what it needs."""
    built = frame("db.get(User", "user_of")
    stack = (built, frame("user_of(db, key)\n    return", "profile"))
    idea = idea_for(Root("models.User", built, "get", stack, 1), (POSTS,))
    text = written(idea, "options handed down by the routes that need them")[SERVICE_PATH]
    assert "key: int, *, options: Sequence[ORMOption] = ())" in text
    assert "db.get(User, key, options=options)" in text
    assert "user_of(db, key, options=[selectinload(User.posts)])" in text


def test_a_parameter_that_makes_its_line_too_long_has_all_of_them_broken() -> None:
    """One parameter a line, as formatters have it."""
    wide = b"key: int, description_of_what_the_user_is_wanted_for: str"
    text = SERVICE.replace(
        b"user_of(db: Session, key: int)", b"user_of(db: Session, " + wide + b")"
    )
    app = static.read({SERVICE_PATH: text, MODELS_PATH: MODELS})
    built = frame("db.get(User", "user_of")
    stack = (built, frame("user_of(db, key)\n    return", "profile"))
    edits_ = handing.handed_down(app, stack, 1, "[selectinload(User.posts)]", "why")
    after = edits.apply({SERVICE_PATH: text}, edits_)[SERVICE_PATH].decode()
    assert "def user_of(\n    db: Session,\n    key: int,\n" in after
    assert "    *,\n    options: Sequence[ORMOption] = (),\n):\n" in after


def test_a_second_caller_uses_the_parameter_that_is_there() -> None:
    """A getter that takes options by now is left as it is; only the call gives its own."""
    text = SERVICE.replace(
        b"def user_of(db: Session, key: int):\n    return db.get(User, key)",
        b"def user_of(db: Session, key: int, *, options: Sequence[ORMOption] = ()):\n"
        b"    return db.get(User, key, options=options)",
    )
    app = static.read({SERVICE_PATH: text, MODELS_PATH: MODELS})
    built = frame("db.get(User", "user_of")
    stack = (built, frame("user_of(db, key)\n    return", "profile"))
    edits_ = handing.handed_down(app, stack, 1, "[selectinload(User.posts)]", "why")
    after = edits.apply({SERVICE_PATH: text}, edits_)[SERVICE_PATH].decode()
    assert after.count("ORMOption") == 1
    assert "user_of(db, key, options=[selectinload(User.posts)])" in after


def test_an_order_is_pinned_in_the_model() -> None:
    """A collection without an order gets the key of what it holds; one with an order keeps it."""
    app = static.read({SERVICE_PATH: SERVICE, MODELS_PATH: MODELS})
    (edit,) = ordering.pinned(app, [POSTS, AUTHOR])
    after = edits.apply({MODELS_PATH: MODELS}, [edit])[MODELS_PATH].decode()
    assert 'relationship(back_populates="author", order_by="Post.id")' in after
    ordered = MODELS.replace(b'back_populates="author"', b'order_by="Post.id"')
    assert ordering.pinned(static.read({MODELS_PATH: ordered}), [POSTS]) == ()


def test_growth_is_what_counts_not_the_number() -> None:
    """Three statements that become nine are a symptom; five hundred that never change are none."""
    built = frame("select(Post)", "recent")
    root = Root("models.Post", built, "select", (built,), 1)
    growing = {n: visit(lazy(c, root, AUTHOR)) for n, c in ((6, 3), (18, 9), (500, 9))}
    (symptom,) = find(observed(growing))
    assert (symptom.counts, symptom.capped, symptom.cause) == ((3, 9, 9), True, Cause.LAZY)
    assert find(observed({n: visit(lazy(500, root, AUTHOR)) for n in (6, 18, 500)})) == ()


def test_a_load_that_died_is_a_symptom_without_a_count() -> None:
    """A route that fails because nothing awaits a lazy load is told by what it wanted to load."""
    built = frame("select(Post)", "recent")
    broken = Broken(Root("models.Post", built, "select", (built,), 1), (AUTHOR,), ())
    seen = observed({n: visit(status=500, broken=(broken,)) for n in (6, 18, 500)})
    (symptom,) = find(seen)
    assert (symptom.cause, symptom.path) == (Cause.DIED, (AUTHOR,))
    app = static.read({SERVICE_PATH: SERVICE, MODELS_PATH: MODELS})
    (idea,) = loading.ideas(app, (symptom,), seen[-1].visits)
    assert "selectinload(Post.author)" in written(idea, "selectinload")[SERVICE_PATH]


def test_an_unknown_root_is_proposed_and_not_edited() -> None:
    """Where no code of the project loads the first object, there is a reason and no change."""
    root = Root("models.Post", None, "get", (), 1)
    idea = idea_for(replace(root, entity="models.User"), (POSTS,))
    assert idea.variants == ()
    assert "not in the project's code" in idea.because
