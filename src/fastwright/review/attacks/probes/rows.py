"""Changes one column of one row through the app's own tables, in its process."""

from __future__ import annotations

import sys
from typing import Any


async def rows(table: str, key_column: str, key: Any, column: str, value: Any) -> int:
    """Set `column` to `value` where `key_column` is `key`; the number of rows changed."""
    seed: Any = sys.modules["fastwright_guest.seed"]
    found = seed.find_table(table)
    engine = seed.find_engine()
    named = found.c[key_column]
    changed = {found.c[column]: seed.typed(found.c[column], value)}
    change = found.update().where(named == seed.typed(named, key)).values(changed)
    if hasattr(engine, "sync_engine"):
        async with engine.begin() as connection:
            return int((await connection.execute(change)).rowcount)
    with engine.begin() as connection:
        return int(connection.execute(change).rowcount)
