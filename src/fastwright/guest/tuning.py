"""What tuning asks of a running app: hold it still, fill its database, watch it, time it.

    {"tune": {"act": "ready", "at": seconds since 1970}}    → {"value": {"sqlalchemy": bool}}
    {"tune": {"act": "fill", "size": n}}                    → {"value": fill.fill's, "admitted"}
    {"tune": {"act": "fill", "filled": …}}                  → likewise; another filled it
    {"tune": {"act": "watch", "requests": [{…}]}}           → {"value": [visit]}
    {"tune": {"act": "seed", "place": "path.py:function" or "dump.sql"}} → {"value": null}
    {"tune": {"act": "plan", "sizes": [n]}}                 → {"value": [{table: row 1}]}
    {"tune": {"act": "observe", "at", "runs": [{"size", "requests"}]}}   → {"value": [{…}]}
    {"tune": {"act": "time", "requests": [{…}], "rounds", "kept"}}
                                                            → {"value": [{"cpu": […], "wall": […]}]}
    {"tune": {"act": "grow", "table", "size"}}              → {"value": {"first", "rows"}}
    {"tune": {"act": "index", "name", "table", "columns"}}  → {"value": null}, likewise "drop"
    {"tune": {"act": "explain", "sql"}}                     → {"value": {"lines", "pages"}}
    {"tune": {"act": "log", "table"}}                       → {"value": bytes a row, or null}
    {"tune": {"act": "rows"}}                               → {"value": {table: [row]}}
    {"tune": {"act": "contents"}}                           → {"value": {table: digest}}

`observe` starts, fills and watches the app anew for each run, in a fork of its own: what the app
keeps in memory at one size is not there at the next. It wants an app that was not started yet.

A visit is an answer as `drive.Driver.request` gives it, with what `watch.Watch.told` says and the
functions of the project that it entered, in ``entered``, where the request has ``entered`` set;
``stalls`` are the lines that held the event loop up, ``held`` how many connections it had at once.
"""

import asyncio
import contextlib
import importlib
import sys
import time

from . import admit, drive, dump, fill, forked, frames, large, pin, seed, stalls, watch


class Stage:
    """One app under observation. All methods belong to one event loop."""

    def __init__(self, app, outer, root, driver=None):
        self._app = app
        self._outer = outer
        self._driver = driver or drive.Driver(outer)
        self._root = root
        self._frames = frames.Frames(root)
        self._pins = None
        self._factory = None
        self._planned = {}
        self._given = {}
        self._memory = None

    async def obey(self, wanted):
        """One act; see the module's text."""
        return await getattr(self, "_" + wanted["act"])(wanted)

    def observe(self, wanted):
        """Each run in a fork of its own; raises what the app raises in one."""
        found = []
        engines = _known_before()
        for run in wanted["runs"]:
            told = forked.call(lambda r=run: self._observed(r, wanted["at"], engines))
            if "failed" in told:
                raise RuntimeError(told["failed"])
            found.append(told["value"])
        return found

    def _observed(self, run, at, engines):
        seed.forget_connections(engines)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        driver = drive.Driver(self._outer)
        error = loop.run_until_complete(driver.startup())
        if error is not None:
            raise error
        stage = Stage(self._app, self._outer, self._root, driver)
        stage._factory, stage._planned = self._factory, self._planned
        loop.run_until_complete(stage.obey({"act": "ready", "at": at}))
        filled = loop.run_until_complete(stage.obey({"act": "fill", "size": run["size"]}))
        wanted = {"act": "watch", "requests": run["requests"]}
        return {"filled": filled, "visits": loop.run_until_complete(stage.obey(wanted))}

    async def _seed(self, wanted):
        self._factory = dump.factory_at(self._root, wanted["place"])

    async def _plan(self, wanted):
        self._planned = {size: fill.plan(size, self._factory) for size in wanted["sizes"]}
        return [fill.first_of(self._planned[size]) for size in wanted["sizes"]]

    async def _ready(self, wanted):
        self._pins = pin.Pins(wanted["at"])
        self._pins.install(self._root)
        return {"sqlalchemy": "sqlalchemy" in sys.modules}

    async def _fill(self, wanted):
        filled = wanted.get("filled")
        if filled is None:
            planned = self._planned.get(wanted["size"])
            filled = await fill.fill(wanted["size"], self._factory, planned)
        hub = {name: told["first"] for name, told in filled["tables"].items()}
        filled["admitted"] = admit.admit(self._app, hub)
        return filled

    async def _contents(self, wanted):
        return await fill.contents()

    async def _grow(self, wanted):
        grown = await large.grow(wanted["table"], wanted["size"], self._factory)
        admit.admit(self._app, grown["first"])
        return grown

    async def _index(self, wanted):
        if wanted.get("drop"):
            return await large.drop(wanted["name"])
        return await large.create(wanted["name"], wanted["table"], wanted["columns"])

    async def _explain(self, wanted):
        return await large.plan(wanted["sql"], self._given.get(wanted["sql"], ()))

    async def _log(self, wanted):
        return await large.log_of_rows(wanted["table"])

    async def _rows(self, wanted):
        return await fill.stored()

    async def _watch(self, wanted):
        watch.install(self._frames)
        return [await self._visit(request) for request in wanted["requests"]]

    async def _visit(self, request):
        self._pins.rewind()
        entered = _Entered(self._root)
        held = stalls.Stalls(self._frames)
        with held, watch.watching(self._frames) as watched:
            request = dict(request, started=watched.answering)
            if request.get("entered"):
                with entered:
                    answer = await self._driver.request(request)
            else:
                answer = await self._driver.request(request)
        self._given.update(watched.given)
        answer.update(watched.told(), entered=sorted(entered.found), stalls=held.found())
        return answer

    async def _time(self, wanted):
        driver = self._driver
        if wanted.get("kept"):
            self._memory = self._memory or drive.Driver(_Memory(self._outer))
            driver = self._memory
        rounds = wanted["rounds"]
        return [await self._timed(driver, request, rounds) for request in wanted["requests"]]

    async def _timed(self, driver, request, rounds):
        found = {"cpu": [], "wall": []}
        for _ in range(rounds):
            self._pins.rewind()
            cpu, wall = time.process_time(), time.perf_counter()
            await driver.request(request)
            found["cpu"].append(time.process_time() - cpu)
            found["wall"].append(time.perf_counter() - wall)
        return found


def _known_before():
    """Look once for what every fork would look for: the engines, and what drives the requests."""
    with contextlib.suppress(ImportError):
        importlib.import_module("anyio._backends._asyncio")
    fill.tables()
    return seed.living_engines()


class _Memory:
    """The app, with every answer kept by its path; what a cache before it would cost."""

    def __init__(self, app):
        self._app = app
        self._kept = {}

    async def __call__(self, scope, receive, send):
        key = (scope.get("path"), scope.get("query_string"))
        if key in self._kept:
            for message in self._kept[key]:
                await send(message)
            return
        messages = []

        async def both(message):
            messages.append(message)
            await send(message)

        await self._app(scope, receive, both)
        self._kept[key] = messages


class _Entered:
    """Which functions of the project are called while it is open, in whatever thread."""

    def __init__(self, root):
        self._root = root.rstrip("/") + "/"
        self._seen = set()
        self.found = set()
        self._run_sync = None

    def __enter__(self):
        from anyio import to_thread

        self._run_sync = to_thread.run_sync
        to_thread.run_sync = self._profiled(self._run_sync)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *error):
        from anyio import to_thread

        sys.setprofile(None)
        to_thread.run_sync = self._run_sync

    def _profiled(self, run_sync):
        """Threads of a pool live longer than one request: the hook goes in with the work."""

        async def run(function, *arguments, **named):
            def work(*inner):
                sys.setprofile(self._note)
                try:
                    return function(*inner)
                finally:
                    sys.setprofile(None)

            return await run_sync(work, *arguments, **named)

        return run

    def _note(self, frame, event, argument):
        code = frame.f_code
        if event != "call" or code in self._seen:
            return
        self._seen.add(code)
        path = code.co_filename
        if path.startswith(self._root) and "site-packages" not in path:
            name = getattr(code, "co_qualname", code.co_name)
            self.found.add("{}:{}".format(path[len(self._root) :], name))
