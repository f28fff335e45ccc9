"""Changes one column of one row through the app's own tables, in its process."""

from __future__ import annotations

import sys
from typing import Any


async def rows(table: str, key_column: str, key: Any, column: str, value: Any) -> int:
    """Set `column` to `value` where `key_column` is `key`; the number of rows changed."""
    seed: Any = sys.modules["fastwright_guest.seed"]
    found = seed.find_table(table)
    engine = seed.find_engine()
    change = found.update().where(found.c[key_column] == key).values({found.c[column]: value})
    if hasattr(engine, "sync_engine"):
        async with engine.begin() as connection:
            return int((await connection.execute(change)).rowcount)
    with engine.begin() as connection:
        return int(connection.execute(change).rowcount)
