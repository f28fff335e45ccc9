"""Drive an ASGI app in its own process: life span, requests, many at a time. Raises nothing.

An exception of the app becomes an answer with status 500 and its traceback in ``error``.
"""

import asyncio
import base64
import time
import traceback
from urllib.parse import unquote

from . import trace

_CHUNK = 65536
_LARGEST_BODY = 16 * 1024 * 1024
_WIDEST = 500


class Driver:
    """One app and its running life span. All methods belong to one event loop."""

    def __init__(self, app):
        self._app = app
        self._state = {}
        self._task = None
        self._inbox = None
        self._outbox = None

    async def startup(self):
        """Enter the life span; returns the exception that stopped it, else None.

        An app that does not speak the protocol counts as started, as uvicorn's ``auto`` does.
        """
        self._inbox, self._outbox = asyncio.Queue(), asyncio.Queue()
        self._task = asyncio.ensure_future(self._live())
        await self._inbox.put({"type": "lifespan.startup"})
        message = await self._outbox.get()
        if message["type"] == "lifespan.startup.complete":
            return None
        if message["type"] == "lifespan.startup.failed":
            await asyncio.wait([self._task], timeout=5)
        error = self._task.exception() if self._task.done() else None
        if message["type"] == "lifespan.startup.failed":
            return error or RuntimeError(message.get("message") or "startup failed")
        self._task = None
        return None

    async def _live(self):
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            await self._app(scope, self._inbox.get, self._outbox.put)
        finally:
            await self._outbox.put({"type": "ended"})

    async def shutdown(self, timeout=5.0):
        """Leave the life span; a failure while doing so is told as text, else ``""``."""
        if self._task is None or self._task.done():
            return ""
        await self._inbox.put({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=timeout)
        if not self._task.done():
            self._task.cancel()
            return "shutdown took longer than {} s".format(timeout)
        error = self._task.exception()
        return "".join(traceback.format_exception_only(type(error), error)) if error else ""

    async def request(self, wanted):
        """One answer to one request.

        Args:
            wanted: ``{"method", "path" (with query), "headers": [[name, value]], "body" (base64),
                "client": [host, port], "timeout" (s), "traced",
                "started" (called when the answer begins)}``; all but the path optional.

        Returns:
            ``{"status", "headers", "body" (base64), "seconds", "error", "statements"}``;
            504 where the app did not answer in time, 0 where it ended without an answer.
        """
        exchange = _Exchange(wanted)
        started = time.perf_counter()
        timeout = wanted.get("timeout") or 30.0
        with trace.recording(bool(wanted.get("traced"))) as statements:
            try:
                await asyncio.wait_for(
                    self._app(exchange.scope(dict(self._state)), exchange.receive, exchange.send),
                    timeout,
                )
            except asyncio.TimeoutError:
                exchange.fail(504, "no answer in {} s".format(timeout))
            except Exception as error:
                exchange.fail(500, _text(error))
        answer = exchange.answer()
        answer["seconds"] = time.perf_counter() - started
        answer["statements"] = statements
        return answer

    async def requests(self, wanted):
        """Many requests at the same time; the answers in the order of the requests."""
        return list(await asyncio.gather(*(self.request(one) for one in wanted)))


def _text(error):
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__)).split("\n")
    return "\n".join(map(_cut, lines))[-8000:]


def _cut(line):
    """A line without its middle where a value of the request makes it endless."""
    return line if len(line) <= 2 * _WIDEST else line[:_WIDEST] + "…" + line[-_WIDEST:]


class _Exchange:
    """The two channels of one HTTP request."""

    def __init__(self, wanted):
        self._wanted = wanted
        body = base64.b64decode(wanted.get("body") or "")
        self._chunks = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)] or [b""]
        self._done = asyncio.Event()
        self._status = 0
        self._headers = []
        self._body = []
        self._size = 0
        self._error = None
        self._length = len(body)

    def scope(self, state):
        path, _, query = (self._wanted.get("path") or "/").partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": (self._wanted.get("method") or "GET").upper(),
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "root_path": "",
            "headers": self._request_headers(),
            "client": tuple(self._wanted.get("client") or ("127.0.0.1", 50000)),
            "server": ("localhost", 80),
            "state": state,
            "extensions": {},
        }

    def _request_headers(self):
        headers = [
            (
                str(name).lower().encode("latin-1", "replace"),
                str(value).encode("latin-1", "replace"),
            )
            for name, value in self._wanted.get("headers") or ()
        ]
        names = {name for name, _ in headers}
        if b"host" not in names:
            headers.insert(0, (b"host", b"localhost"))
        if self._length and not names & {b"content-length", b"transfer-encoding"}:
            headers.append((b"content-length", str(self._length).encode()))
        return headers

    async def receive(self):
        if self._chunks:
            chunk = self._chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self._chunks)}
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self._wanted.get("started", int)()
            self._status = message["status"]
            self._headers = [
                [name.decode("latin-1"), value.decode("latin-1")]
                for name, value in message.get("headers") or ()
            ]
        elif message["type"] == "http.response.body":
            self._keep(message.get("body") or b"")
            if not message.get("more_body"):
                self._done.set()

    def _keep(self, body):
        self._size += len(body)
        if self._size <= _LARGEST_BODY:
            self._body.append(bytes(body))
        else:
            self._done.set()

    def fail(self, status, text):
        self._done.set()
        self._error = text
        if status == 504 or not self._status:
            self._status = status

    def answer(self):
        body = b"".join(self._body)
        return {
            "status": self._status,
            "headers": self._headers,
            "body": base64.b64encode(body).decode("ascii"),
            "error": self._error,
        }
