"""The relay and as much of PostgreSQL's protocol as it reads."""

from __future__ import annotations

import ast
import selectors
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastwright.lab
from fastwright.lab import wire
from fastwright.lab.relay import Relay, listen

SSL_REQUEST = struct.pack("!II", 8, 80877103)
INSIDE = ("confinement", "kernel", "landlock", "launcher", "newroot", "relay", "seccomp", "wire")
OURS = {f"fastwright.lab.{name}" for name in INSIDE}


def startup(**parameters: str) -> bytes:
    """A client's start-up packet."""
    words = "".join(f"{name}\0{value}\0" for name, value in parameters.items()).encode() + b"\0"
    return struct.pack("!II", len(words) + 8, 196608) + words


@pytest.mark.parametrize("name", INSIDE)
def test_what_runs_inside_needs_the_standard_library_alone(name: str) -> None:
    """The launcher starts without site-packages, and in milliseconds."""
    file = Path(fastwright.lab.__file__).parent / f"{name}.py"
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = node.module == "fastwright.lab"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules |= set(names) if package else {str(node.module)}
    foreign = {m for m in modules - OURS if m.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == set()


def test_a_packet_is_whole_or_not_yet_there() -> None:
    """Every prefix of a start-up packet is waited on; what follows it is not part of it."""
    packet = startup(user="u", database="d")
    assert all(wire.first_packet(packet[:size]) is None for size in range(len(packet)))
    assert wire.first_packet(packet + b"more") == packet
    assert wire.startup_parameters(packet) == {"user": "u", "database": "d"}


def test_a_cancellation_has_no_parameters() -> None:
    """A request to cancel a query names nobody."""
    assert wire.startup_parameters(struct.pack("!IIII", 16, 80877102, 1, 2)) == {}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_no_name_escapes_its_quotes(name: str) -> None:
    """A role's name is one identifier, whatever is in it."""
    quoted = wire.quoted(name)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', "") == name.replace('"', "")


class Relayed:
    """A relay that runs beside the test, in front of a server that the test plays."""

    def __init__(self, folder: Path, protocol: str) -> None:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(folder / "server"))
        self.server.listen()
        self.server.settimeout(5)
        self._at = str(folder / "at")
        order = {"at": self._at, "socket": str(folder / "server"), "protocol": protocol, "host": ""}
        self._selector = selectors.DefaultSelector()
        self._waker, woken = socket.socketpair()
        self._selector.register(woken, selectors.EVENT_READ)
        self._listeners = [*listen(order), woken]
        self._relay = Relay(self._selector)
        self._relay.add(self._listeners[:1], order)
        self._thread = threading.Thread(target=self._serve, args=(woken,))
        self._thread.start()

    def _serve(self, woken: socket.socket) -> None:
        while True:
            for key, events in self._selector.select():
                if key.fileobj is woken:
                    return
                self._relay.handle(key, events)

    def connect(self) -> socket.socket:
        """A client."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(self._at)
        return client

    def close(self) -> None:
        """End the relay."""
        self._waker.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self.server.close()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Relayed]:
    """A relay that does not look at what it carries."""
    relayed = Relayed(tmp_path, "redis")
    yield relayed
    relayed.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Relayed]:
    """A relay that reads start-up packets."""
    relayed = Relayed(tmp_path, "postgresql")
    yield relayed
    relayed.close()


def test_both_directions_and_both_ends_are_carried(plain: Relayed) -> None:
    """A half-closed connection still carries the answer."""
    with plain.connect() as client:
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        with plain.server.accept()[0] as server:
            server.settimeout(5)
            assert server.makefile("rb").read() == b"question"
            server.sendall(b"answer")
        assert client.makefile("rb").read() == b"answer"


def test_a_slow_reader_holds_its_writer_up_and_loses_nothing(plain: Relayed) -> None:
    """More than is held back arrives whole once the reader reads."""
    sent = bytes(range(256)) * (1 << 15)
    with plain.connect() as client, plain.server.accept()[0] as server:
        writer = threading.Thread(target=lambda: (client.sendall(sent), client.close()))
        writer.start()
        writer.join(0.2)
        assert writer.is_alive(), "eight megabytes are not taken from a writer whose reader waits"
        server.settimeout(5)
        assert server.makefile("rb").read() == sent
        writer.join()


def test_a_request_for_encryption_is_declined(postgres: Relayed) -> None:
    """The client is told no, and goes on in the clear."""
    with postgres.connect() as client:
        client.sendall(SSL_REQUEST)
        assert client.recv(1) == b"N"


def test_a_client_that_talks_nonsense_is_let_go(postgres: Relayed) -> None:
    """What cannot be a start-up packet ends that connection, and no other."""
    with postgres.connect() as client:
        client.sendall(b"\xff" * (wire.LONGEST_STARTUP + 1))
        assert client.recv(1) == b""
    with postgres.connect() as client:
        client.sendall(SSL_REQUEST)
        assert client.recv(1) == b"N"


def test_an_unknown_role_is_made_before_the_client_is_let_through(postgres: Relayed) -> None:
    """The server sees a superuser who makes the role, then the client's own packet."""
    packet = startup(user="clara", database="shop")
    with postgres.connect() as client:
        client.sendall(packet)
        with postgres.server.accept()[0] as control:
            assert b"user\0postgres\0" in control.recv(1 << 12)
            control.sendall(b"Z" + struct.pack("!I", 5) + b"I")
            assert b'CREATE ROLE "clara"' in control.recv(1 << 12)
            control.sendall(b"Z" + struct.pack("!I", 5) + b"I")
        with postgres.server.accept()[0] as server:
            assert server.recv(1 << 12) == packet
