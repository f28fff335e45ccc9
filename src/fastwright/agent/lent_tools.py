"""What tests run with, lent to an app whose environment lacks it, and for the tests alone."""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from packaging.requirements import Requirement
from packaging.version import Version

from fastwright.agent.environments import Environments, lacking
from fastwright.agent.stopwatch import Stopwatch
from fastwright.lab import scratch
from fastwright.lab.interpreter import Install, Interpreter, extended
from fastwright.lab.scratch import Scratch
from fastwright.model.change import ChangeSet
from fastwright.prove.suite import suite_files

_CLIENTS = frozenset({"httpx", "httpx2", "requests"})
_INSTEAD = MappingProxyType({"httpx2": ("httpx",)})
"""Which other package Starlette takes where its own client is not there."""

_TAKES_NO_APP = Version("0.28")
"""The httpx from which on a client takes no `app`, which Starlette before `_GIVES_NONE` gives."""

_GIVES_NONE = Version("0.37")


class LentTools:
    """A folder that worlds may read, and that is filled when there are tests to run.

    Attributes:
        lent: What was installed into it, in PEP 508 form; empty where nothing is lacking.
    """

    def __init__(self, environments: Environments, root: Path, watch: Stopwatch) -> None:
        self._environments = environments
        self._root = root
        self._watch = watch
        self._scratch: Scratch | None = None
        self.lent: tuple[str, ...] = ()

    @cached_property
    def folder(self) -> Path | None:
        """The folder; None where the app's environment has what its tests need."""
        if not lacking(needed(self._environments.own), self._environments.own):
            return None
        self._scratch = scratch.make(apart_from=self._root)
        folder = self._scratch.path / "packages"
        folder.mkdir()
        return folder

    def fill(self, changes: ChangeSet, files: Collection[PurePosixPath]) -> None:
        """Have what is lacking in the folder, where the change or the project has tests.

        Raises:
            Refused: It cannot be had, or not together with what is installed.
        """
        own = self._environments.own
        has_tests = changes.promise.tests or suite_files(files)
        if self.folder is None or self.lent or not has_tests:
            return
        missing = lacking(needed(own), own)
        with self._watch.phase(
            f"installing {', '.join(missing)} for the tests, apart from the app"
        ):
            extended(own, missing, self.folder, Install(os.environ))
        self.lent = missing

    def close(self) -> None:
        """Remove the folder."""
        if self._scratch is not None:
            self._scratch.remove()


def needed(own: Interpreter) -> tuple[str, ...]:
    """What tests of an app in this environment import: pytest, and the client that Starlette takes.

    The client is read from the metadata of the Starlette that is installed.
    """
    places = [str(place) for place in own.site_packages]
    starlette = next(iter(distributions(name="starlette", path=places)), None)
    named = [Requirement(line) for line in (starlette.requires if starlette else None) or ()]
    clients = [one for one in named if one.name in _CLIENTS]
    if any(own.packages.keys() & {one.name, *_INSTEAD.get(one.name, ())} for one in clients):
        clients = []
    version = Version(starlette.version) if starlette else _GIVES_NONE
    return ("pytest", *(_fitting(one, version) for one in clients))


def _fitting(client: Requirement, starlette: Version) -> str:
    limits = client.specifier
    if client.name == "httpx" and starlette < _GIVES_NONE:
        limits &= f"<{_TAKES_NO_APP}"
    return f"{client.name}{limits}"
