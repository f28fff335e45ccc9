from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blog.models import Comment, Follow, Post, User
from blog.schemas import CommentCreate, Follower, PostCreate, Profile


def followers(session: Session, user: User) -> list[Follower]:
    found = []
    follows = select(Follow).where(Follow.followed_id == user.id).order_by(Follow.follower_id)
    for follow in session.scalars(follows):
        follower = session.get(User, follow.follower_id)
        count = session.scalar(
            select(func.count()).select_from(Post).where(Post.author_id == follow.follower_id)
        )
        found.append(Follower(username=follower.username, posts=count))
    return found


def profile(session: Session, user_id: int) -> Profile | None:
    user = session.get(User, user_id)
    if user is None:
        return None
    return Profile(
        id=user.id,
        username=user.username,
        bio=user.bio,
        joined_at=user.joined_at,
        posts=user.posts,
        followers=followers(session, user),
    )


def recent_posts(session: Session, limit: int) -> list[Post]:
    newest = select(Post).order_by(Post.created_at.desc(), Post.id.desc()).limit(limit)
    return list(session.scalars(newest))


def create_post(session: Session, wanted: PostCreate) -> Post:
    post = Post(**wanted.model_dump())
    session.add(post)
    session.commit()
    return post


def comment_on(session: Session, post: Post, wanted: CommentCreate) -> Comment:
    comment = Comment(post=post, **wanted.model_dump())
    session.add(comment)
    session.commit()
    return comment
