"""Trace statements that an app sends through its driver itself, without SQLAlchemy.

asyncpg and `databases` on it, psycopg, psycopg2, aiosqlite and sqlite3. What SQLAlchemy sends
through the same driver is told of by its own events, and is passed over here.
"""

import contextlib
import functools
import gc
import re
import sys
import types

_FRAMING = re.compile(
    r"\s*(begin|commit|rollback|savepoint|release|start transaction|set |pragma)\b|\s*$", re.I
)
_DEEPEST = 14
_ASYNC = types.MappingProxyType(
    {
        "asyncpg.connection": (
            "Connection",
            ("fetch", "fetchrow", "fetchval", "execute", "cursor"),
        ),
        "asyncpg.prepared_stmt": ("PreparedStatement", ("fetch", "fetchrow", "fetchval")),
        "psycopg.cursor_async": ("AsyncCursor", ("execute", "executemany")),
        "aiosqlite.core": ("Connection", ("execute", "executemany", "execute_fetchall")),
    }
)
_SYNC = types.MappingProxyType({"psycopg.cursor": ("Cursor", ("execute", "executemany"))})
_EXTENDED = types.MappingProxyType({"psycopg2": "psycopg2.extensions", "sqlite3": "sqlite3"})


def install(sent):
    """Have `sent` open a context for every statement: ``sent(sql, parameters, waits)``.

    Args:
        sent: Called before a statement goes out; `waits` says that its thread stands still.
    """
    for table, waits in ((_ASYNC, False), (_SYNC, True)):
        for module, (name, methods) in table.items():
            cls = getattr(sys.modules.get(module), name, None)
            for method in methods:
                _wrap(cls, method, sent, waits)
    for module, inner in _EXTENDED.items():
        if module in sys.modules and inner in sys.modules:
            _extend(sys.modules[module], sys.modules[inner], sent)


def _wrap(cls, method, sent, waits):
    original = getattr(cls, method, None)
    if original is None or hasattr(original, "_fastwright_sent"):
        return

    @functools.wraps(original)
    def run(self, *given, **named):
        sql, parameters = _told(self, given, named)
        if sql is None or not _is_own():
            return original(self, *given, **named)
        opened = sent(sql, parameters, waits)
        if not waits:
            return _awaited(original(self, *given, **named), opened)
        with opened:
            return original(self, *given, **named)

    run._fastwright_sent = True
    setattr(cls, method, run)


def _awaited(result, opened):
    """What is awaited is counted at once, and timed where it is a plain coroutine."""
    if not hasattr(result, "cr_frame"):
        with opened:
            return result

    async def timed():
        with opened:
            return await result

    return timed()


def _told(driver, given, named):
    """The text of the statement and its parameters; None for what only frames a transaction."""
    prepared = getattr(driver, "get_query", None)
    sql = prepared() if prepared is not None else given[0] if given else named.get("query")
    rest = given if prepared is not None else given[1:]
    if isinstance(sql, bytes):
        sql = sql.decode("utf-8", "replace")
    text = sql if isinstance(sql, str) else str(sql)
    return (None, ()) if sql is None or _FRAMING.match(text) else (text, rest)


def _is_own():
    """SQLAlchemy is not what sends it, and no wrapped method either."""
    frame = sys._getframe(2)
    for _ in range(_DEEPEST):
        if frame is None:
            return True
        file = frame.f_code.co_filename
        if "sqlalchemy" in file.replace("\\", "/").split("/"):
            return False
        if file == __file__ and frame.f_code.co_name == "run":
            return False
        frame = frame.f_back
    return True


def _extend(module, inner, sent):
    """Cursors of a driver written in C: a class of ours that counts."""
    plain = getattr(inner, "cursor", None) or getattr(inner, "Cursor", None)
    if plain is None or hasattr(module.connect, "_fastwright_sent"):
        return
    cursor = type("Cursor", (plain,), {})
    for method in ("execute", "executemany"):
        _wrap(cursor, method, sent, True)
    if module.__name__ == "sqlite3":
        _extend_sqlite(module, cursor)
        return
    original = module.connect

    @functools.wraps(original)
    def connect(*given, **named):
        connection = original(*given, **named)
        _use(connection, cursor)
        return connection

    connect._fastwright_sent = True
    module.connect = connect
    for thing in gc.get_objects():
        if type(thing) is inner.connection:
            _use(thing, cursor)


def _use(connection, cursor):
    with contextlib.suppress(AttributeError):
        connection.cursor_factory = connection.cursor_factory or cursor


def _extend_sqlite(module, counting):
    """A connection whose cursors count; one that is open already cannot be changed."""

    class Connection(module.Connection):
        def cursor(self, factory=counting):
            return super().cursor(factory)

        def execute(self, *given):
            return self.cursor().execute(*given)

        def executemany(self, *given):
            return self.cursor().executemany(*given)

    original = module.connect

    @functools.wraps(original)
    def connect(*given, **named):
        if len(given) < 6:
            named.setdefault("factory", Connection)
        return original(*given, **named)

    connect._fastwright_sent = True
    module.connect = connect
