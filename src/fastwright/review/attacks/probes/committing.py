"""Has the app's commits fail while it answers, and says when each of them was tried.

A commit through SQLAlchemy raises what a lost connection raises, so that nothing is written. One of
a connection that wrote nothing is let through: there is nothing to lose.
"""

from __future__ import annotations

import hashlib
import re
import sys
import types
from typing import Any

NAME = "fastwright_committing"
_WRITES = re.compile(r"(?is)^\s*(?:insert\s+into|update|delete\s+from)\s+[\"'`]?([\w.]+)")


def _refuse(state: Any) -> Any:
    errors: Any = sys.modules["sqlalchemy.exc"]

    def refuse(connection: Any) -> None:
        if not connection.info.pop(NAME, False):
            return
        state.commits.append(state.answered)
        if state.fails:
            connection.dialect.do_rollback(connection.connection)  # as the database does then
            lost = Exception("fastwright: the connection is lost")
            raise errors.OperationalError("COMMIT", None, lost)

    return refuse


def _note(state: Any) -> Any:
    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        del cursor, rest
        found = _WRITES.match(statement)
        if found is not None:
            connection.info[NAME] = True
            state.tables.append(found.group(1))

    return note


def _wrapped(original: Any, state: Any) -> Any:
    async def called(self: Any, scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                state.answered = True
            await send(message)

        await original(self, scope, receive, told)

    return called


def _start(state: Any, app: Any) -> None:
    event: Any = sys.modules["sqlalchemy.event"]
    engine: Any = sys.modules["sqlalchemy.engine"].Engine
    heard = (
        ("commit", _refuse(state)),
        ("before_cursor_execute", _note(state)),
        ("rollback", lambda connection: connection.info.pop(NAME, None)),
    )
    for name, listener in heard:
        event.listen(engine, name, listener)
        state.undo.append(lambda name=name, listener=listener: event.remove(engine, name, listener))
    kind = type(app)
    original = kind.__call__
    kind.__call__ = _wrapped(original, state)
    state.undo.append(lambda: setattr(kind, "__call__", original))


async def _contents() -> dict[str, str]:
    """What the first rows of every table are, in a word each."""
    seed: Any = sys.modules["fastwright_guest.seed"]
    engine = seed.find_engine()
    tables = [t for metadata in seed.known_metadata() for t in metadata.tables.values()]

    def read(connection: Any) -> dict[str, str]:
        found = {}
        for table in tables:
            try:
                with connection.begin_nested():
                    rows = connection.execute(table.select().limit(2000)).fetchall()
            except Exception:  # noqa: BLE001, S112 - a table that is not there holds nothing
                continue
            text = repr(sorted(map(repr, rows)))
            found[table.name] = hashlib.sha256(text.encode()).hexdigest()
        return found

    if hasattr(engine, "sync_engine"):
        async with engine.connect() as connection:
            return dict(await connection.run_sync(read))
    with engine.connect() as connection:
        return read(connection)


async def committing(action: str, application: Any = None) -> Any:
    """``start``; ``fail`` or ``let`` before a request, ``seen`` after it; ``contents``; ``stop``.

    ``seen`` gives the tables written to, and of each commit whether the answer had begun.
    """
    if action == "start" and "sqlalchemy" not in sys.modules:
        return False
    state: Any = sys.modules.setdefault(NAME, types.ModuleType(NAME))
    if action == "start":
        state.undo, state.fails = [], False
        state.answered, state.commits, state.tables = False, [], []
        _start(state, application or globals()["app"])
    elif action in ("fail", "let"):
        state.fails, state.answered = action == "fail", False
        state.commits, state.tables = [], []
    elif action == "seen":
        return {"tables": sorted(set(state.tables)), "commits": list(state.commits)}
    elif action == "contents":
        return await _contents()
    elif action == "stop":
        for undo in reversed(state.undo):
            undo()
        del sys.modules[NAME]
    return True
