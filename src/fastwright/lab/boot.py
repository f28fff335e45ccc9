"""Boot an app in its world, and talk to it."""

from __future__ import annotations

import inspect
import subprocess
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from fastwright.lab import boot_failure
from fastwright.lab.boot_answer import Answer, Request, make_request, read
from fastwright.lab.boot_link import Channel, Died, Guest, Late, Message, Piped
from fastwright.lab.processes import Streams
from fastwright.model.errors import DoesNotLoad

WARM = (
    "fastapi",
    "pydantic",
    "pydantic_settings",
    "sqlalchemy",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "sqlmodel",
    "email_validator",
)
"""Imported before the fork: slow to load, silent, and the same whatever the environment says."""

_SLACK = 5.0
"""Seconds between the guest's own watchdog, which shows where the app hangs, and ours."""


class StartsGuest(Protocol):
    """A world that starts a process with pipes; `lab.world.World` is one."""

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        streams: Streams | None = None,
    ) -> Piped:
        """Start `argv`; ``python`` as its first word is the app's own interpreter."""


def open_guest(world: StartsGuest, folder: str, warm: Sequence[str] = WARM) -> Guest:
    """Start the zygote in a world; `folder` is where the guest's code is seen inside.

    Raises:
        DoesNotLoad: The interpreter does not start.
    """
    return when_warm(start_guest(world, folder, warm))


def start_guest(
    world: StartsGuest,
    folder: str,
    warm: Sequence[str] = WARM,
    *,
    env: Mapping[str, str] | None = None,
) -> Guest:
    """As `open_guest`, without waiting: other work may go on until `when_warm` asks for it."""
    piped = Streams(subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL)
    argv = ("python", folder, "--warm", ",".join(warm))
    return Guest(world.start(argv, env=env, streams=piped))


def when_warm(guest: Guest) -> Guest:
    """The guest, once it can be forked.

    Raises:
        DoesNotLoad: The interpreter does not start; the guest is closed.
    """
    try:
        guest.ready()
    except (Died, Late) as error:
        guest.close()
        raise DoesNotLoad(
            "cannot start the app's interpreter", str(error), "name another with `--python`"
        ) from error
    return guest


@dataclass(frozen=True, slots=True)
class Launch:
    """How an app is started.

    Attributes:
        target: ``module:attribute``.
        root: The repository root as the app sees it.
        cwd: The directory that it is started in.
        paths: Import roots, first on ``sys.path``; `cwd` follows them.
        env: Variables beside those that the guest was started with.
        factory: True to call what `target` names; None to find out.
        timeout: Seconds for the import and the start-up together, each.
        lifespan: False to import it without entering its life span.
        cold: A fresh interpreter instead of a copy of the warm one.
    """

    target: str
    root: Path
    cwd: Path
    paths: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    factory: bool | None = None
    timeout: float = 60.0
    lifespan: bool = True
    cold: bool = False


def boot(guest: Guest, launch: Launch) -> App:
    """Import the app and enter its life span.

    Raises:
        DoesNotLoad: With the app's own error, what it misses, and how to give it.
    """
    paths = tuple(dict.fromkeys((*launch.paths, launch.cwd)))  # a server adds its directory too
    channel = guest.fork(launch.env, launch.cwd, paths, cold=launch.cold)
    app = App(channel, launch.target)
    where = {"target": launch.target, "factory": launch.factory, "root": str(launch.root)}
    try:
        app.obey({"load": {**where, "seconds": launch.timeout}}, launch.timeout)
        if launch.lifespan:
            app.obey({"startup": {"seconds": launch.timeout}}, launch.timeout)
    except BaseException:
        channel.kill()
        raise
    return app


class App:
    """A live app in its world; a context manager that ends it."""

    def __init__(self, channel: Channel, target: str) -> None:
        self.target = target
        self._channel = channel
        self._description: dict[str, Any] | None = None

    @property
    def description(self) -> dict[str, Any]:
        """What the running app is (the document's shape: ARCHITECTURE.md); read once."""
        if self._description is None:
            self._description = self.obey({"describe": {}}, 60.0)["description"]
        return self._description

    def endpoints(self) -> dict[str, str]:
        """Values of the running app that may name a server; they hold its credentials."""
        return dict(self.obey({"endpoints": {}}, 60.0)["value"])

    def request(
        self, method: str, path: str, *, timeout: float = 30.0, traced: bool = False, **content: Any
    ) -> Answer:
        """Send one request; its content as for `boot_answer.make_request`."""
        request = make_request(method, path, **content)
        request = replace(request, timeout=timeout, traced=traced)
        limit = request.timeout + _SLACK
        return read(self.obey({"request": request.wire()}, limit)["answer"])

    def requests(self, wanted: Sequence[Request]) -> tuple[Answer, ...]:
        """Send many requests at the same moment; the answers stand in the order of requests."""
        limit = max((request.timeout for request in wanted), default=0.0) + _SLACK
        answers = self.obey({"requests": [one.wire() for one in wanted]}, limit)["answers"]
        return tuple(read(answer) for answer in answers)

    def together(
        self,
        count: int,
        method: str,
        path: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout: float = 30.0,
    ) -> tuple[Answer, ...]:
        """Send the same request `count` times at the same moment; one answer for each."""
        request = Request(method, path, tuple(headers), body, timeout=timeout)
        return self.requests([request] * count)

    def evaluate(
        self, source: str | Callable[..., object], *, timeout: float = 60.0, **arguments: object
    ) -> Any:
        """The value of an expression or a function, run in the app's process, in terms of JSON.

        The text of a function is what travels, so it may use its arguments, ``app``, ``modules``
        and ``load("dotted.name")``, and nothing of where it was written.

        Raises:
            DoesNotLoad: It raised.
        """
        text = source if isinstance(source, str) else textwrap.dedent(inspect.getsource(source))
        command = {"evaluate": {"source": text, "arguments": arguments}}
        return self.obey(command, timeout)["value"]

    def create_all(self, url: str | None = None) -> tuple[str, ...]:
        """Create the tables that the app's metadata knows; their names.

        Without `url`, through an engine that the app has made.
        """
        return tuple(self.obey({"create_all": {"url": url}}, 60.0)["value"]["tables"])

    def seed(self, table: str, url: str | None = None, **values: object) -> dict[str, Any]:
        """Insert one row, required columns filled by their type; the row as it then stands."""
        command = {"seed": {"table": table, "values": values, "url": url}}
        row: dict[str, Any] = self.obey(command, 60.0)["value"]
        return row

    def tune(self, act: str, *, timeout: float = 120.0, **arguments: object) -> Any:
        """One act of `guest/tuning.py`: hold still, fill, watch or time the app."""
        return self.obey({"tune": {"act": act, **arguments}}, timeout)["value"]

    def obey(self, command: Message, timeout: float) -> Message:
        """The guest's answer to one command.

        Raises:
            DoesNotLoad: The app raised, ended or hung instead.
        """
        try:
            answer = self._channel.ask(command, timeout + _SLACK)
        except Late as error:
            raise boot_failure.late(self.target, error) from error
        except Died as error:
            raise boot_failure.ended(self.target, error) from error
        if "failed" in answer:
            raise boot_failure.failed(self.target, answer["failed"], next(iter(command)))
        return answer

    def close(self) -> None:
        """Leave the life span where that takes a moment, then end the process."""
        try:
            self._channel.ask({"stop": {}}, 7.0)
        except (Late, Died):
            return
        self._channel.kill()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
