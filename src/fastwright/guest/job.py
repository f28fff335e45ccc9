"""A child of the zygote: it holds one app (or one test run) and obeys commands from its channel.

    {"load": {"target", "factory", "root"}}    → {"loaded": {"target"}} or {"failed": {…}}
    {"startup": {}}                            → {"started": {}} or {"failed": {…}}
    {"describe": {}}                           → {"description": {…}}
    {"endpoints": {}}                          → {"value": {name: value}}
    {"request": {…}}, {"requests": [{…}]}      → {"answer": {…}}, {"answers": [{…}]}
    {"evaluate": {"source", "arguments"}}      → {"value": …} or {"failed": {…}}
    {"create_all": {"url"}}                    → {"value": {"tables": […]}} or {"failed": {…}}
    {"seed": {"table", "values", "url"}}       → {"value": {column: value}} or {"failed": {…}}
    {"tune": {"act", …}}                       → {"value": …}, see tuning.py
    {"tests": {"arguments", "root"}}           → {"event": {…}} …, then {"ended": {"code"}}
    {"stop": {}}                               → {"stopped": {"error"}}

Importing and plain functions run outside the event loop, as under a server's start; while the
child waits for its next command the loop runs, so that the app's own tasks go on.
"""

import asyncio
import ctypes
import faulthandler
import json
import os
import signal
import sys
import time

from . import describe, drive, endpoints, evaluate, failure, load, naming, pytests, seed, tuning


def begin(start):
    """Turn this fork into the place that the app is to find: environment, directory, paths."""
    os.environ.update(start.get("env") or {})
    if "TZ" in os.environ and hasattr(time, "tzset"):
        time.tzset()
    os.chdir(start.get("cwd") or ".")
    load.add_paths(start.get("paths") or ())


def _die_with_parent():
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return


class Job:
    """The loop of one child."""

    def __init__(self, channel):
        _die_with_parent()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)
        paths = os.environ.pop("FASTWRIGHT_GUEST_PATHS", "")
        if paths:
            load.add_paths(paths.split(os.pathsep))
        self._channel = channel
        self._loop = None
        self._buffer = b""
        self._root = os.getcwd()
        self._target = ""
        self._outer = None
        self._app = None
        self._driver = None
        self._stage = None

    def run(self):
        """Obey until told to stop or the channel closes; returns the exit code."""
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        while True:
            line = self._next_line()
            if line is None:
                return 0
            name, arguments = next(
                (key, value) for key, value in json.loads(line).items() if key != "to"
            )
            self.tell(self._obey(name, arguments))
            if name == "stop":
                return 0

    def tell(self, message):
        """One line to the zygote, which adds who it is from."""
        text = json.dumps(message, default=repr)
        self._channel.setblocking(True)
        self._channel.sendall(text.encode() + b"\n")

    def _next_line(self):
        while b"\n" not in self._buffer:
            received = self._loop.run_until_complete(self._receive())
            if not received:
                return None
            self._buffer += received
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    async def _receive(self):
        self._channel.setblocking(False)
        return await asyncio.get_event_loop().sock_recv(self._channel, 1 << 20)

    def _obey(self, name, arguments):
        limit = arguments.get("seconds") if isinstance(arguments, dict) else None
        if limit:
            faulthandler.dump_traceback_later(limit, exit=True, file=2)
        try:
            return getattr(self, "_do_" + name)(arguments)
        except BaseException as error:
            return {"failed": failure.explain(error, self._root)}
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _do_load(self, arguments):
        self._root = arguments.get("root") or os.getcwd()
        self._target = arguments["target"]
        self._outer, self._app = load.load(self._target, arguments.get("factory"))
        self._driver = drive.Driver(self._outer)
        return {"loaded": {"target": self._target, "pid": os.getpid()}}

    def _do_startup(self, arguments):
        error = self._loop.run_until_complete(self._driver.startup())
        if error is not None:
            return {"failed": failure.explain(error, self._root)}
        return {"started": {}}

    def _do_describe(self, arguments):
        return {"description": describe.describe(self._app, self._target, self._root)}

    def _do_endpoints(self, arguments):
        return {"value": endpoints.describe(self._root)}

    def _do_request(self, arguments):
        return {"answer": self._loop.run_until_complete(self._driver.request(arguments))}

    def _do_requests(self, arguments):
        return {"answers": self._loop.run_until_complete(self._driver.requests(arguments))}

    def _do_evaluate(self, arguments):
        return {
            "value": evaluate.evaluate(
                arguments["source"], arguments.get("arguments") or {}, self._app, self._loop
            )
        }

    def _do_create_all(self, arguments):
        return {"value": self._loop.run_until_complete(seed.create_all(arguments.get("url")))}

    def _do_seed(self, arguments):
        wanted = arguments.get("values") or {}
        work = seed.insert(arguments["table"], wanted, arguments.get("url"))
        return {"value": naming.plain(self._loop.run_until_complete(work))}

    def _do_tune(self, arguments):
        if self._stage is None:
            self._stage = tuning.Stage(self._app, self._outer, self._root, self._driver)
        if arguments["act"] == "observe":
            return {"value": self._stage.observe(arguments)}
        return {"value": self._loop.run_until_complete(self._stage.obey(arguments))}

    def _do_tests(self, arguments):
        sys.stdout.flush()
        code = pytests.run(arguments["arguments"], lambda event: self.tell({"event": event}))
        return {"ended": {"code": code}}

    def _do_stop(self, arguments):
        if self._driver is None:
            return {"stopped": {"error": ""}}
        return {"stopped": {"error": self._loop.run_until_complete(self._driver.shutdown())}}
