"""The two sides of a job: the app as it is and as it shall be, each running in its own world."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from io import StringIO
from pathlib import Path, PurePosixPath
from types import TracebackType

from dotenv import dotenv_values
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fastwright.agent import consent, pinning
from fastwright.agent.building import Building
from fastwright.agent.environments import Environments
from fastwright.agent.ground import Ground, read_source
from fastwright.agent.lent_tools import LentTools
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.supplying import Supply, supply
from fastwright.lab import services, settings
from fastwright.lab.boot_failure import AppFailed
from fastwright.lab.environment import Settled, settle
from fastwright.lab.interpreter import Interpreter, Layer
from fastwright.lab.servers import how_to_have
from fastwright.lab.settings import Environment
from fastwright.lab.settings_learning import learn
from fastwright.lab.settings_values import is_secret
from fastwright.lab.world import World, WorldSpec
from fastwright.model.app import AppMap
from fastwright.model.change import AddDependency, ChangeSet
from fastwright.model.errors import UsageError
from fastwright.prove.side import Side
from fastwright.survey import merge

Files = Mapping[PurePosixPath, bytes]
LONG = 8
"""Characters from which on a value that was given by hand is masked, whatever its name."""


class Worlds:
    """Opens worlds as they are needed and closes all of them at the end.

    Attributes:
        supply: What the new tree demands of its environment beyond the old one.
        secrets: Values that may stand nowhere in a report.
    """

    def __init__(self, ground: Ground, person: Person, wishes: Wishes, watch: Stopwatch) -> None:
        self._ground = ground
        self._person = person
        self._wishes = wishes
        self._watch = watch
        self._open = ExitStack()
        self._environments = Environments(ground, person, wishes, watch)
        self._tools = LentTools(self._environments, ground.project.root, watch)
        self._open.callback(self._tools.close)
        self._settled: Settled | None = None
        self._by_hand: Mapping[str, str] = {}
        self._layers: dict[tuple[str, ...], Layer | None] = {}
        self.supply = Supply({}, None)

    def __enter__(self) -> Worlds:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @cached_property
    def before(self) -> Side:
        """The app as it is, running, with its map merged from source and running app.

        Raises:
            NeedsConsent: The person does not want their code to be run.
            NotSandboxed: The kernel refuses the isolation.
            DoesNotLoad: With the app's own error, what it misses and how to give it.
        """
        consent.to_run(self._ground.project, self._person)
        app = self._ground.app
        with self._watch.phase("settling what the app runs in"):
            self._by_hand = self._given()
            wanted = settings.infer(app, os.environ, self._read, given=self._by_hand)
            self._settled = settle(self._spec(app), wanted)
        where = (
            "as isolated as the kernel lets us" if self._wishes.unsandboxed else "in the sandbox"
        )
        with self._watch.phase(f"starting the app {where}"):
            side = self._started(app, self._settled)
        with self._watch.phase("holding source and running app against each other"):
            known = merge.merge(app, side.app.description)
            side.map = with_sources(known, self._settled.environment)
        return side

    def _started(self, app: AppMap, settled: Settled) -> Side:
        """The app in its world; what it asks for only when it starts is learnt."""
        side, environment = learn(
            lambda given: self._tried(app, settled.with_environment(given)), settled.environment
        )
        self._settled = settled.with_environment(environment)
        return side

    def _tried(self, app: AppMap, settled: Settled) -> Side:
        with ExitStack() as trying:
            world = trying.enter_context(World.open(settled.spec))
            side = Side(app, self._ground.files, world, tools=self._tools.folder)
            trying.callback(side.close)
            try:
                _ = side.app
            except AppFailed as failure:
                raise failure.blaming(absent=how_to_have(world.not_served)) from None
            self._open.enter_context(trying.pop_all())
            return side

    def known(self) -> AppMap:
        """The merged map of the app as it is."""
        return self.before.map

    def remap(self, files: Files) -> AppMap:
        """The map of the app with other files, by its source and what ran before the change."""
        app = read_source(self._ground.project, files, self._ground.target)
        return merge.merge(app, self.before.app.description)

    def running(self, side: Side) -> AppMap:
        """The map of the tree of `side`, by its source and what runs there."""
        app = read_source(self._ground.project, side.files, self._ground.target)
        return merge.merge(app, side.app.description)

    def after(self, files: Files, changes: ChangeSet) -> Side:
        """The app as it shall be: in a world of its own, with the packages that it newly needs."""
        known = self.known()
        overlay = {
            path: files.get(path)
            for path in sorted({*files, *known.files})
            if files.get(path) != known.files.get(path)
        }
        app = self.remap(files)
        self._tools.fill(changes, files)
        self.supply = supply(app, changes, self.settled.environment.env)
        spec = self._supplied(replace_files(self.settled.spec, overlay))
        spec = self._with_packages(spec, changes)
        world = self._open.enter_context(World.open(spec))
        side = Side(app, files, world, tools=self._tools.folder)
        self._open.callback(side.close)
        return side

    def _supplied(self, spec: WorldSpec) -> WorldSpec:
        """`spec` with made-up values where the app will find them: its env file, else variables."""
        file = self.supply.file
        if file is None:
            return replace(spec, env={**spec.env, **self.supply.values})
        written = self.supply.appended(self.settled.environment.files.get(file, b""))
        named = services.read(self.supply.values)
        return replace(replace_files(spec, {file: written}), services=(*spec.services, *named))

    def _with_packages(self, spec: WorldSpec, changes: ChangeSet) -> WorldSpec:
        added = [c.requirement for c in changes.changes if isinstance(c, AddDependency)]
        layer = self._layer(added)
        if layer is None:
            return spec
        return replace(spec, env={**spec.env, **layer.env}, readable=(*spec.readable, layer.folder))

    def _layer(self, requirements: Sequence[str]) -> Layer | None:
        """What the environment lacks of `requirements`; of a pin, as it was installed before it."""
        names = tuple(sorted(canonicalize_name(Requirement(text).name) for text in requirements))
        if names not in self._layers:
            self._layers[names] = self._environments.layer(requirements, self._open)
        return self._layers[names]

    def pinned(self, building: Building) -> Building:
        """`building` with its new packages at the versions of the proof, where they are pinned."""
        added = building.adds_packages
        if not any(one.exact for one in added):
            return building
        layer = self._layer([one.requirement for one in added])
        versions = {**(layer.added if layer else {}), **self.interpreter.packages}
        return pinning.pinned(building, self.known().files, versions)

    @property
    def not_served(self) -> tuple[str, ...]:
        """Services that the app expects and that its world does not have, with the reasons."""
        return tuple(map(str, self.before.world.not_served))

    @property
    def made(self) -> tuple[str, ...]:
        """What stands in the world alone, for the app asked for it, in words."""
        folders = self.settled.environment.folders
        return tuple(f"the empty folder `{one}`, which the app asks for" for one in folders)

    @property
    def lent(self) -> tuple[str, ...]:
        """What tests ran with that the app's environment lacks, in PEP 508 form."""
        return self._tools.lent

    @property
    def interpreter(self) -> Interpreter:
        """The app's own interpreter."""
        return self._environments.own

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of settings that are secret by name, and all that the person gave by hand."""
        known = self._settled.environment.env if self._settled else {}
        return (*to_mask(known, self._by_hand), *self.supply.values.values())

    @property
    def settled(self) -> Settled:
        """What the app runs in; starts it where that is not known yet."""
        if self._settled is None:
            _ = self.before
        assert self._settled is not None
        return self._settled

    def _spec(self, app: AppMap) -> WorldSpec:
        return WorldSpec(
            repository=self._ground.project.root,
            python=self._environments.python,
            roots=app.roots,
            readable=(self._tools.folder,) if self._tools.folder else (),
            target=app.app.target if app.app else None,
            unsandboxed=self._wishes.unsandboxed,
        )

    def _read(self, path: PurePosixPath) -> bytes | None:
        try:
            return (self._ground.project.root / path).read_bytes()
        except OSError:
            return None

    def _given(self) -> dict[str, str]:
        """What the person gave by hand: files first, single values over them."""
        from_files: dict[str, str] = {}
        for path in self._wishes.env_files:
            from_files |= read_env_file(path)
        return from_files | dict(self._wishes.env)


def to_mask(known: Mapping[str, str], by_hand: Mapping[str, str]) -> Iterator[str]:
    """What may stand nowhere: values that are secret by name, and long ones `by_hand` (`LONG`).

    A value of words that settings are named by (``POSTGRES_PASSWORD=password``) is a placeholder:
    to mask it hides no secret, and takes the word out of every sentence.
    """
    words = {word for name in (*known, *by_hand) for word in _words(name)}
    yield from (v for n, v in known.items() if is_secret(n) and not _words(v) <= words)
    yield from (v for n, v in by_hand.items() if len(v) >= LONG or is_secret(n))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.split(r"[\W_]+", text.lower())) - {""}


def with_sources(app: AppMap, environment: Environment) -> AppMap:
    """`app` with each setting saying where the value that it was started with comes from."""
    found = {setting.name: environment.value(setting.name) for setting in app.settings}
    settings = tuple(
        replace(setting, given_by=(value.source,)) if (value := found[setting.name]) else setting
        for setting in app.settings
    )
    return replace(app, settings=settings)


def replace_files(spec: WorldSpec, files: Mapping[PurePosixPath, bytes | None]) -> WorldSpec:
    """`spec` with `files` laid over those that it has."""
    return replace(spec, files={**spec.files, **files})


def read_env_file(path: Path) -> dict[str, str]:
    """The variables that a file of ``NAME=value`` lines gives.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read `--env-file {path}`", str(error)) from error
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text)).items()}
