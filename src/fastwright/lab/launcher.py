"""The process that stands between fastwright and a command: it isolates, starts and outlives it.

Run as a program by fastwright's own interpreter, with the standard library alone. One socket joins
it to its parent: a JSON order comes in, lines of JSON go out, and the end of the socket means that
the parent is gone. Two processes come of it. The *watcher* keeps the socket; the *keeper* is
process 1 of the new process namespace, so that the kernel kills everything inside when it ends.

The order is `sandbox.Order` as JSON. Lines that go out::

    {"enforced": ["network: own loopback only", …]}     the command starts
    {"refused": "what, why"}                            it does not
    {"exit": 0}                                         it ended; negative for a signal
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any

from fastwright.lab import confinement, kernel
from fastwright.lab.relay import Relay, listen

REFUSED = 97
"""Exit code of the launcher where the kernel refused."""

_PATIENCE = 5000
"""Milliseconds that a keeper without a process namespace has to end what it keeps."""

Order = Mapping[str, Any]


def main(descriptor: int) -> int:
    """Obey the order that arrives on `descriptor`."""
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    order = _read_order(channel)
    try:
        confinement.separate(order)
    except OSError as error:
        return _refuse(channel, f"namespaces: {error}")
    keeper = os.fork()
    if keeper == 0:
        os._exit(_keep(channel, order))
    return _watch(channel, keeper, order)


def _read_order(channel: socket.socket) -> Order:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = channel.recv(1 << 16)
        if not piece:
            sys.exit(REFUSED)
        received += piece
    order: Order = json.loads(received)
    return order


def _tell(channel: socket.socket, **line: object) -> None:
    try:
        channel.sendall(json.dumps(line).encode() + b"\n")
    except OSError:
        return  # the parent is gone; the watcher ends everything


def _refuse(channel: socket.socket, because: str) -> int:
    _tell(channel, refused=because)
    return REFUSED


def _watch(channel: socket.socket, keeper: int, order: Order) -> int:
    """Wait for the keeper; kill it when the parent is gone."""
    _silence()
    ended = os.pidfd_open(keeper)
    polled = select.poll()
    polled.register(ended, select.POLLIN)
    polled.register(channel, select.POLLIN | select.POLLHUP)
    ready = {descriptor for descriptor, _ in polled.poll()}
    if ended not in ready:
        _end(keeper, ended, patient=not order["isolated"])
    _, status = os.waitpid(keeper, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def _end(keeper: int, ended: int, *, patient: bool) -> None:
    """Kill the keeper, and so its namespace; without one it is given time to kill by itself."""
    if patient:
        os.kill(keeper, signal.SIGTERM)
        polled = select.poll()
        polled.register(ended, select.POLLIN)
        if polled.poll(_PATIENCE):
            return
    os.kill(keeper, signal.SIGKILL)


def _silence() -> None:
    """Let go of the command's standard streams, so that their ends mean the command's own."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


# --------------------------------------------------------------------------------- the keeper


def _keep(channel: socket.socket, order: Order) -> int:
    try:
        kernel.die_with_parent()
        enforced = confinement.enclose(order)
        relays = [(listen(one), one) for one in order["relays"]]
        enforced.append(confinement.filter_calls(order))
    except OSError as error:
        return _refuse(channel, str(error))
    _tell(channel, enforced=enforced)
    keeper = _Keeper(channel)
    command = os.fork()
    if command == 0:
        _become(order)
    _silence()
    return keeper.serve(command, relays)


def _become(order: Order) -> None:
    """Turn this process into the command; never returns."""
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec keeps that
            signal.signal(number, signal.SIG_DFL)
        confinement.give_up(order)
        os.chdir(order["cwd"])
        os.execvpe(order["argv"][0], order["argv"], order["env"])  # noqa: S606
    except OSError as error:
        os.write(2, f"fastwright: cannot start {order['argv'][0]}: {error}\n".encode())
    os._exit(127)


class _Keeper:
    """Process 1: relays connections and reaps children until the command ends."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._selector = selectors.DefaultSelector()
        self._woken, waker = socket.socketpair()
        self._woken.setblocking(False)
        waker.setblocking(False)
        self._asked_to_end = False
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, self._end)
        signal.set_wakeup_fd(waker.detach(), warn_on_full_buffer=False)

    def _end(self, _number: int, _frame: object) -> None:
        self._asked_to_end = True

    def serve(self, command: int, relays: list[tuple[list[socket.socket], Order]]) -> int:
        self._selector.register(self._woken, selectors.EVENT_READ)
        relay = Relay(self._selector)
        for listeners, order in relays:
            relay.add(listeners, order)
        while True:
            for key, events in self._selector.select():
                if key.fileobj is not self._woken:
                    relay.handle(key, events)
                    continue
                status = self._reap(command)
                if status is not None or self._asked_to_end:
                    end_descendants()
                    code = -signal.SIGKILL if status is None else os.waitstatus_to_exitcode(status)
                    _tell(self._channel, exit=int(code))
                    return 0

    def _reap(self, command: int) -> int | None:
        self._woken.recv(4096)
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if child == 0:
                return None
            if child == command:
                return status


def end_descendants() -> None:
    """Kill and reap every process below the caller, which adopts those whose parent ends."""
    while True:
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = os.getpid()
    with open(f"/proc/self/task/{own}/children", encoding="ascii") as listed:
        return [int(number) for number in listed.read().split()]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
