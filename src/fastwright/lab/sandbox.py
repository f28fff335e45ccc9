"""One enclosure: what a command sees of files, addresses and limits, as a value."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from types import MappingProxyType

from fastwright.lab.processes import Outputs, Process, Result, Streams, launch, run_to_end
from fastwright.workspace.home import home

LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "RLIMIT_CORE": 0,
        "RLIMIT_DATA": 8 << 30,
        "RLIMIT_FSIZE": 2 << 30,
        "RLIMIT_NOFILE": 4096,
        "RLIMIT_NPROC": 4096,
    }
)
"""Bytes, descriptors and processes that one command may have."""

_ALWAYS_ANSWERED = ("localhost", "fastwright")


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` on the machine is seen `at` a path inside; read-only unless `writable`."""

    source: str
    at: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class RelayOrder:
    """Whoever connects to `at`, a port or socket path inside, reaches `socket`, a path inside.

    `host` is the one address whose port is meant; all of them where it is empty.
    """

    at: int | str
    socket: str
    protocol: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What is there for a command.

    One value serves any number of commands, at once or in turn; each has namespaces of its own.

    Attributes:
        staging: An empty folder that new roots are mounted on.
        mounts: What is visible beside the system's own programs.
        relays: Addresses that are answered.
        hosts: Names that resolve to loopback.
        addresses: Literal addresses, beside 127.0.0.0/8, that loopback answers to.
        limits: By the names of `resource`.
        isolated: False only where the person accepted to run without namespaces. Nothing is
            mounted then: a mount's `source` is where a command finds it.
        ports: Without namespaces, the TCP ports that may be connected to; ``None`` for all.
        user: Without namespaces, the user that a command runs as; ``None`` for the caller's.
    """

    staging: Path
    mounts: tuple[Mount, ...] = ()
    relays: tuple[RelayOrder, ...] = ()
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=lambda: LIMITS)
    isolated: bool = True
    ports: tuple[int, ...] | None = None
    user: int | None = None

    def seen_at(self, path: str) -> str:
        """Where a command finds what is meant to be at `path`: elsewhere, without namespaces."""
        if self.isolated:
            return path
        wanted = PurePosixPath(path)
        over = [mount for mount in self.mounts if wanted.is_relative_to(mount.at)]
        if not over:
            return path
        mount = max(over, key=lambda mount: len(PurePosixPath(mount.at).parts))
        return str(PurePosixPath(mount.source) / wanted.relative_to(mount.at))

    def start(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: str, streams: Streams
    ) -> Process:
        """Start a command, which runs isolated when this returns.

        Args:
            argv: The program, searched for along ``env["PATH"]``, and its arguments.
            env: The whole environment.
            cwd: The working directory, as seen inside.
            streams: Standard input, output and error.

        Raises:
            NotSandboxed: The kernel refused the isolation; nothing was run.
        """
        return launch(self._order(argv, env, cwd), streams)

    def run(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: str, *, timeout: float = 60.0
    ) -> Result:
        """Run a command to its end, at most `timeout` seconds."""
        started = time.monotonic()
        with TemporaryFile() as out, TemporaryFile() as err:
            process = self.start(argv, env, cwd, Streams(stdout=out, stderr=err))
            return run_to_end(process, argv, Outputs(out, err), timeout, started)

    def _order(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> Mapping[str, object]:
        return {
            "argv": list(argv),
            "env": dict(env),
            "cwd": cwd,
            "staging": str(self.staging),
            "mounts": [[mount.source, mount.at, mount.writable] for mount in self.mounts],
            "relays": [asdict(relay) for relay in self.relays],
            "addresses": list(self.addresses),
            "etc": self._etc(),
            "limits": dict(self.limits),
            "isolated": self.isolated,
            "ports": self.ports,
            "user": self.user,
        }

    def _etc(self) -> Mapping[str, str]:
        names = " ".join(dict.fromkeys((*_ALWAYS_ANSWERED, *self.hosts)))
        return {
            "hosts": f"127.0.0.1 {names}\n::1 {names}\n",
            "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
            "passwd": f"developer:x:1000:1000::{home()}:/bin/sh\n",
            "group": "developer:x:1000:\n",
        }
