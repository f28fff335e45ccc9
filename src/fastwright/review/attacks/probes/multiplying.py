"""Puts many copies of one row into its table, in the app's process."""

from __future__ import annotations

import sys
import uuid
from typing import Any


def _copy(table: Any, row: Any, number: int) -> dict[str, Any]:
    """The row with keys and unique texts of its own."""
    single = {c.name for c in table.columns if c.unique}
    made = {}
    for column in table.columns:
        value = row[column.name]
        if column.primary_key and isinstance(value, int):
            continue
        if column.primary_key:
            value = uuid.uuid4() if isinstance(value, uuid.UUID) else str(uuid.uuid4())
        elif column.name in single and isinstance(value, str):
            value = value[:40] + str(number)
        made[column.name] = value
    return made


async def multiplying(table: str, column: str, value: Any, count: int) -> int:
    """Insert `count` copies of the row where `column` is `value`; how many there were."""
    seed: Any = sys.modules["fastwright_guest.seed"]
    found = seed.find_table(table)
    engine = seed.find_engine()
    query = found.select().where(found.c[column] == seed.typed(found.c[column], value))

    def work(connection: Any) -> int:
        row = connection.execute(query).mappings().first()
        if row is None:
            return 0
        connection.execute(found.insert(), [_copy(found, row, n) for n in range(count)])
        return count

    if hasattr(engine, "sync_engine"):
        async with engine.begin() as connection:
            return int(await connection.run_sync(work))
    with engine.begin() as connection:
        return work(connection)
