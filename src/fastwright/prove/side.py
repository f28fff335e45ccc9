"""One tree in its scratch world, as a gate sees it; what costs time is run once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar, cast

from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad

T = TypeVar("T")


class World(Protocol):
    """What a gate asks of a scratch world; `lab.World` satisfies it."""

    @property
    def copy(self) -> Path:
        """The disposable copy of the repository root, freely writable from outside."""

    @property
    def enforced(self) -> tuple[str, ...]:
        """What isolation holds."""

    @property
    def not_served(self) -> Sequence[object]:
        """Servers that the app expects and the world does not have; ``str`` says which and why."""

    def reset(self) -> None:
        """Empty the databases."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60.0,
    ) -> Any:
        """Run a program in the world; ``argv[0]`` may be ``python``, the app's own."""

    def prepare_schema(self, app_map: AppMap) -> Any:
        """Bring the scratch database to the schema of the tree."""

    def boot(self, target: str | None = None, *, timeout: float = 60.0) -> Any:
        """Start the app; raises `DoesNotLoad`."""


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
    def app(self) -> Any:
        """The running app (`lab.App`), with its schema prepared; booted at the first use.

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

    def close(self) -> None:
        """Stop the app, if it was booted."""
        app = self.__dict__.pop("app", None)
        if isinstance(app, AbstractContextManager):
            app.__exit__(None, None, None)
