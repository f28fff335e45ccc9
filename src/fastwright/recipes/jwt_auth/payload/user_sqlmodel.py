"""People who can log in."""

from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    """Somebody who can log in."""

    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(max_length=320, unique=True, index=True)
    password_hash: str = Field(max_length=255)
    is_active: bool = True
