"""The person at the terminal: what they see while a run goes on, and how they are asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.console import Console

from fastwright.model.errors import NeedsConsent
from fastwright.model.plan import Candidate, Plan
from fastwright.model.proof import Check, Report
from fastwright.report.terminal import Terminal


class Output(Console):
    """A console whose reader may be gone before the end, which the command's last stop hears of."""

    def on_broken_pipe(self) -> None:
        """Leave the end, and its exit code, to `failures`; rich would end with that of findings."""
        raise BrokenPipeError


class Screen:
    """Shows on a terminal; `yes` agrees to everything but to run without isolation."""

    def __init__(self, console: Console, *, yes: bool, quiet: bool = False) -> None:
        self.terminal = Terminal(console)
        self._yes = yes
        self._quiet = quiet

    def phase(self, name: str) -> None:
        """A phase begins."""
        if not self._quiet:
            self.terminal.phase(name)

    def plan(self, plan: Plan) -> None:
        """The plan is known."""
        if not self._quiet:
            self.terminal.plan(plan)

    def gate(self, name: str) -> None:
        """A gate begins."""
        if not self._quiet:
            self.terminal.gate(name)

    def check(self, check: Check) -> None:
        """A gate was judged."""
        if not self._quiet:
            self.terminal.check(check)

    def proposal(self, report: Report) -> None:
        """The diff, before it is asked whether to apply it."""
        if not self._quiet and not self._yes:
            self.terminal.changes(report)

    def agrees(self, question: str) -> bool:
        """Ask, unless `yes` was given beforehand."""
        if self._yes:
            return True
        if self._quiet or not sys.stdin.isatty():
            raise NeedsConsent(
                "cannot go on without an answer",
                f"nobody is there to be asked: {question}",
                "pass `--yes` to agree beforehand",
            )
        return click.confirm(question, default=True, err=True)

    def chooses(self, asked: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """Let them pick one reading; nobody to ask picks none."""
        if self._quiet:
            return None
        self.terminal.candidates(asked, candidates)
        if self._yes or not sys.stdin.isatty():
            return None
        number = click.prompt(
            "Which one (0 for none)", type=click.IntRange(0, len(candidates)), default=0, err=True
        )
        return candidates[number - 1] if number else None
