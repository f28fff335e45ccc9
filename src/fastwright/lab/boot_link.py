"""The line to the guest: one process of the user's interpreter, many children behind it."""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

import fastwright

Message = Mapping[str, Any]

GUEST = Path(fastwright.__file__).parent / "guest"
"""The folder that is handed to the user's interpreter as a program; it must be readable there."""


class Piped(Protocol):
    """A started process with pipes on its standard input and output."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """What it reads."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it writes."""

    def kill(self) -> None:
        """End it, with all that it started."""


class Died(Exception):
    """A child of the guest ended without an answer.

    Attributes:
        code: Its exit code, negative for a signal; None where it never lived.
        log: The end of what it printed.
    """

    def __init__(self, code: int | None, log: str) -> None:
        super().__init__(f"exit code {code}: {log[-300:]}")
        self.code = code
        self.log = log


class Late(Exception):
    """A child of the guest did not answer in time; it was ended. `log` is what it printed."""

    def __init__(self, seconds: float, log: str) -> None:
        super().__init__(f"no answer in {seconds:g} s")
        self.seconds = seconds
        self.log = log


class Guest:
    """The zygote, warm or about to be: `fork` gives a fresh child at once."""

    def __init__(self, process: Piped) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._numbers = itertools.count(1)
        self._inboxes: dict[int, queue.SimpleQueue[Message]] = {0: queue.SimpleQueue()}
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="fastwright-guest", daemon=True)
        self._reader.start()

    def ready(self, timeout: float = 60.0) -> Message:
        """What the zygote said when it was warm: python, warm, failed, threaded, seconds.

        Raises:
            Died: The interpreter did not start.
            Late: It was not ready after `timeout` seconds.
        """
        try:
            message = self._inboxes[0].get(timeout=timeout)
        except queue.Empty:
            raise Late(timeout, "") from None
        self._inboxes[0].put(message)
        if "died" in message:
            raise Died(None, "the interpreter ended before it answered")
        ready: Message = message["ready"]
        return ready

    def fork(
        self, env: Mapping[str, str], cwd: Path, paths: tuple[Path, ...], *, cold: bool = False
    ) -> Channel:
        """A child in `cwd` with `env` over the zygote's own, and `paths` first to import from.

        A cold child is a fresh interpreter instead of a copy of the warm one.
        """
        number = next(self._numbers)
        self._inboxes[number] = queue.SimpleQueue()
        start = {"env": dict(env), "cwd": str(cwd), "paths": [str(p) for p in paths], "cold": cold}
        self.send(number, {"start": start})
        return Channel(self, number, self._inboxes[number])

    def send(self, number: int, command: Message) -> None:
        """One line to child `number`."""
        line = json.dumps({"to": number, **command}).encode() + b"\n"
        with self._writing:
            try:
                self._stdin.write(line)
                self._stdin.flush()
            except (OSError, ValueError):
                inbox = self._inboxes.get(number)
                if inbox is not None:
                    inbox.put({"died": {"code": None, "log": "the guest has ended"}})

    def forget(self, number: int) -> None:
        """No more messages of child `number` are kept."""
        self._inboxes.pop(number, None)

    def close(self) -> None:
        """End the zygote and every child."""
        self._process.kill()
        self._reader.join(timeout=5)

    def _read(self) -> None:
        try:
            for line in self._stdout:
                self._deliver(line)
        except (OSError, ValueError):
            pass
        for inbox in list(self._inboxes.values()):
            inbox.put({"died": {"code": None, "log": "the guest has ended"}})

    def _deliver(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        inbox = self._inboxes.get(message.get("from", -1))
        if inbox is not None:
            inbox.put(message)


class Channel:
    """One child, obeying one command at a time; may be used from several threads."""

    def __init__(self, guest: Guest, number: int, inbox: queue.SimpleQueue[Message]) -> None:
        self._guest = guest
        self._number = number
        self._inbox = inbox
        self._asking = threading.Lock()
        self._dead: Died | None = None

    def ask(self, command: Message, timeout: float) -> Message:
        """The answer to one command.

        Raises:
            Died: The child ended instead.
            Late: No answer in `timeout` seconds; the child is ended.
        """
        with self._asking:
            self._say(command)
            return self._hear(time.monotonic() + timeout, timeout)

    def listen(self, command: Message, timeout: float) -> Iterator[Message]:
        """The events that a command causes, and its last answer.

        Raises:
            Died: The child ended instead.
            Late: It had not ended after `timeout` seconds; the child is ended.
        """
        with self._asking:
            self._say(command)
            deadline = time.monotonic() + timeout
            while True:
                message = self._hear(deadline, timeout)
                yield message
                if "event" not in message:
                    return

    def _say(self, command: Message) -> None:
        if self._dead is not None:
            raise self._dead
        self._guest.send(self._number, command)

    def _hear(self, deadline: float, timeout: float) -> Message:
        try:
            message = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self._dead = Died(None, "")
            raise Late(timeout, self.kill()) from None
        if "died" in message:
            self._guest.forget(self._number)
            self._dead = Died(message["died"]["code"], message["died"]["log"])
            raise self._dead
        return message

    def kill(self) -> str:
        """End the child at once; returns the end of what it printed."""
        if self._dead is not None and self._dead.code is not None:
            return self._dead.log
        self._guest.send(self._number, {"kill": True})
        while True:
            try:
                message = self._inbox.get(timeout=5)
            except queue.Empty:
                return ""
            if "died" in message:
                self._guest.forget(self._number)
                self._dead = Died(message["died"]["code"], message["died"]["log"])
                return str(message["died"]["log"])
