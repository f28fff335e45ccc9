"""Calls of database sessions: which verb, on what kind of session, blocking or awaited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastwright.model.app import AppMap, Query
from fastwright.model.code import Call
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.once import once

_OWNERS = frozenset({"Session", "AsyncSession", "sessionmaker", "async_sessionmaker",
                     "scoped_session", "async_scoped_session", "Connection", "AsyncConnection",
                     "connect", "begin", "Engine", "AsyncEngine"})  # fmt: skip
_READS = frozenset({"execute", "scalars", "scalar", "exec", "get", "get_one", "query", "stream",
                    "stream_scalars", "refresh"})  # fmt: skip
_WRITES = frozenset({"flush", "commit", "bulk_save_objects", "bulk_insert_mappings",
                     "bulk_update_mappings"})  # fmt: skip
_STAGES = frozenset({"add", "add_all", "delete", "merge"})
_AT_ONCE = frozenset({"add", "add_all", "iterate", "stream", "query"})
"""What an async session has that is no coroutine, or is one only when it is gone through."""
_DRIVERS = frozenset({"databases", "asyncpg", "psycopg", "psycopg2", "sqlite3", "aiosqlite",
                      "psycopg_pool", "pymysql"})  # fmt: skip
_DRIVER_VERBS = frozenset({"execute", "executemany", "execute_many", "fetch", "fetch_all",
                           "fetch_one", "fetch_val", "fetchrow", "fetchval", "iterate",
                           "commit"})  # fmt: skip
_ALL = re.compile(r"[\w.]+\.__table__(?:\.c|\.columns)?|[\w.]+\.c")
"""All columns of a table, as a statement asks for them."""
_MADE_OF_ROWS = re.compile(r"(?:\w+\.)*(?:func\.\w+|count|exists)\(")
"""What the database makes of rows, such as their number: a value, and no row."""
_ASYNC_DRIVERS = frozenset({"databases", "asyncpg", "aiosqlite"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One call of a session or connection; `travels` says that it waits for the database."""

    verb: str
    is_async: bool
    travels: bool


def statement(call: Call) -> Statement | None:
    """What a call asks of the database; ``None`` where its receiver is no known session."""
    parts = (call.callee or "").split(".")
    if len(parts) < 3:
        return None
    verb, owners = parts[-1], {p for p in parts[:-1] if p in _OWNERS}
    if parts[0] in _DRIVERS and verb in _DRIVER_VERBS:
        return Statement(verb, parts[0] in _ASYNC_DRIVERS or call.awaited, travels=True)
    if parts[0] not in ("sqlalchemy", "sqlmodel") or not owners:
        return None
    if not _of_session(parts) or verb not in _READS | _WRITES | _STAGES | {"rollback", "close"}:
        return None
    is_async = "asyncio" in parts or any("sync" in owner for owner in owners)
    return Statement(verb, is_async, travels=verb in _READS | _WRITES)


def is_lost(call: Call) -> bool:
    """True for a statement of an async session or driver that nobody awaits: it is never sent."""
    asked = statement(call) if call.dropped and not call.awaited else None
    return asked is not None and asked.is_async and asked.verb not in _AT_ONCE


def _of_session(parts: list[str]) -> bool:
    """True where the verb is the session's own, not that of a result it gave."""
    owner = parts[-3] if parts[-2] == "__call__" and len(parts) > 3 else parts[-2]
    return owner in _OWNERS


@once
def asked_at(app: AppMap) -> Mapping[Span, Query]:
    """The statement that stands at each place.

    One of a general class, which asks of another table for each of its heirs, is left out: its
    place does not tell of which.
    """
    found: dict[Span, Query] = {}
    general: set[Span] = set()
    for query in (query for route in app.routes for query in route.queries):
        if found.setdefault(query.span, query).tables != query.tables:
            general.add(query.span)
    return {span: query for span, query in found.items() if span not in general}


def is_of_columns(app: AppMap, query: Query, table: Table) -> bool:
    """True where a statement asks for columns of a table, and for no whole rows of it."""
    given = _asked_for(app, query)
    return bool(given) and all(_is_value(text, table) for text in given)


def _is_value(written: str, table: Table) -> bool:
    """True for what is no row: a column, all of them, or what a function of SQL makes of them."""
    is_made = _MADE_OF_ROWS.match(written) or _ALL.fullmatch(written)
    return is_made is not None or _is_column(written, table)


def is_of_column(app: AppMap, query: Query, table: Table) -> bool:
    """True where a statement asks for a single column of a table."""
    given = _asked_for(app, query)
    return len(given) == 1 and _is_column(given[0], table)


def _asked_for(app: AppMap, query: Query) -> tuple[str, ...]:
    call = _calls_at(app).get(query.span)
    return call.arguments if call is not None else ()


def _is_column(written: str, table: Table) -> bool:
    """True for a column as an attribute of a class: ``Item.id``, ``self.model.id``."""
    owner, _, name = written.removesuffix(".distinct()").rpartition(".")
    return owner.replace(".", "_").isidentifier() and table.column(name) is not None


@once
def _calls_at(app: AppMap) -> Mapping[Span, Call]:
    return {call.span: call for call in app.calls}
