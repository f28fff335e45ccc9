"""A large table, an index on it, and what that does to one statement: measured, never estimated."""

import re
import time

from . import fill, rows, seed

_PARENTS = 5000
_OTHERS = 50
_AT_ONCE = 5000
_RUNS = 4


async def grow(name, size, factory=None):
    """Fill table `name` with `size` rows that belong to thousands of parents, all others with few.

    Returns:
        ``{"first": {table: row 1}, "last": the last row of `name`, "rows": how many there are}``.
    """
    return await seed.begin(
        fill.engine(), lambda connection: _grow(connection, name, size, factory)
    )


def _grow(connection, name, size, factory):
    tables = fill.tables()
    fill.empty(connection, tables)
    target = next(table for table in tables if table.name == name)
    parents = _parents(target)
    made, first, last, count = {}, {}, {}, 0
    for table in tables:
        wanted = size if table is target else _PARENTS if table.fullname in parents else _OTHERS
        rows_ = rows.Maker(table, wanted, made, hub=False, factory=factory).make()
        kept = []
        for start in range(0, len(rows_), _AT_ONCE):
            part = rows_[start : start + _AT_ONCE]
            why = fill.attempt(
                connection, lambda t=table, p=part: connection.execute(t.insert(), p)
            )
            kept += [] if why else part
        made[table.fullname] = rows_ = kept
        if rows_:
            first[table.fullname] = fill.told(table, rows_[0])
        if table is target:
            count, last = len(rows_), fill.told(table, rows_[-1]) if rows_ else {}
    fill.settle(connection, tables)
    return {"first": first, "last": last, "rows": count}


def _parents(target):
    """The tables that `target` points to, and those that have a row for each of theirs."""
    found, open_ = set(), [key.column.table for c in target.columns for key in c.foreign_keys]
    while open_:
        table = open_.pop()
        if table is not target and table.fullname not in found:
            found.add(table.fullname)
            alone = {names[0] for names in rows.unique_sets(table) if len(names) == 1}
            keys = [c for c in table.columns if c.foreign_keys and c.key in alone]
            open_ += [key.column.table for c in keys for key in c.foreign_keys]
    return found


async def create(name, table, columns):
    """Build an index, and have the planner know of it."""

    def work(connection):
        quote = connection.dialect.identifier_preparer.quote
        listed = ", ".join(map(quote, columns))
        text = "CREATE INDEX {} ON {} ({})".format(quote(name), quote(table), listed)
        connection.exec_driver_sql(text)
        fill.settle(connection, [t for t in fill.tables() if t.name == table])

    await seed.begin(fill.engine(), work)


async def drop(name):
    """Take an index away again."""

    def work(connection):
        quote = connection.dialect.identifier_preparer.quote
        connection.exec_driver_sql("DROP INDEX {}".format(quote(name)))

    await seed.begin(fill.engine(), work)


async def plan(sql, parameters):
    """How the database runs a statement.

    Returns:
        ``{"lines": its plan, "pages": how many it reads, "seconds": until the last row is here}``.
    """
    return await seed.begin(
        fill.engine(), lambda connection: _measured(connection, sql, parameters)
    )


def _measured(connection, sql, parameters):
    taken = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        connection.exec_driver_sql(sql, parameters).fetchall()
        taken.append(time.perf_counter() - began)
    return dict(_plan(connection, sql, parameters), seconds=min(taken))


def _plan(connection, sql, parameters):
    if connection.dialect.name == "postgresql":
        text = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) " + sql
        lines = [row[0] for row in connection.exec_driver_sql(text, parameters)]
        told = next((line for line in lines if "Buffers:" in line), "")
        pages = sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", told))
        return {"lines": [line for line in lines if "Buffers" not in line], "pages": pages}
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, parameters)
        return {"lines": [str(row[-1]) for row in found], "pages": None}
    return {"lines": [], "pages": None}


async def log_of_rows(table, count=1000):
    """Bytes of write-ahead log for each of `count` rows inserted; None but on PostgreSQL."""

    def work(connection):
        if connection.dialect.name != "postgresql":
            return None
        target = next(t for t in fill.tables() if t.name == table)
        keys = [c.name for c in target.primary_key.columns]
        if len(keys) != 1 or target.primary_key.columns[keys[0]].type.python_type is not int:
            return None
        quote = connection.dialect.identifier_preparer.quote
        names = [c.name for c in target.columns if not rows.is_generated(c)]
        values = ["{0} + 10000000".format(quote(n)) if n == keys[0] else quote(n) for n in names]
        into = "INSERT INTO {0} ({1}) SELECT {2} FROM {0} LIMIT {3}".format(
            quote(table), ", ".join(map(quote, names)), ", ".join(values), count
        )
        where = "SELECT pg_current_wal_insert_lsn()::text"  # asyncpg reads it as a number else
        before = connection.exec_driver_sql(where).scalar()
        why = fill.attempt(connection, lambda: connection.exec_driver_sql(into))
        after = connection.exec_driver_sql(where).scalar()
        if why:
            return None
        difference = "SELECT pg_wal_lsn_diff('{}', '{}')".format(after, before)
        grown = float(connection.exec_driver_sql(difference).scalar())
        connection.exec_driver_sql(
            "DELETE FROM {0} WHERE {1} > 10000000".format(quote(table), quote(keys[0]))
        )
        return grown / count

    return await seed.begin(fill.engine(), work)
