"""People who can log in."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .host import Base


class User(Base):
    """Somebody who can log in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True, index=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True)
    role: Mapped[str] = mapped_column(  # when: new-role
        String(20),  # when: new-role
        default="user",  # when: new-role
        server_default="user",  # when: new-role
    )  # when: new-role
