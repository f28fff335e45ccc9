"""Record the SQL that a request runs, through SQLAlchemy's own events (1.4 and 2.x).

A context variable carries the list: thread pools of Starlette and greenlets of SQLAlchemy's
async engine both copy the context, so that concurrent requests keep apart.
"""

import contextlib
import contextvars
import sys
import time

_current = contextvars.ContextVar("fastwright_statements", default=None)


@contextlib.contextmanager
def recording(wanted=True):
    """Yields a list that fills with ``{"sql", "seconds", "rows", "many"}`` while it is open."""
    statements = []
    if not wanted or not install():
        yield statements
        return
    token = _current.set(statements)
    try:
        yield statements
    finally:
        _current.reset(token)


def install():
    """Listen on every engine, once a process; False where SQLAlchemy is not imported."""
    if "sqlalchemy" not in sys.modules:
        return False
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "before_cursor_execute", _before):
        event.listen(Engine, "before_cursor_execute", _before)
        event.listen(Engine, "after_cursor_execute", _after)
    return True


def _before(connection, cursor, statement, parameters, context, executemany):
    if _current.get() is not None and context is not None:
        context._fastwright_started = time.perf_counter()


def _after(connection, cursor, statement, parameters, context, executemany):
    statements = _current.get()
    if statements is None:
        return
    started = getattr(context, "_fastwright_started", None)
    statements.append(
        {
            "sql": statement,
            "seconds": time.perf_counter() - started if started is not None else None,
            "rows": _rows(cursor),
            "many": bool(executemany),
        }
    )


def _rows(cursor):
    count = getattr(cursor, "rowcount", -1)
    return count if isinstance(count, int) and count >= 0 else None
