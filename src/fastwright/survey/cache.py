"""The facts of files on disk, under a project's ``.fastwright/cache``."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from fastwright.survey.facts import VERSION

_MOST_ROWS = 50_000
"""More rows than this are facts of files long gone: the oldest are dropped."""


class DiskCache:
    """A `FactCache` in one SQLite file; used as a context manager, written on leaving it.

    Rows are read one by one as they are asked for: a tree that did not change asks for one.
    A cache that cannot be opened, read or written is no cache: reading goes on without it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"facts-{VERSION}.sqlite3"
        self._new: dict[str, str] = {}
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if self._path.is_file():
            with contextlib.suppress(sqlite3.Error):
                self._database = self._connected()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._new:
            with contextlib.suppress(sqlite3.Error, OSError):
                self._write()

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=2.0)

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(self._connected()) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, facts TEXT)")
            database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", self._new.items())
            database.execute(
                "DELETE FROM facts WHERE rowid <= (SELECT max(rowid) FROM facts) - ?", (_MOST_ROWS,)
            )

    def get(self, key: str) -> str | None:
        """What was put under `key`; ``None`` if nothing was."""
        if key in self._new or self._database is None:
            return self._new.get(key)
        with contextlib.suppress(sqlite3.Error):
            rows = self._database.execute("SELECT facts FROM facts WHERE key = ?", (key,))
            return next((facts for (facts,) in rows), None)
        return None

    def put(self, key: str, facts: str) -> None:
        """Keep `facts` under `key`, on disk from the end of the context on."""
        self._new[key] = facts
