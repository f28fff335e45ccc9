from sqlmodel import Field, SQLModel


class UserCreate(SQLModel):
    username: str = Field(min_length=3, max_length=40)
    full_name: str = Field(default="", max_length=200)
    password: str = Field(min_length=8, max_length=200)


class UserPublic(SQLModel):
    id: int
    username: str
    full_name: str
