"""What base classes of libraries declare of a table, for those who cannot read the library.

As fastapi-users-db-sqlalchemy 6 declares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fastwright.model.storage import Column
from fastwright.survey.classes import Class

_PACKAGE = "fastapi_users"


def _text(name: str, length: int, *, unique: bool = False, index: bool = False) -> Column:
    return Column(name, name, f"String({length})", False, unique=unique, index=index, length=length)


def _flag(name: str, default: str) -> Column:
    return Column(name, name, "Boolean", False, default=default)


_ID = Column("id", "id", "GUID", False, primary_key=True, default="uuid.uuid4")
_OF_USER = Column("user_id", "user_id", "GUID", False, foreign_key="user.id")
_USER = (
    _text("email", 320, unique=True, index=True),
    _text("hashed_password", 1024),
    _flag("is_active", "True"),
    _flag("is_superuser", "False"),
    _flag("is_verified", "False"),
)
_ACCOUNT = (
    _text("oauth_name", 100, index=True),
    _text("access_token", 1024),
    Column("expires_at", "expires_at", "Integer", nullable=True),
    Column("refresh_token", "refresh_token", "String(1024)", nullable=True, length=1024),
    _text("account_id", 320, index=True),
    _text("account_email", 320),
)
_TOKEN = (
    Column("token", "token", "String(43)", False, primary_key=True, length=43),
    Column("created_at", "created_at", "TIMESTAMPAware", False, index=True, timezone=True),
)
_TABLES: Mapping[str, tuple[str, tuple[Column, ...]]] = MappingProxyType({
    "SQLAlchemyBaseUserTable": ("user", _USER),
    "SQLAlchemyBaseUserTableUUID": ("user", (_ID, *_USER)),
    "SQLAlchemyBaseOAuthAccountTable": ("oauth_account", _ACCOUNT),
    "SQLAlchemyBaseOAuthAccountTableUUID": ("oauth_account", (_ID, *_ACCOUNT, _OF_USER)),
    "SQLAlchemyBaseAccessTokenTable": ("accesstoken", _TOKEN),
    "SQLAlchemyBaseAccessTokenTableUUID": ("accesstoken", (*_TOKEN, _OF_USER)),
})  # fmt: skip


def inherited(cls: Class) -> tuple[str, dict[str, Column]]:
    """The name and the columns that a library's class gives the table of `cls`, by attribute.

    Both empty where no such class stands above it.
    """
    for root in sorted(cls.roots):
        known = _TABLES.get(root.rpartition(".")[2]) if root.startswith(_PACKAGE) else None
        if known is not None:
            return known[0], {column.attribute: column for column in known[1]}
    return "", {}
