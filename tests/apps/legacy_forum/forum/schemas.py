import datetime

from pydantic import BaseModel, Field


class UserCreate(BaseModel):
    username: str = Field(min_length=3, max_length=30)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=255)
    password: str = Field(min_length=6, max_length=72)


class User(BaseModel):
    id: int
    username: str

    class Config:
        from_attributes = True


class TopicCreate(BaseModel):
    title: str = Field(min_length=1, max_length=120)


class Topic(TopicCreate):
    id: int
    closed: bool

    class Config:
        from_attributes = True


class PostCreate(BaseModel):
    author_id: int
    text: str = Field(min_length=1, max_length=10000)


class Post(PostCreate):
    id: int
    topic_id: int
    written_at: datetime.datetime

    class Config:
        from_attributes = True
