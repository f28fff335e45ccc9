"""Write to the scratch database through the app's own tables: make them, and put rows in.

A row is made from the given values; a required column that is not given gets a value by its
type, a required foreign key a row of its own in the table that it points to.
"""

import datetime as dt
import decimal
import functools
import gc
import itertools
import sys
import uuid

from . import living

_DEEPEST = 5
_numbers = itertools.count(1)


async def create_all(url=None):
    """Create every table of the app that is not there; names of the tables known."""
    names = []
    engine = find_engine(url)
    for metadata in known_metadata():
        names.extend(table.name for table in metadata.sorted_tables)
        await begin(engine, lambda connection, m=metadata: _create(connection, m))
    return {"tables": names}


def _create(connection, metadata):
    for schema in sorted({table.schema for table in metadata.tables.values() if table.schema}):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql('CREATE SCHEMA IF NOT EXISTS "{}"'.format(schema))
    metadata.create_all(connection)


async def insert(table_name, values, url=None):
    """Insert one row; returns it as it stands in the database, by column name."""
    table = find_table(table_name)
    return await begin(find_engine(url), lambda connection: _insert(connection, table, values, 0))


def known_metadata():
    """The metadata objects of the app that hold tables.

    Raises:
        LookupError: It has none.
    """
    found = living.app_metadata(_census(len(sys.modules)))
    if not found:
        raise LookupError("the app has no SQLAlchemy tables")
    return found


@functools.lru_cache(maxsize=1)
def _census(modules):
    """Who is alive; looked for again when more `modules` are imported, which bring new tables."""
    return living.take_census()


@functools.lru_cache(maxsize=None)
def find_table(name):
    """The table of that name, schema-qualified or not; looked for once, if it is there."""
    for metadata in known_metadata():
        for table in metadata.tables.values():
            if name in (table.name, table.fullname):
                return table
    raise LookupError("the app has no table `{}`".format(name))


@functools.lru_cache(maxsize=None)
def find_engine(url=None):
    """An engine that the app has made, else one for `url`, sync or async as its driver is.

    It is looked for once: to look through all objects of a large app takes longer than a query.
    """
    if url is None:
        engines = living_engines()
        if not engines:
            raise LookupError("the app has made no engine yet; give the database's URL")
        return engines[0]
    from sqlalchemy.engine import make_url

    drivers = ("asyncpg", "aiosqlite", "aiomysql", "asyncmy", "psycopg_async")
    if make_url(url).get_driver_name() in drivers:
        from sqlalchemy.ext.asyncio import create_async_engine

        return create_async_engine(url)
    from sqlalchemy import create_engine

    return create_engine(url)


def forget_connections(engines):
    """In a fork: leave the connections of `engines` to the process that opened them."""
    for engine in engines:
        plain = getattr(engine, "sync_engine", engine)
        try:
            plain.dispose(close=False)
        except TypeError:  # SQLAlchemy before 1.4.33
            plain.pool = plain.pool.recreate()


def living_engines():
    """The engines that the app has made, async ones first."""
    wide = getattr(sys.modules.get("sqlalchemy.ext.asyncio"), "AsyncEngine", None)
    plain = getattr(sys.modules.get("sqlalchemy.engine"), "Engine", None)
    # By the type itself, since to ask an object for its class may wake it; SQLAlchemy 1.4 makes
    # an engine of a class below `Engine` where its `future` is asked for.
    kinds = tuple(kind for kind in (plain, wide) if kind)
    every = [thing for thing in gc.get_objects() if issubclass(type(thing), kinds)]
    wrapped = [thing for thing in every if wide and issubclass(type(thing), wide)]
    found = [thing for thing in every if not wide or not issubclass(type(thing), wide)]
    inner = {id(engine.sync_engine) for engine in wrapped}
    return wrapped + [engine for engine in found if id(engine) not in inner]


async def begin(engine, work):
    """`work` on a connection of a sync or async engine, in a transaction; what it returns."""
    if hasattr(engine, "sync_engine"):
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    with engine.begin() as connection:
        return work(connection)


def _insert(connection, table, values, depth):
    if depth > _DEEPEST:
        raise LookupError("the foreign keys of `{}` go round".format(table.name))
    row = {table.c[name].name: value for name, value in values.items()}
    for column in table.columns:
        if column.name not in row and needs_value(column):
            row[column.name] = _value(connection, column, depth)
    result = connection.execute(
        table.insert().values(
            {table.c[name]: typed(table.c[name], value) for name, value in row.items()}
        )
    )
    return _read_back(connection, table, result, row)


def needs_value(column):
    """Nobody else gives this column a value: not the database, a default, or a sequence."""
    if column.nullable or column.default is not None or column.server_default is not None:
        return False
    if column.primary_key and column.autoincrement in (True, "auto"):
        return not _is_integer(column) or bool(column.foreign_keys)
    return True


def _is_integer(column):
    return python_type(column) is int


def python_type(column):
    """The class of a column's values, of a decorated type that of the inner one; else ``str``."""
    for kind in (column.type, getattr(column.type, "impl", None)):
        try:
            found = kind.python_type
        except (AttributeError, NotImplementedError):
            continue
        if found is not object:
            return plain_kind(found)
    return str


def plain_kind(found):
    """The class that a type says it has: of pydantic's ``UUID4`` and its like, `uuid.UUID`."""
    found = getattr(found, "__origin__", found)
    return uuid.UUID if isinstance(found, type) and issubclass(found, uuid.UUID) else found


def is_uuid_text(kind):
    """A type of UUIDs that takes and gives them as texts."""
    return type(kind).__name__ in ("Uuid", "UUID") and not getattr(kind, "as_uuid", True)


def _value(connection, column, depth):
    for key in column.foreign_keys:
        parent = _insert(connection, key.column.table, {}, depth + 1)
        return parent[key.column.name]
    return by_type(column)


def by_type(column):
    """A fresh value that fits the column's type and length."""
    number = next(_numbers)
    enums = getattr(column.type, "enums", None)
    if enums:
        chosen = getattr(column.type, "enum_class", None)
        return next(iter(chosen)) if chosen else enums[0]
    if is_uuid_text(column.type):
        return str(uuid.uuid4())
    kind = python_type(column)
    makers = {
        bool: lambda: True,
        int: lambda: number,
        float: lambda: float(number),
        decimal.Decimal: lambda: decimal.Decimal(number),
        uuid.UUID: uuid.uuid4,
        dt.datetime: lambda: _now(column),
        dt.date: dt.date.today,
        dt.time: lambda: dt.time(12),
        dt.timedelta: dt.timedelta,
        dict: dict,
        list: list,
        bytes: lambda: b"x",
    }
    return makers[kind]() if kind in makers else _text(column, number)


def _now(column):
    zone = dt.timezone.utc if getattr(column.type, "timezone", False) else None
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=zone)


def _text(column, number):
    text = "{}-{}".format(column.name, number)
    if "email" in column.name.lower():
        text = "user{}@example.com".format(number)
    length = getattr(column.type, "length", None)
    return text[-length:] if isinstance(length, int) else text


def typed(column, value):
    """`value` as the column takes it: JSON has no dates and no UUIDs, they come as text."""
    if not isinstance(value, str):
        return value
    kind = python_type(column)
    readers = {
        uuid.UUID: uuid.UUID,
        decimal.Decimal: decimal.Decimal,
        dt.datetime: dt.datetime.fromisoformat,
        dt.date: dt.date.fromisoformat,
    }
    return readers[kind](value) if kind in readers else value


def _read_back(connection, table, result, row):
    keys = list(table.primary_key.columns)
    inserted = list(result.inserted_primary_key or ())
    if not keys or len(inserted) != len(keys) or None in inserted:
        return row
    from sqlalchemy import and_

    found = connection.execute(
        table.select().where(and_(*(k == v for k, v in zip(keys, inserted))))
    ).first()
    return dict(zip([c.name for c in table.columns], found)) if found is not None else row
