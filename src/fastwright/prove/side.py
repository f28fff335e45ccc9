"""One tree in its scratch world, as a gate sees it; what costs time is run once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeVar, cast

from fastwright.lab.boot import App
from fastwright.lab.world import World
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad

T = TypeVar("T")


class Side:
    """One tree: its map, its files, and the world that it runs in.

    Attributes:
        map: The survey of this tree.
        files: Every text file of the tree by path, as bytes.
        world: The scratch world that holds a disposable copy of the tree.
    """

    def __init__(self, app_map: AppMap, files: Mapping[PurePosixPath, bytes], world: World) -> None:
        self.map = app_map
        self.files = files
        self.world = world
        self._kept: dict[object, object] = {}

    @cached_property
    def app(self) -> App:
        """The running app, with its schema prepared; booted at the first use.

        Raises:
            DoesNotLoad: The app cannot be imported or started.
        """
        self.world.prepare_schema(self.map)
        return self.world.boot(self.map.app.target if self.map.app else None)

    @cached_property
    def refusal(self) -> DoesNotLoad | None:
        """Why the app does not load; ``None`` where it does. Booted at the first use."""
        try:
            _ = self.app
        except DoesNotLoad as error:
            return error
        return None

    def once(self, key: object, run: Callable[[], T]) -> T:
        """The result of `run`, which is called at the first use of `key` and never again."""
        if key not in self._kept:
            self._kept[key] = run()
        return cast("T", self._kept[key])

    def empty(self) -> None:
        """Stop the app and empty the databases, so that the next run meets nothing of the last.

        The app boots again, with its schema, at its next use.
        """
        self.close()
        self.world.reset()

    def close(self) -> None:
        """Stop the app, if it was booted."""
        app = self.__dict__.pop("app", None)
        if isinstance(app, App):
            app.close()


def on_both(before: Side, after: Side, act: Callable[[Side], T]) -> tuple[T, T]:
    """`act` on both sides at the same time, since their worlds share nothing; both results.

    An interrupt does not wait for what is under way: it ends with the worlds that it runs in.
    """
    if before is after:
        result = act(before)
        return result, result
    pool = ThreadPoolExecutor(2)
    try:
        was, now = pool.submit(act, before), pool.submit(act, after)
        return was.result(), now.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
