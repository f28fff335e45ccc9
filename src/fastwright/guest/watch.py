"""Trace the SQL of a request to its causes, through SQLAlchemy's own events (1.4 and 2.x).

Every statement is told with where the project's code stood. A lazy load also says which
relationship it is, and the *root*: the statement that loaded the object it starts from, with the
path of relationships that leads there. A root knows where it was built and where it was run, which
is what a repair needs.
"""

import asyncio
import contextlib
import contextvars
import re
import sys
import time
import weakref

from . import drivers, naming

_current = contextvars.ContextVar("fastwright_watch", default=None)
_ROW = re.compile(r"IN \((?:[^()']|\([^()]*\))*\)")


class Watch:
    """What one request did to the database. All threads and greenlets of the request share it."""

    def __init__(self, frames):
        self.frames = frames
        self.phase = "dependencies"
        self.seconds = {}
        self.pending = None
        self.given = {}
        self.origins = {}
        self.most_open = 0
        self.sending = 0
        self.shares = False  # it asked through a session that it did not make itself
        self._open = 0
        self.kept = []  # an id is that of one object only while the object is kept
        self._groups = {}
        self._roots = {}
        self._broken = {}

    def told(self):
        """``{"groups": […], "roots": […], "broken": […], "phases": {…}}`` in terms of JSON."""
        self._give_up(self.pending)
        groups = [dict(g, distinct=len(g["distinct"])) for g in self._groups.values()]
        unfinished = [g for g in groups if g["kind"] == "lazy" and g["unfinished"]]
        for group in unfinished:
            self._give_up(group)
        return {
            "groups": groups,
            "roots": list(self._roots.values()),
            "broken": list(self._broken.values()),
            "phases": self.seconds,
            "held": self.most_open,
            "sending": self.sending,
        }

    def opened(self, step):
        """A connection was taken out of its pool (1), or given back (-1)."""
        self._open += step
        self.most_open = max(self.most_open, self._open)

    def answering(self):
        """The answer begins to be sent: what is out of the pool is out until it is taken."""
        self.sending = self._open

    def root(self, entity, built, api, stack):
        """The number of a root; the same place and class are one root however often it runs."""
        key = (entity, str(built), api)
        if key not in self._roots:
            self._roots[key] = {
                "number": len(self._roots),
                "entity": entity,
                "built": built,
                "api": api,
                "stack": stack,
                "times": 0,
            }
        self._roots[key]["times"] += 1
        return self._roots[key]["number"]

    def expect(self, fact):
        """What the ORM says of the statement that it is about to send."""
        if self.pending is not None and self.pending["kind"] == "lazy":
            self._give_up(self.pending)
        self.pending = fact

    def _give_up(self, fact):
        """A lazy load that never came to an answer: it cannot be awaited where it was asked."""
        if fact and fact["kind"] == "lazy":
            key = (fact["root"], tuple(fact["path"]))
            self._broken[key] = {name: fact[name] for name in ("root", "path", "stack")}

    def started(self, sql, parameters, many, kind="core"):
        """A statement goes out; returns its group, to be given back when it has ended."""
        fact, self.pending = self.pending, None
        if fact is None:
            fact = {"kind": kind, "path": [], "root": None, "stack": self.frames.stack()}
        shape = normal(sql)
        place = fact["stack"][0][:4] if fact["stack"] else None
        key = (fact["kind"], shape, str(place), str(fact["path"]), fact["root"])
        group = self._groups.get(key)
        if group is None:
            group = dict(fact, sql=shape, raw=sql, parameters=naming.plain(parameters), many=many)
            group.update(phase=self.phase, count=0, rows=0, seconds=0.0, distinct=set())
            group["unfinished"], group["blocks"], group["shared"] = 0, False, False
            self._groups[key] = group
        group["count"] += 1
        group["blocks"] = group["blocks"] or _blocks()
        group["shared"] = group["shared"] or self.shares
        group["unfinished"] += 1
        group["distinct"].add(repr(parameters))
        self.given[sql] = parameters
        return group


def _blocks():
    """True where a sync driver is about to wait in the thread of the running event loop."""
    if asyncio._get_running_loop() is None:
        return False
    module = sys.modules.get("greenlet")
    return module is None or module.getcurrent().parent is None


def normal(sql):
    """One line, with any list behind ``IN`` as ``IN (…)``."""
    return re.sub(r"\s+", " ", _ROW.sub("IN (…)", sql)).strip()


@contextlib.contextmanager
def watching(frames):
    """Yields a `Watch` that fills while it is open."""
    watch = Watch(frames)
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)


@contextlib.contextmanager
def unwatched():
    """What runs while it is open is ours, and not the app's."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def install(frames):
    """Listen to every engine, session and mapper, and stamp statements with where they are built.

    False where SQLAlchemy is not imported.
    """
    _wrap_phases()
    drivers.install(_sent)
    if "sqlalchemy" not in sys.modules:
        return False
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from sqlalchemy.orm import Mapper, Query, Session
    from sqlalchemy.pool import Pool
    from sqlalchemy.sql.selectable import GenerativeSelect

    if event.contains(Engine, "before_cursor_execute", _before):
        return True
    event.listen(Engine, "before_cursor_execute", _before)
    event.listen(Engine, "after_cursor_execute", _after)
    event.listen(Pool, "checkout", _checked_out)
    event.listen(Pool, "checkin", _checked_in)
    event.listen(Session, "do_orm_execute", _orm_execute)
    event.listen(Mapper, "load", _loaded)
    _stamp(GenerativeSelect, frames)
    _stamp(Query, frames)
    _hand_on_stamps(Query)
    _own(Session)
    return True


def _stamp(cls, frames):
    original = cls.__init__

    def stamped(self, *arguments, **named):
        original(self, *arguments, **named)
        if _current.get() is not None:
            self.__dict__["_fastwright_built"] = frames.first()

    cls.__init__ = stamped


def _hand_on_stamps(query):
    """A legacy query's statement was built where the query was."""
    original = query._statement_20

    def _statement_20(self, *arguments, **named):
        statement = original(self, *arguments, **named)
        statement.__dict__["_fastwright_built"] = self.__dict__.get("_fastwright_built")
        statement.__dict__["_fastwright_api"] = "query"
        return statement

    query._statement_20 = _statement_20


def _wrap_phases():
    routing = sys.modules.get("fastapi.routing")
    for name, phase in (("run_endpoint_function", "endpoint"), ("serialize_response", "answer")):
        original = getattr(routing, name, None)
        if original is not None and not hasattr(original, "_fastwright_phase"):
            setattr(routing, name, _timed(original, phase))


def _timed(original, phase):
    async def run(*arguments, **named):
        watch = _current.get()
        if watch is None:
            return await original(*arguments, **named)
        before, watch.phase = watch.phase, phase
        started = time.perf_counter()
        try:
            return await original(*arguments, **named)
        finally:
            watch.seconds[phase] = watch.seconds.get(phase, 0) + time.perf_counter() - started
            watch.phase = before

    run._fastwright_phase = phase
    return run


def _own(session):
    """Stamp every session with the request that makes it."""
    original = session.__init__

    def stamped(self, *arguments, **named):
        original(self, *arguments, **named)
        watch = _current.get()
        if watch is not None:
            self.__dict__["_fastwright_holder"] = weakref.ref(watch)

    session.__init__ = stamped


def _orm_execute(state):
    watch = _current.get()
    if watch is not None:
        holder = state.session.__dict__.get("_fastwright_holder")
        watch.shares = watch.shares or holder is None or holder() is not watch
    if watch is None or not state.is_select:
        return
    stack = watch.frames.stack()
    if state.is_relationship_load and state.lazy_loaded_from is not None:
        _lazy(watch, state, stack)
    elif state.is_relationship_load:
        path = list(_names(state.loader_strategy_path))
        watch.expect({"kind": "eager", "path": path, "root": None, "stack": stack})
    elif state.is_column_load:
        watch.expect({"kind": "refresh", "path": [], "root": None, "stack": stack})
    else:
        _root(watch, state, stack)


def _lazy(watch, state, stack):
    names = _names(state.loader_strategy_path)
    root, before = watch.origins.get(id(state.lazy_loaded_from), (None, ()))
    path = (*before, *names[-1:])
    watch.expect({"kind": "lazy", "path": list(path), "root": root, "stack": stack})
    state.update_execution_options(_fastwright=(root, path, True))


def _root(watch, state, stack):
    entity = _entity(state)
    stamps = state.statement.__dict__
    api = "get" if _is_get() else stamps.get("_fastwright_api", "select")
    first = stack[0] if stack else None
    built = first if api == "get" else stamps.get("_fastwright_built")
    number = watch.root(entity, built, api, stack)
    watch.expect({"kind": "root", "path": [], "root": number, "stack": stack})
    state.update_execution_options(_fastwright=(number, (), False))


def _entity(state):
    try:
        mapper = state.bind_mapper
    except Exception:
        return None
    return naming.dotted(mapper.class_) if mapper is not None else None


def _is_get():
    """True within ``Session.get``."""
    frame = sys._getframe(2)
    for _ in range(25):
        if frame is None:
            return False
        code = frame.f_code
        if code.co_name in ("get", "get_one", "_get_impl") and code.co_filename.endswith(
            "orm/session.py"
        ):
            return True
        frame = frame.f_back
    return False


def _names(path):
    found = getattr(path, "path", None) or ()
    return tuple(
        "{}.{}".format(naming.dotted(step.parent.class_), step.key)
        for step in found
        if hasattr(step, "key") and hasattr(getattr(step, "parent", None), "class_")
    )


def _loaded(target, context):
    watch = _current.get()
    tag = context.execution_options.get("_fastwright") if watch is not None else None
    if tag is None:
        return
    from sqlalchemy.orm.attributes import instance_state

    root, base, is_lazy = tag
    names = _names(context.compile_state.current_path)
    path = (*base, *(names[1:] if is_lazy else names))
    state = instance_state(target)
    watch.origins[id(state)] = (root, path)
    watch.kept.append(state)


def _checked_out(connection, record, proxy):
    watch = _current.get()
    if watch is not None:
        record.info["_fastwright_watch"] = watch
        watch.opened(1)


def _checked_in(connection, record):
    watch = record.info.pop("_fastwright_watch", None)
    if watch is not None:
        watch.opened(-1)


def _before(connection, cursor, statement, parameters, context, executemany):
    watch = _current.get()
    if watch is not None and context is not None:
        group = watch.started(statement, parameters, bool(executemany))
        context._fastwright_watched = (group, time.perf_counter())


@contextlib.contextmanager
def _sent(sql, parameters, waits):
    """A statement that goes to its driver without SQLAlchemy; a driver's own ones do not count."""
    watch = _current.get()
    if watch is None or not watch.frames.stack():
        yield
        return
    group = watch.started(sql, parameters, False, "raw")
    group["blocks"] = group["blocks"] if waits else False
    began = time.perf_counter()
    try:
        yield
    finally:
        group["seconds"] += time.perf_counter() - began
        group["unfinished"] -= 1


def _after(connection, cursor, statement, parameters, context, executemany):
    group, started = getattr(context, "_fastwright_watched", None) or (None, 0.0)
    if group is not None:
        group["seconds"] += time.perf_counter() - started
        group["unfinished"] -= 1
        count = getattr(cursor, "rowcount", -1)
        group["rows"] += count if isinstance(count, int) and count > 0 else 0
