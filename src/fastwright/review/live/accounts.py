"""Which columns of an accounts' table play which part, and a row of somebody who may log in."""

from __future__ import annotations

import re

from fastwright.model.storage import Table
from fastwright.review.answers import is_secret
from fastwright.review.live.credentials import User

LOGIN_COLUMNS = re.compile(r"(?i)^(e_?mail(_address)?|user_?name|login|phone(_number)?)$")
ON = re.compile(r"(?i)^(is_)?(active|verified|confirmed|enabled|approved|email_verified)$")
_OFF = re.compile(
    r"(?i)^(is_)?(admin|super_?user|staff|disabled|deleted|banned|blocked|locked|root|moderator)$"
)


def account_values(table: Table, user: User, hashed: str) -> dict[str, object]:
    """What a row of `user` in `table` holds, so that they may log in."""
    values: dict[str, object] = {}
    for column in table.columns:
        if LOGIN_COLUMNS.match(column.attribute):
            values[column.name] = user.email if "mail" in column.name else user.login
        elif is_secret(column.attribute) and "token" not in column.name:
            values[column.name] = hashed
        elif ON.match(column.attribute):
            values[column.name] = True
        elif _OFF.match(column.attribute) and "bool" in (column.type or "").lower():
            values[column.name] = False
    return values
