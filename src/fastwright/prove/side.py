"""One tree in its scratch world, as a gate sees it; what costs time is run once and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast

from fastwright.lab.boot import WARM, App, start_guest, when_warm
from fastwright.lab.boot_link import Guest
from fastwright.lab.world import GUEST, Snapshot, World
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad

T = TypeVar("T")

LOADED_BY_TESTS = (
    "pytest",
    "alembic",
    "alembic.command",
    "alembic.config",
    "fastapi.testclient",
    "httpx",
    "jwt",
    "argon2",
    "asyncpg",
    "bcrypt",
    "anyio._backends._asyncio",
    "pydantic.v1",
    "unittest.mock",
)
"""Loaded before the fork that runs tests, beside `WARM`; none is a plugin of pytest.

Each is the same whatever loads it first. What is not installed is left out.
"""


WORTH_A_WORLD = 4
"""Runs from which on a second world, for the other core, costs less than it saves."""


class Side:
    """One tree: its map, its files, and the world that it runs in.

    Attributes:
        map: The survey of this tree.
        files: Every text file of the tree by path, as bytes.
        world: The scratch world that holds a disposable copy of the tree.
        tools: A folder of packages for tests alone, over those of the environment.
    """

    def __init__(
        self,
        app_map: AppMap,
        files: Mapping[PurePosixPath, bytes],
        world: World,
        *,
        tools: Path | None = None,
    ) -> None:
        self.map = app_map
        self.files = files
        self.world = world
        self.tools = tools
        self._kept: dict[object, object] = {}
        self._is_empty = True
        self._schema: Snapshot | None = None
        self._app: App | None = None
        self._tester: Guest | None = None
        self._twin: Side | None = None

    @property
    def app(self) -> App:
        """The running app, with its schema prepared; booted at the first use.

        Raises:
            DoesNotLoad: The app cannot be imported or started.
        """
        if self._app is None:
            self.world.warm_up()
            self.prepare_schema()
            self._app = self.world.boot(self.map.app.target if self.map.app else None)
        return self._app

    @property
    def refusal(self) -> DoesNotLoad | None:
        """Why the app does not load; ``None`` where it does. Booted at the first use."""
        return self.once("refusal", self._tried)

    def _tried(self) -> DoesNotLoad | None:
        try:
            _ = self.app
        except DoesNotLoad as error:
            return error
        return None

    def prepare_schema(self) -> None:
        """Bring the databases to the schema of this tree; migrated once, and copied from then on.

        Raises:
            DoesNotLoad: There are no migrations, and the app cannot be imported.
        """
        was_empty, self._is_empty = self._is_empty, False
        if was_empty and self._schema is not None:
            self.world.restore(self._schema)
        elif self.world.prepare_schema(self.map).ok and was_empty:
            self._schema = self.world.snapshot()

    @property
    def tester(self) -> Guest:
        """An interpreter of this world that has loaded what tests load; it ends with the world.

        Raises:
            DoesNotLoad: The interpreter does not start.
        """
        return when_warm(self._started_tester())

    def warm_up(self) -> None:
        """Start what booting and testing will wait for, and wait for nothing."""
        self.world.warm_up()
        self._started_tester()

    def _started_tester(self) -> Guest:
        if self._tester is None:
            folder = self.world.inside(Path(GUEST))
            self._tester = start_guest(
                self.world, folder, warm=(*WARM, *LOADED_BY_TESTS), env=self._with_tools()
            )
        return self._tester

    def _with_tools(self) -> Mapping[str, str]:
        if self.tools is None:
            return {}
        paths = (self.world.spec.env.get("PYTHONPATH"), str(self.tools))
        return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    @property
    def twin(self) -> Side:
        """The same tree in a second world, which ends with this one; made at the first use."""
        if self._twin is None:
            self._twin = Side(self.map, self.files, self.world.twin(), tools=self.tools)
        return self._twin

    def once(self, key: object, run: Callable[[], T]) -> T:
        """The result of `run`, which is called at the first use of `key` and never again."""
        if key not in self._kept:
            self._kept[key] = run()
        return cast("T", self._kept[key])

    def empty(self) -> None:
        """Stop the app and empty the databases, so that the next run meets nothing of the last.

        The app boots again, with its schema, at its next use. The same of the twin, if one is.
        """
        self.close()
        self.world.reset()
        self._is_empty = True
        if self._twin is not None:
            self._twin.empty()

    def close(self) -> None:
        """Stop the app, if it was booted."""
        app, self._app = self._app, None
        if app is not None:
            app.close()


def with_twin(side: Side, count: int, act: Callable[[Side], T]) -> tuple[T, ...]:
    """`act` on `side`, and on its twin at the same time where `count` runs are worth it.

    What is not isolated could meet its like: there is one world then.
    """
    if count < WORTH_A_WORLD or len(os.sched_getaffinity(0)) == 1 or not side.world.enforced:
        return (act(side),)
    return _together(lambda: act(side), lambda: act(side.twin))


def on_both(before: Side, after: Side, act: Callable[[Side], T]) -> tuple[T, T]:
    """`act` on both sides at the same time, since their worlds share nothing; both results."""
    if before is after:
        result = act(before)
        return result, result
    was, now = _together(lambda: act(before), lambda: act(after))
    return was, now


def _together(*acts: Callable[[], T]) -> tuple[T, ...]:
    """All of `acts` at the same time; their results.

    An interrupt does not wait for what is under way: it ends with the worlds that it runs in.
    """
    pool = ThreadPoolExecutor(len(acts))
    try:
        under_way = [pool.submit(act) for act in acts]
        return tuple(one.result() for one in under_way)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
