"""People who can log in."""

from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    """Somebody who can log in."""

    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(max_length=320, unique=True, index=True)
    password_hash: str = Field(max_length=255)
    is_active: bool = True
    role: str = Field(  # when: new-role
        default="user",  # when: new-role
        max_length=20,  # when: new-role
        sa_column_kwargs={"server_default": "user"},  # when: new-role
    )  # when: new-role
