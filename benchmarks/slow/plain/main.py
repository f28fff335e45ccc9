"""A blog on a plain session: each route below ``/slow`` has a twin below ``/good``."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)

engine = create_engine("sqlite:///plain.db")
make_session = sessionmaker(engine)


class Base(DeclarativeBase): ...


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author", order_by="Post.id")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    created_at: Mapped[datetime]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship(back_populates="posts")
    comments: Mapped[list["Comment"]] = relationship(back_populates="post", order_by="Comment.id")


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    post: Mapped[Post] = relationship(back_populates="comments")
    user: Mapped[User] = relationship()


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UserRead(Read):
    id: int
    username: str


class CommentRead(Read):
    text: str
    user: UserRead


class PostRead(Read):
    title: str
    author: UserRead
    comments: list[CommentRead]


class Profile(Read):
    username: str
    posts: list[PostRead]


def get_session() -> Iterator[Session]:
    with make_session() as session:
        yield session


Db = Annotated[Session, Depends(get_session)]
app = FastAPI()


@app.get("/slow/posts", response_model=list[PostRead])
def slow_posts(db: Db):
    return db.scalars(select(Post).order_by(Post.id.desc()).limit(20)).all()


@app.get("/good/posts", response_model=list[PostRead])
def good_posts(db: Db):
    eager = (joinedload(Post.author), selectinload(Post.comments).joinedload(Comment.user))
    return db.scalars(select(Post).options(*eager).order_by(Post.id.desc()).limit(20)).all()


@app.get("/slow/users/{user_id}", response_model=Profile)
def slow_user(user_id: int, db: Db):
    return db.get(User, user_id)


@app.get("/good/users/{user_id}", response_model=Profile)
def good_user(user_id: int, db: Db):
    below = selectinload(User.posts)
    comments = below.selectinload(Post.comments).joinedload(Comment.user)
    return db.get(User, user_id, options=[below.joinedload(Post.author), comments])


@app.get("/slow/comments")
def slow_comments(db: Db):
    found = []
    for comment in db.scalars(select(Comment).order_by(Comment.id)).all():
        user = db.get(User, comment.user_id)
        found.append({"text": comment.text, "by": user.username})
    return found


@app.get("/good/comments")
def good_comments(db: Db):
    rows = db.execute(
        select(Comment.text, User.username)
        .join(User, User.id == Comment.user_id)
        .order_by(Comment.id)
    )
    return [{"text": text, "by": by} for text, by in rows]


@app.get("/slow/counts")
def slow_counts(db: Db):
    return [
        {
            "user": user.username,
            "posts": db.query(Post).filter(Post.author_id == user.id).count(),
        }
        for user in db.query(User).order_by(User.id).all()
    ]


@app.get("/good/counts")
def good_counts(db: Db):
    rows = db.execute(select(Post.author_id, func.count()).group_by(Post.author_id))
    return {str(key): count for key, count in rows}


@app.get("/slow/authors")
def slow_authors(db: Db):
    found = {}
    for user in db.scalars(select(User).order_by(User.id)):
        posts = db.query(Post).filter(Post.author_id == user.id).order_by(Post.id).all()
        found[user.username] = [post.title for post in posts]
    return found


@app.get("/good/authors")
def good_authors(db: Db):
    users = db.scalars(select(User).options(selectinload(User.posts)).order_by(User.id))
    return {user.username: [post.title for post in user.posts] for user in users}


@app.get("/slow/latest")
def slow_latest(db: Db):
    found = {}
    for user in db.scalars(select(User).order_by(User.id)).all():
        newest = select(Post).where(Post.author_id == user.id)
        newest = newest.order_by(Post.created_at.desc(), Post.id.desc())
        post = db.scalars(newest).first()
        found[user.username] = post.title if post else None
    return found


@app.get("/good/latest")
def good_latest(db: Db):
    return [p.title for p in db.scalars(select(Post).order_by(Post.id.desc()).limit(5))]


@app.get("/slow/by-name")
def slow_by_name(db: Db):
    names = [name for (name,) in db.execute(select(User.username).order_by(User.id))]
    found = []
    for name in names:
        user = db.query(User).filter_by(username=name).first()
        found.append(user.id)
    return found


@app.post("/posts", status_code=201)
def create_post(title: str, db: Db):
    post = Post(title=title, created_at=datetime(2026, 1, 1), author_id=1)
    db.add(post)
    db.commit()
    return {"id": post.id}
