"""The interpreters of a job: the app's own, and a throwaway one with what the change adds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from fastwright.agent import consent
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.lab import interpreter
from fastwright.model.change import AddDependency


class Environments:
    """Finds the app's interpreter, or makes one with consent."""

    def __init__(self, ground: Ground, person: Person, wishes: Wishes, watch: Stopwatch) -> None:
        self._ground = ground
        self._person = person
        self._wishes = wishes
        self._watch = watch

    @cached_property
    def own(self) -> interpreter.Interpreter:
        """The app's own interpreter.

        Raises:
            NeedsConsent: There is none, and making one was not agreed to.
            Refused: The project's packages cannot be installed.
        """
        root = self._ground.project.root
        with self._watch.phase("finding the app's interpreter"):
            found = interpreter.find(root, self._wishes.python, environ=os.environ)
        if found is not None:
            return found
        into = self._ground.project.state / "environment"
        consent.to_build(self._ground.project, self._person, f"{into}")
        with self._watch.phase("installing the project's packages"):
            return interpreter.create(into, self._ground.app.manifests, root=root)

    @property
    def python(self) -> Path:
        """The path of the app's own interpreter."""
        return self.own.python

    def with_packages(self, added: Sequence[AddDependency], until: ExitStack) -> Path:
        """An interpreter that has `added` too; the app's own stays as it is.

        Args:
            added: What the change needs; where it is installed already, nothing is made.
            until: Closes when the throwaway environment may go.
        """
        missing = interpreter.missing(self.own, [a.requirement for a in added])
        if not missing:
            return self.python
        folder = until.enter_context(TemporaryDirectory(prefix="fastwright-environment-"))
        with self._watch.phase(f"installing {', '.join(missing)} in a throwaway environment"):
            return interpreter.extend(self.own, missing, Path(folder)).python
