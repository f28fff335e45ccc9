"""A scratch world: one tree, its services and its state, apart from all that is the person's.

What the app writes goes to the disposable copy, which stands at the path of the person's own tree;
what it connects to is private and empty. Each command has namespaces of its own; the copy, the
services, ``/tmp`` and the home folder live as long as the world.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType

from fastwright.lab import boot, schema, scratch, services, tree
from fastwright.lab.boot_link import Guest
from fastwright.lab.places import Places
from fastwright.lab.prefixes import interpreter_mounts
from fastwright.lab.processes import Process, Result, Streams
from fastwright.lab.rewriting import rewrite
from fastwright.lab.sandbox import Mount, Sandbox
from fastwright.lab.scratch import Scratch
from fastwright.lab.servers import NotServed, Servers
from fastwright.lab.services import SQLITE, Service
from fastwright.model.app import AppMap, Roots
from fastwright.model.errors import NotSandboxed, UsageError
from fastwright.workspace.fence import Fence
from fastwright.workspace.home import home

_PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
_SQLITE_ENDINGS = ("", "-journal", "-shm", "-wal")
GUEST = "/run/fastwright/guest"
"""Where the guest's code is seen inside: ``python /run/fastwright/guest`` runs it."""


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """What a world is made of.

    Attributes:
        repository: The person's own tree; read, and never written.
        python: The app's own interpreter, as a path of its ``python``.
        roots: Import root and working directory in the tree.
        env: Settings of the app, for every command; the servers that they name are served.
        services: Servers that the app expects beside those.
        readable: Further paths of the machine that the app needs to read.
        files: Laid over the copy; ``None`` takes a file away.
        folders: Empty ones that the copy is to have.
        target: ``module:attribute`` of the app, where no other is asked for.
        unsandboxed: The person accepts to run without namespaces where the kernel refuses them.
        scratch: The folder of all scratch folders; by default below the temporary folder.
        cache: What is kept from run to run; by default ``~/.cache/fastwright``.
    """

    repository: Path
    python: Path | None = None
    roots: Roots = field(default_factory=Roots)
    env: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    readable: tuple[Path, ...] = ()
    files: Mapping[PurePosixPath, bytes | None] = field(default_factory=dict)
    folders: tuple[PurePosixPath, ...] = ()
    unsandboxed: bool = False
    scratch: Path | None = None
    cache: Path | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the databases of a world held: SQLite files here, the others kept by their servers."""

    files: Mapping[tuple[Fence, PurePosixPath], bytes]


class World:
    """One tree in one scratch world; a context manager that leaves nothing behind.

    Attributes:
        spec: What it was made of.
        copy: The disposable copy, by its path: to name it, not to open what is in it.
        fence: The files of the copy; who reads or writes them from outside does it here.
        enforced: What isolation holds, in words.
    """

    def __init__(self, spec: WorldSpec, place: Scratch, *, isolated: bool = True) -> None:
        folder = place.path
        self.spec = spec
        self._origin = spec.repository.resolve()
        self.copy = folder / "copy"
        self.fence = Fence(self.copy)
        self.enforced: tuple[str, ...] = ()
        self._scratch, self._folder = place, folder
        self._isolated = isolated
        self._settings: Mapping[str, str] = spec.env
        self._processes: list[Process] = []
        self._guest: Guest | None = None
        self._twin: World | None = None
        self._sandbox = Sandbox(folder / "staging")
        self._services = (*services.read(spec.env), *spec.services)
        self._servers = Servers(folder, self._services, isolated=isolated)
        self._places = Places(
            folder / "places",
            {
                PurePosixPath("/tmp"): folder / "tmp",  # noqa: S108 - inside
                PurePosixPath(_home()): folder / "home",
                PurePosixPath(self._origin): self.copy,
            },
        )

    @property
    def tree(self) -> Path:
        """Where commands see the copy: at the path of the person's own tree, save unsandboxed."""
        return Path(self.inside(Path()))

    @property
    def not_served(self) -> tuple[NotServed, ...]:
        """Servers that the app expects and that this world does not have, with the reasons."""
        return self._servers.not_served

    @classmethod
    def open(cls, spec: WorldSpec) -> World:
        """Make the copy and start the services.

        Raises:
            NotSandboxed: This machine cannot isolate a command, and `unsandboxed` is not set.
        """
        if not sys.platform.startswith("linux"):
            raise NotSandboxed(
                "cannot run the app",
                f"the scratch world needs Linux namespaces, and this is {sys.platform}",
                "run fastwright in a Linux container, or use what reads the source alone",
            )
        try:
            return cls._open(spec, isolated=True)
        except NotSandboxed:
            if not spec.unsandboxed:
                raise
        return cls._open(spec, isolated=False)

    @classmethod
    def _open(cls, spec: WorldSpec, *, isolated: bool) -> World:
        place = scratch.make(spec.scratch, apart_from=spec.repository.resolve())
        world = cls(spec, place, isolated=isolated)
        try:
            world._furnish()
        except BaseException:
            world.close()
            raise
        return world

    def _furnish(self) -> None:
        for name in ("staging", "home", "tmp"):
            (self._folder / name).mkdir()
        tree.copy(self._origin, self.copy)
        self.overlay(self.spec.files)
        self.make(self.spec.folders)
        self._empty_files()
        self._servers.start(self.spec.cache or home() / ".cache" / "fastwright" / "postgres")
        if self._isolated:
            addresses = self._servers.addresses(self._places.make)
        else:
            addresses = self._servers.relay_in_the_open()
        self._sandbox = Sandbox(
            self._folder / "staging",
            (*self._mounts(), *addresses.mounts),
            addresses.relays,
            addresses.hosts,
            addresses.literal,
            isolated=self._isolated,
            ports=None if self._isolated else tuple(addresses.ports.values()),
        )
        if not self._isolated:
            self._settings = rewrite(self.spec.env, addresses.ports, self._sandbox.seen_at)
        self.start(("true",)).wait()

    def _mounts(self) -> tuple[Mount, ...]:
        inside = tuple(Mount(str(path), str(path)) for path in tree.environments(self._origin))
        for mount in inside:
            self.fence.make(PurePosixPath(mount.at).relative_to(self._origin))
        interpreter = tuple(filter(self._is_not_of_the_tree, self._interpreter_mounts()))
        readable = tuple(Mount(str(path), str(path)) for path in self.spec.readable)
        guest = Mount(str(Path(__file__).parent.parent / "guest"), GUEST)
        own = (*self._places.mounts(), *inside, guest)
        return tuple({mount.at: mount for mount in (*interpreter, *readable, *own)}.values())

    def _interpreter_mounts(self) -> tuple[Mount, ...]:
        return interpreter_mounts(self.spec.python) if self.spec.python else ()

    def _is_not_of_the_tree(self, mount: Mount) -> bool:
        """False for the person's own source, which an editable install names: the copy is there."""
        place = Path(mount.at)
        return not place.is_relative_to(self._origin) or (place / "pyvenv.cfg").exists()

    def _empty_files(self) -> None:
        """Make room for the SQLite files that settings name, and take what the copy has of them."""
        for fence, file in self._files():
            fence.remove(file)

    def _files(self) -> Iterator[tuple[Fence, PurePosixPath]]:
        """The SQLite files that settings name, as far as they are there, each with its fence."""
        working = self._origin / self.spec.roots.working
        for service in self._services:
            if service.kind == SQLITE:
                path = PurePosixPath(os.path.normpath(working / service.file))
                found = self._places.make(path.parent)
                fence, folder = found or (self.fence, PurePosixPath())
                for name in fence.names(folder) if found else ():
                    if name in {f"{path.name}{ending}" for ending in _SQLITE_ENDINGS}:
                        yield fence, folder / name

    def overlay(self, files: Mapping[PurePosixPath, bytes | None]) -> None:
        """Write `files`, relative to the repository, into the copy; ``None`` takes one away."""
        for path, content in files.items():
            if content is None:
                self.fence.remove(path)
            else:
                self.fence.write(path, content)

    def make(self, folders: Iterable[PurePosixPath]) -> None:
        """Make `folders`, relative to the repository, in the copy, where they are not there."""
        for folder in folders:
            self.fence.make(folder)

    # ----------------------------------------------------------------------------- commands

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60.0,
    ) -> Result:
        """Run a command to its end; ``argv[0]`` may be ``python``, the app's own.

        Args:
            argv: Program and arguments.
            env: Variables beside those of the spec.
            cwd: A folder of the tree or of the copy, or relative to them; by default the app's
                working directory.
            timeout: Seconds after which the command, with all that it started, is ended.

        Raises:
            NotSandboxed: The kernel refused the isolation; nothing was run.
        """
        return self._sandbox.run(
            self._words(argv), self._env(env), self.inside(cwd), timeout=timeout
        )

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        streams: Streams | None = None,
    ) -> Process:
        """Start a command; it is ended with the world if not before. As `run` otherwise."""
        process = self._sandbox.start(
            self._words(argv), self._env(env), self.inside(cwd), streams or Streams()
        )
        self.enforced = process.enforced
        self._processes.append(process)
        return process

    def _words(self, argv: Sequence[str]) -> tuple[str, ...]:
        program = str(self.spec.python) if argv[0] == "python" and self.spec.python else argv[0]
        return (program, *argv[1:])

    def inside(self, cwd: Path | None) -> str:
        """A folder of the tree or the copy as commands see it; the working one for ``None``."""
        wanted = cwd if cwd is not None else Path(self.spec.roots.working)
        if wanted.is_absolute() and wanted.is_relative_to(self.copy):
            wanted = wanted.relative_to(self.copy)
        return self._sandbox.seen_at(os.path.normpath(self._origin / wanted))

    def _env(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        programs = [str(self.spec.python.parent)] if self.spec.python else []
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {
            "PATH": os.pathsep.join((*programs, "/usr/local/bin", "/usr/bin", "/bin")),
            "HOME": self._sandbox.seen_at(str(_home())),
            "USER": "developer",
            "TMPDIR": self._sandbox.seen_at("/tmp"),  # noqa: S108 - the world's own
            # A tree that changes within a second would meet stale byte code.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
        }
        if self.spec.python and (self.spec.python.parent.parent / "pyvenv.cfg").exists():
            env["VIRTUAL_ENV"] = str(self.spec.python.parent.parent)
        return env | dict(self._settings) | dict(extra or {})

    # ------------------------------------------------------------------------------ the app

    def boot(
        self,
        target: str | None = None,
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        lifespan: bool = True,
    ) -> boot.App:
        """Start the app: a copy of an interpreter that has third-party packages loaded already.

        Args:
            target: ``module:attribute``; by default that of the spec.
            env: Variables beside those of the spec.
            timeout: Seconds for the import, and again for the start-up.
            lifespan: False to import it only.

        Raises:
            DoesNotLoad: With the app's own error, what it misses, and how to give it.
        """
        wanted = target or self.spec.target
        if wanted is None:
            raise UsageError("cannot start the app", "it is not known which", "give `--app`")
        guest = boot.when_warm(self.warm_up())
        roots = self.spec.roots
        launch = boot.Launch(
            wanted,
            Path(self.inside(Path())),
            Path(self.inside(None)),
            (Path(self.inside(Path(roots.imports))),),
            dict(env or {}),
            timeout=timeout,
            lifespan=lifespan,
        )
        return boot.boot(guest, launch)

    def warm_up(self) -> Guest:
        """The interpreter that apps are copies of; started at the first use, and not waited for."""
        if self._guest is None:
            self._guest = boot.start_guest(self, self._sandbox.seen_at(GUEST))
        return self._guest

    def prepare_schema(self, app_map: AppMap) -> Result:
        """Bring the scratch database to the tree's schema: migrations, else ``create_all``.

        Raises:
            DoesNotLoad: There are no migrations, and the app cannot be imported.
        """
        return schema.prepare(self, app_map)

    def reset(self) -> None:
        """Empty the databases: those of the servers, and the SQLite files that settings name."""
        self._servers.reset()
        self._empty_files()

    def snapshot(self) -> Snapshot | None:
        """What the databases hold, for `restore`; None where a copy would not be the same."""
        if not self._servers.snapshot():
            return None
        held = {(fence, file): fence.read(file) for fence, file in self._files()}
        return Snapshot({place: content for place, content in held.items() if content is not None})

    def restore(self, snapshot: Snapshot) -> None:
        """Bring the databases to what they held at the last snapshot, which `snapshot` is."""
        self._servers.restore()
        self._empty_files()
        for (fence, file), content in snapshot.files.items():
            fence.write(file, content)

    # ---------------------------------------------------------------------------------- end

    def twin(self) -> World:
        """A second world of the same spec, made at the first use; it ends with this one."""
        if self._twin is None:
            self._twin = World.open(self.spec)
        return self._twin

    def close(self) -> None:
        """End everything that runs in the world and remove its files."""
        if self._twin is not None:
            self._twin.close()
        if self._guest is not None:
            self._guest.close()
        for process in self._processes:
            process.kill()
        self._servers.stop()
        self._scratch.remove()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _home() -> Path:
    """Where commands have their home: at the person's own, unless that is the root folder."""
    place = home()
    return place if place != Path("/") else Path("/home/developer")
