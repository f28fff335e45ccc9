from datetime import datetime

from pydantic import BaseModel, ConfigDict


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UserShort(FromRow):
    id: int
    username: str


class TagRead(FromRow):
    name: str


class CommentRead(FromRow):
    id: int
    text: str
    created_at: datetime
    user: UserShort


class PostInProfile(FromRow):
    id: int
    title: str
    created_at: datetime
    tags: list[TagRead]
    comments: list[CommentRead]


class Follower(BaseModel):
    username: str
    posts: int


class Profile(BaseModel):
    id: int
    username: str
    bio: str
    joined_at: datetime
    posts: list[PostInProfile]
    followers: list[Follower]


class PostRead(FromRow):
    id: int
    title: str
    body: str
    author: UserShort


class PostCreate(BaseModel):
    author_id: int
    title: str
    body: str


class CommentCreate(BaseModel):
    user_id: int
    text: str
