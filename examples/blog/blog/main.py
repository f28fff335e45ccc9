from fastapi import FastAPI, HTTPException

from blog import service
from blog.database import SessionDep
from blog.models import Comment, Post, User
from blog.schemas import CommentCreate, CommentRead, PostCreate, PostRead, Profile

app = FastAPI(title="Blog")


@app.get("/users/{user_id}/profile", response_model=Profile)
def user_profile(user_id: int, session: SessionDep) -> Profile:
    found = service.profile(session, user_id)
    if found is None:
        raise HTTPException(404, "There is no such user")
    return found


@app.get("/posts", response_model=list[PostRead])
def list_posts(session: SessionDep, limit: int = 20) -> list[Post]:
    return service.recent_posts(session, limit)


@app.get("/posts/{post_id}", response_model=PostRead)
def read_post(post_id: int, session: SessionDep) -> Post:
    post = session.get(Post, post_id)
    if post is None:
        raise HTTPException(404, "There is no such post")
    return post


@app.post("/posts", response_model=PostRead, status_code=201)
def create_post(wanted: PostCreate, session: SessionDep) -> Post:
    if session.get(User, wanted.author_id) is None:
        raise HTTPException(404, "There is no such user")
    return service.create_post(session, wanted)


@app.post("/posts/{post_id}/comments", response_model=CommentRead, status_code=201)
def create_comment(post_id: int, wanted: CommentCreate, session: SessionDep) -> Comment:
    post = session.get(Post, post_id)
    if post is None:
        raise HTTPException(404, "There is no such post")
    return service.comment_on(session, post, wanted)
