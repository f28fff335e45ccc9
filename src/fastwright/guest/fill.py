"""Fill the scratch database to a size, and tell what stands in it."""

import hashlib
import json

from . import naming, rows, seed


async def fill(size, factory=None, planned=None):
    """Empty every table of the app and put `size` rows in each; a `factory` as `rows` has it.

    Rows that are `planned` already are not made again.

    Returns:
        ``{"tables": {table: {"rows", "first" (row 1 by column name)}}, "refused": {table: why}}``;
        a table is refused where the database accepts none of its rows.
    """
    if not tables():
        return {"tables": {}, "refused": {}}
    return await seed.begin(engine(), lambda connection: _fill(connection, size, factory, planned))


def plan(size, factory=None):
    """The rows of each table as `fill` will make them: ``{table: [row by column key]}``."""
    made = {}
    for table in tables():
        made[table.fullname] = rows.Maker(table, size, made, factory=factory).make()
    return made


def first_of(made):
    """Row 1 of each table of a plan that has any: ``{table: {column: value}}``."""
    return {t.fullname: told(t, made[t.fullname][0]) for t in tables() if made[t.fullname]}


def told(table, row):
    """A row in terms of JSON, by column name."""
    return {table.c[key].name: naming.plain(value) for key, value in row.items()}


async def contents():
    """A digest of every table's rows, whatever order they stand in: ``{table: text}``."""
    return await seed.begin(engine(), _contents) if tables() else {}


def engine():
    """The app's engine, with transactions where it has been told to do without."""
    found = seed.find_engine()
    if getattr(found, "dialect", None) is not None and found.dialect.name == "postgresql":
        return found.execution_options(isolation_level="READ COMMITTED")
    return found


def tables():
    """Every table of the app, parents first; none where it has no SQLAlchemy tables."""
    found, seen = [], set()
    try:
        every = seed.known_metadata()
    except LookupError:
        return []
    for metadata in every:
        for table in metadata.sorted_tables:
            if table.fullname not in seen:
                seen.add(table.fullname)
                found.append(table)
    return found


def _fill(connection, size, factory, planned):
    known = tables()
    empty(connection, known)
    made, filled, refused = {}, {}, {}
    for table in known:
        wanted = (planned or {}).get(table.fullname)
        if wanted is None:
            wanted = rows.Maker(table, size, made, factory=factory).make()
        kept, why = _insert(connection, table, wanted)
        made[table.fullname] = kept
        planned = planned if len(kept) == len(wanted) else None  # no row points to a refused one
        if wanted and not kept:
            refused[table.fullname] = why
        first = kept[0] if kept else {}
        filled[table.fullname] = {"rows": len(kept), "first": told(table, first)}
    settle(connection, known)
    return {"tables": filled, "refused": refused}


def empty(connection, wanted):
    """Take every row out of the tables `wanted`, parents first, as far as they are there."""
    if connection.dialect.name == "postgresql" and wanted:
        quote = connection.dialect.identifier_preparer.format_table
        there = _present(connection, wanted)
        if there:
            names = ", ".join(quote(table) for table in there)
            connection.exec_driver_sql("TRUNCATE {} RESTART IDENTITY CASCADE".format(names))
        return
    for table in reversed(wanted):
        attempt(connection, lambda t=table: connection.execute(t.delete()))


def _present(connection, wanted):
    from sqlalchemy import inspect

    inspector = inspect(connection)
    names = {}
    for table in wanted:
        if table.schema not in names:
            names[table.schema] = set(inspector.get_table_names(schema=table.schema))
    return [table for table in wanted if table.name in names[table.schema]]


def _insert(connection, table, wanted):
    """The rows that the database accepts, and why it refused the others."""
    if not wanted:
        return [], ""
    why = attempt(connection, lambda: connection.execute(table.insert(), wanted))
    if not why:
        return wanted, ""
    kept = []
    for row in wanted:
        again = attempt(connection, lambda r=row: connection.execute(table.insert(), r))
        if not again:
            kept.append(row)
        elif not kept and len(kept) + 40 < wanted.index(row):
            break
    return kept, why


def attempt(connection, work):
    """Nothing where `work` succeeds, else why it does not; what it did is then taken back."""
    savepoint = connection.begin_nested()
    try:
        work()
        savepoint.commit()
    except Exception as error:
        savepoint.rollback()
        return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return ""


def settle(connection, wanted):
    """Counters go on behind the rows, and the planner knows how many there are."""
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql("ANALYZE")
        return
    for table in _present(connection, wanted):
        name = connection.dialect.identifier_preparer.format_table(table)
        for column in table.primary_key.columns:
            attempt(connection, lambda t=name, c=column: _advance(connection, t, c))
        connection.exec_driver_sql("ANALYZE {}".format(name))


def _advance(connection, table, column):
    text = "SELECT pg_get_serial_sequence('{}', '{}')".format(
        table.replace("'", "''"), column.name.replace("'", "''")
    )
    sequence = connection.exec_driver_sql(text).scalar()
    if sequence:
        connection.exec_driver_sql(
            "SELECT setval('{}', (SELECT coalesce(max({}), 0) + 1 FROM {}), false)".format(
                sequence, connection.dialect.identifier_preparer.quote(column.name), table
            )
        )


async def stored():
    """Every row of every table, by column name, as the database gives it to a direct query."""
    return await seed.begin(engine(), _stored) if tables() else {}


def _stored(connection):
    found = {}
    for table in _present(connection, tables()):
        names = [column.name for column in table.columns]
        rows_ = connection.execute(table.select())
        found[table.name] = [dict(zip(names, naming.plain(list(row)))) for row in rows_]
    return found


def _contents(connection):
    found = {}
    for table in tables():
        lines = []
        attempt(
            connection,
            lambda t=table, into=lines: into.extend(
                json.dumps(naming.plain(list(row)), sort_keys=True)
                for row in connection.execute(t.select())
            ),
        )
        digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
        found[table.fullname] = "{} rows, {}".format(len(lines), digest[:16])
    return found
