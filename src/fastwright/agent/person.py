"""The seam to whoever is asked and told: a terminal, a program, a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastwright.model.plan import Candidate, Plan
from fastwright.model.proof import Check, Report


class Person(Protocol):
    """Is told of progress as it happens, and asked before anything of theirs is run or written."""

    def phase(self, name: str) -> None:
        """A phase of the work begins."""

    def plan(self, plan: Plan) -> None:
        """What will be done."""

    def gate(self, name: str) -> None:
        """A gate begins."""

    def check(self, check: Check) -> None:
        """A gate has been judged."""

    def proposal(self, report: Report) -> None:
        """The diff and its proof, before it is asked whether to apply them."""

    def agrees(self, question: str) -> bool:
        """True where they said yes.

        Raises:
            NeedsConsent: There is nobody to ask, and no consent was given beforehand.
        """

    def chooses(self, asked: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """The reading of `asked` that they meant, if any."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is to go, as the person said on the command line.

    Attributes:
        target: ``module:name`` of the app, where a repository has several.
        python: The app's interpreter.
        env: Settings given by hand; `env_files` are read for more of them.
        tests: Which of the person's own tests run: ``all``, ``affected`` or ``none``.
        dry_run: Plan, change and prove, and write nothing.
        unsandboxed: Running without isolation is accepted.
    """

    target: str | None = None
    python: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[Path, ...] = ()
    tests: str = "all"
    dry_run: bool = False
    unsandboxed: bool = False
