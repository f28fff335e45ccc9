"""Reads one row through the app's own tables, in its process."""

from __future__ import annotations

import sys
from typing import Any


async def reading(table: str, column: str, value: Any) -> dict[str, str | None] | None:
    """The row where `column` is `value`, each value as text; None where there is none."""
    seed: Any = sys.modules["fastwright_guest.seed"]
    found = seed.find_table(table)
    engine = seed.find_engine()
    named = found.c[column]
    query = found.select().where(named == seed.typed(named, value))
    if hasattr(engine, "sync_engine"):
        async with engine.connect() as connection:
            row = (await connection.execute(query)).first()
    else:
        with engine.connect() as connection:
            row = connection.execute(query).first()
    if row is None:
        return None
    names = [c.name for c in found.columns]
    return {n: None if v is None else str(v) for n, v in zip(names, row)}  # noqa: B905 - 3.8
