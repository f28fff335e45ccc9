"""The interpreter of a job, and the layer over it with what the change adds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fastwright.agent import consent
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.lab import scratch
from fastwright.lab.interpreter import (
    Install,
    Interpreter,
    Layer,
    create,
    extended,
    find,
    read_needs,
)

OURS = "venv"
"""The folder below ``.fastwright`` of an environment that was made for the project."""


class Environments:
    """Finds the app's interpreter, or makes one with consent."""

    def __init__(self, ground: Ground, person: Person, wishes: Wishes, watch: Stopwatch) -> None:
        self._ground = ground
        self._person = person
        self._wishes = wishes
        self._watch = watch

    @cached_property
    def own(self) -> Interpreter:
        """The app's own interpreter.

        Raises:
            NeedsConsent: There is none, and making one was not agreed to.
            Refused: The project's packages cannot be installed.
            UsageError: The one that the person named does not run.
        """
        root = self._ground.project.root
        working = (root / self._ground.app.roots.working, root / self._ground.app.roots.imports)
        with self._watch.phase("finding the app's interpreter"):
            found = find(root, self._wishes.python, os.environ, working=working)
        return found or self._made(root)

    def _made(self, root: Path) -> Interpreter:
        into = self._ground.project.state / OURS
        consent.to_build(self._ground.project, self._person, str(into.relative_to(root)))
        needs = read_needs(self._ground.files)
        named = ", ".join(map(str, needs.sources)) or "no dependency file"
        with self._watch.phase(f"installing the project's packages, from {named}"):
            return create(into, root, needs, Install(os.environ, build=True))

    @property
    def python(self) -> Path:
        """The path of the app's own interpreter."""
        return self.own.python

    def layer(self, requirements: Iterable[str], until: ExitStack) -> Layer | None:
        """What the app's environment lacks of `requirements`, installed over it and not in it.

        Args:
            requirements: In PEP 508 form.
            until: Closes when the layer may go.

        Returns:
            None where everything is installed already.
        """
        missing = lacking(requirements, self.own)
        if not missing:
            return None
        folder = scratch.make(apart_from=self._ground.project.root)
        until.callback(folder.remove)
        with self._watch.phase(f"installing {', '.join(missing)} into a throwaway layer"):
            return extended(self.own, missing, folder.path / "packages", Install(os.environ))


def lacking(requirements: Iterable[str], interpreter: Interpreter) -> tuple[str, ...]:
    """Those of `requirements` that are not installed, or not with the extras that they name."""
    return tuple(text for text in requirements if not _is_met(Requirement(text), interpreter))


def _is_met(wanted: Requirement, interpreter: Interpreter) -> bool:
    version = interpreter.packages.get(canonicalize_name(wanted.name))
    if version is None or version not in wanted.specifier:
        return False
    return all(_is_met(further, interpreter) for further in _of_extras(wanted, interpreter))


def _of_extras(wanted: Requirement, interpreter: Interpreter) -> Iterator[Requirement]:
    """What the extras of `wanted` ask for, by the metadata of the installed distribution."""
    places = [str(place) for place in interpreter.site_packages]
    for found in distributions(name=wanted.name, path=places) if wanted.extras else ():
        for line in found.requires or ():
            further = Requirement(line)
            if any(_is_asked(further, extra) for extra in wanted.extras):
                yield further


def _is_asked(further: Requirement, extra: str) -> bool:
    marker = further.marker
    return marker is not None and marker.evaluate({"extra": extra}) and "extra" in str(marker)
