"""What the blog promises to its readers."""

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from blog.models import Comment, Follow, Post, Tag, User


def write(session: Session) -> User:
    ann, bob = User(username="ann"), User(username="bob")
    post = Post(title="First", body="Hello", author=ann, tags=[Tag(name="news")])
    session.add_all([ann, bob, post, Comment(text="Nice", post=post, user=bob)])
    session.flush()
    session.add(Follow(follower_id=bob.id, followed_id=ann.id))
    session.commit()
    return ann


def test_a_profile_shows_posts_comments_and_followers(
    client: TestClient, session: Session
) -> None:
    """All that belongs to a user is in the profile."""
    ann = write(session)
    told = client.get(f"/users/{ann.id}/profile").json()
    (post,) = told["posts"]
    assert (told["username"], post["title"], post["tags"]) == ("ann", "First", [{"name": "news"}])
    assert post["comments"][0]["user"]["username"] == "bob"
    assert told["followers"] == [{"username": "bob", "posts": 0}]


def test_an_unknown_profile_is_not_found(client: TestClient) -> None:
    """Nobody is made up."""
    assert client.get("/users/7/profile").status_code == 404


def test_posts_are_listed_newest_first(client: TestClient, session: Session) -> None:
    """The list has the newest post first, with its author."""
    ann = write(session)
    made = client.post("/posts", json={"author_id": ann.id, "title": "Second", "body": "More"})
    assert made.status_code == 201
    assert [post["title"] for post in client.get("/posts").json()] == ["Second", "First"]


def test_a_comment_is_kept(client: TestClient, session: Session) -> None:
    """A comment is answered with its author."""
    ann = write(session)
    post = client.get("/posts").json()[0]
    wanted = {"user_id": ann.id, "text": "Thanks"}
    made = client.post(f"/posts/{post['id']}/comments", json=wanted)
    assert (made.status_code, made.json()["user"]["username"]) == (201, "ann")
