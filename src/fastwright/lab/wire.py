"""As much of PostgreSQL's protocol (version 3) as a relay and a control connection need.

Runs inside the launcher: standard library only. Authentication is ``trust`` throughout.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator

LONGEST_STARTUP = 10_000
"""Bytes; PostgreSQL's own limit on a start-up packet."""

_LONGEST_PATH = 107
"""Bytes of a Unix socket's path, by the kernel's address structure."""

SUPERUSER = "postgres"

_VERSION_3 = 196608
_ENCRYPTION = (80877103, 80877104)  # SSLRequest, GSSENCRequest


def first_packet(received: bytes | bytearray) -> bytes | None:
    """The whole start-up packet that `received` begins with; ``None`` until it is all there."""
    if len(received) < 8:
        return None
    (length,) = struct.unpack_from("!I", received)
    return bytes(received[:length]) if len(received) >= length >= 8 else None


def asks_for_encryption(packet: bytes) -> bool:
    """True where the client asks for TLS or GSSAPI before it says who it is."""
    (code,) = struct.unpack_from("!I", packet, 4)
    return code in _ENCRYPTION


def startup_parameters(packet: bytes) -> dict[str, str]:
    """User, database and options of a start-up packet; empty for a cancellation."""
    length, code = struct.unpack_from("!II", packet)
    if code >> 16 != _VERSION_3 >> 16:
        return {}
    words = packet[8:length].split(b"\0")
    names = (word.decode("utf-8", "replace") for word in words)
    return {name: next(names, "") for name in names if name}


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_role(role: str) -> str:
    """SQL that makes sure of a superuser role, as the official images' ``POSTGRES_USER`` is."""
    body = f"CREATE ROLE {quoted(role)} SUPERUSER LOGIN"
    caught = "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL"
    return f"DO $fastwright$ BEGIN {body}; {caught}; END $fastwright$"


class QueryFailed(OSError):
    """The server answered a control statement with an error; `args[0]` is its message."""


def execute(path: str, *statements: str, database: str = SUPERUSER) -> list[list[str | None]]:
    """Run statements as the superuser over the server's Unix socket at `path`.

    Each statement is a simple query of its own, so that ``CREATE DATABASE`` may be one.

    Returns:
        The rows of all statements, as text.

    Raises:
        QueryFailed: The server refused one.
        OSError: There is no server.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.settimeout(30)
        connect(server, path)
        fields = f"user\0{SUPERUSER}\0database\0{database}\0\0".encode()
        server.sendall(struct.pack("!II", len(fields) + 8, _VERSION_3) + fields)
        list(_until_ready(server))
        rows: list[list[str | None]] = []
        for statement in statements:
            text = statement.encode() + b"\0"
            server.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)
            rows += [_row(body) for kind, body in _until_ready(server) if kind == b"D"]
        with contextlib.suppress(OSError):  # all is said; who has gone already is not missed
            server.sendall(b"X" + struct.pack("!I", 4))
        return rows


def connect(client: socket.socket, path: str) -> None:
    """Connect to a Unix socket, also where its path is longer than an address may be."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        client.connect(path)
        return
    folder = os.open(os.path.dirname(path), os.O_PATH)
    try:
        client.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)


def _until_ready(server: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Messages up to ReadyForQuery; an error is raised once the server is ready again."""
    failed = ""
    while True:
        header = _exactly(server, 5)
        body = _exactly(server, struct.unpack("!I", header[1:])[0] - 4)
        kind = header[:1]
        if kind == b"E":
            failed = _error_text(body)
            if b"SFATAL\0" in body or b"SPANIC\0" in body:
                break
        if kind == b"Z":
            break
        yield kind, body
    if failed:
        raise QueryFailed(failed)


def _exactly(server: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        piece = server.recv(size - len(received))
        if not piece:
            raise ConnectionResetError("the private server closed the connection")
        received += piece
    return bytes(received)


def _error_text(body: bytes) -> str:
    fields = (part.decode("utf-8", "replace") for part in body.split(b"\0") if part)
    return next((field[1:] for field in fields if field.startswith("M")), "no message")


def _row(body: bytes) -> list[str | None]:
    (count,) = struct.unpack_from("!H", body)
    row: list[str | None] = []
    place = 2
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, place)
        place += 4
        row.append(None if size < 0 else body[place : place + size].decode())
        place += max(size, 0)
    return row
