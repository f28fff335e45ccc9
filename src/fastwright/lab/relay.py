"""Private servers answer at the addresses that an app's settings name.

Runs inside the launcher: standard library only, one thread. Each listener stands at a configured
port (every loopback address) or socket path; a connection is joined to the private server's own
Unix socket. PostgreSQL's start-up packet is read on the way, for two reasons: a request for TLS is
declined, and a role that nobody has created yet is created, since passwords are not asked for.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable, Mapping
from typing import Any

from fastwright.lab import wire

_CHUNK = 1 << 16
_HELD_BACK = 1 << 20
"""Bytes that may wait for a slow reader before its writer is no longer read from."""


def listen(order: Mapping[str, Any]) -> list[socket.socket]:
    """The listening sockets of one relay order; ``order["at"]`` is a port or a socket path.

    A port is listened to at ``order["host"]``, and at every address where that is empty.
    """
    at = order["at"]
    if isinstance(at, str):
        return [_listen_at_path(at)]
    if host := order["host"]:
        return [_listen_at_port(socket.AF_INET, host, at)]
    listeners = [_listen_at_port(socket.AF_INET, "", at)]
    with contextlib.suppress(OSError):  # a machine without IPv6 has nobody who would call there
        listeners.append(_listen_at_port(socket.AF_INET6, "", at))
    return listeners


def _listen_at_path(path: str) -> socket.socket:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o777)  # noqa: S103 - anyone inside, as a server would
    return _listening(listener)


def _listen_at_port(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, port))
    return _listening(listener)


def _listening(listener: socket.socket) -> socket.socket:
    listener.listen(128)
    listener.setblocking(False)
    return listener


class Relay:
    """All connections of one sandbox, driven by the keeper's selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._roles: set[str] = set()

    def add(self, listeners: list[socket.socket], order: Mapping[str, Any]) -> None:
        """Serve `order` on `listeners`."""
        for listener in listeners:

            def accept(_events: int, listener: socket.socket = listener) -> None:
                self._accept(listener, order)

            self._selector.register(listener, selectors.EVENT_READ, accept)

    def handle(self, key: selectors.SelectorKey, events: int) -> None:
        """Act on one ready file object; a broken connection ends alone."""
        key.data(events)

    def _accept(self, listener: socket.socket, order: Mapping[str, Any]) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        client.setblocking(False)
        if order["protocol"] == "postgresql":
            _Greeting(self._selector, client, lambda packet: self._join(client, order, packet))
        else:
            self._join(client, order, b"")

    def _join(self, client: socket.socket, order: Mapping[str, Any], first: bytes) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if first:
                self._ensure_role(order["socket"], wire.startup_parameters(first).get("user", ""))
            server.connect(order["socket"])
        except OSError:
            server.close()
            client.close()
            return
        server.setblocking(False)
        _Pair(self._selector, client, server, first)

    def _ensure_role(self, path: str, role: str) -> None:
        if role and role not in self._roles:
            with contextlib.suppress(OSError):  # the server itself then says what is wrong
                wire.execute(path, wire.create_role(role))
                self._roles.add(role)


class _Greeting:
    """Reads a PostgreSQL client up to and including its start-up packet."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        client: socket.socket,
        then: Callable[[bytes], None],
    ) -> None:
        self._selector, self._client, self._then = selector, client, then
        self._received = bytearray()
        selector.register(client, selectors.EVENT_READ, self._read)

    def _read(self, _events: int) -> None:
        try:
            piece = self._client.recv(_CHUNK)
        except OSError:
            piece = b""
        self._received += piece
        if not piece or len(self._received) > wire.LONGEST_STARTUP:
            self._selector.unregister(self._client)
            self._client.close()
            return
        self._decide()

    def _decide(self) -> None:
        while (packet := wire.first_packet(self._received)) is not None:
            if not wire.asks_for_encryption(packet):
                self._selector.unregister(self._client)
                self._then(bytes(self._received))
                return
            del self._received[: len(packet)]
            with contextlib.suppress(OSError):
                self._client.send(b"N")


class _Pair:
    """Two sockets joined: what one sends, the other receives, and the ends of both."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        client: socket.socket,
        server: socket.socket,
        first: bytes,
    ) -> None:
        self._selector = selector
        self._waiting = {client: bytearray(), server: bytearray(first)}
        self._other = {client: server, server: client}
        self._ended: set[socket.socket] = set()
        self._watched: dict[socket.socket, int] = {}
        self._settle()

    def _ready(self, one: socket.socket, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                self._receive(one)
            for each in self._other:
                self._send(each)
        except OSError:
            self._close()
            return
        self._settle()

    def _receive(self, one: socket.socket) -> None:
        piece = one.recv(_CHUNK)
        if piece:
            self._waiting[self._other[one]] += piece
        else:
            self._ended.add(one)

    def _send(self, one: socket.socket) -> None:
        waiting = self._waiting[one]
        if waiting:
            with contextlib.suppress(BlockingIOError):
                del waiting[: one.send(waiting)]
        if not waiting and self._other[one] in self._ended:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_WR)

    def _settle(self) -> None:
        """Watch each socket for what it can still do; close both when neither can do more."""
        for one, other in self._other.items():
            reads = one not in self._ended and len(self._waiting[other]) < _HELD_BACK
            wanted = selectors.EVENT_READ * reads | selectors.EVENT_WRITE * bool(self._waiting[one])
            self._watch(one, wanted)
        if not any(self._watched.values()):
            self._close()

    def _watch(self, one: socket.socket, wanted: int) -> None:
        before = self._watched.get(one, 0)
        if wanted == before:
            return

        def ready(events: int) -> None:
            self._ready(one, events)

        if not wanted:
            self._selector.unregister(one)
        elif before:
            self._selector.modify(one, wanted, ready)
        else:
            self._selector.register(one, wanted, ready)
        self._watched[one] = wanted

    def _close(self) -> None:
        for one in self._other:
            if self._watched.get(one):
                self._selector.unregister(one)
            one.close()
        self._watched.clear()
