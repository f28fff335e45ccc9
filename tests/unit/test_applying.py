"""An interrupt after a change was applied says so, however late it comes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import click
import pytest

from fastwright.agent.applying import telling_what_stands
from fastwright.cli import failures, running
from fastwright.model.proof import Outcome, Report
from fastwright.workspace import journal
from fastwright.workspace.project import Project

APP = PurePosixPath("app.py")


@pytest.mark.parametrize("applies", [True, False], ids=["applied", "not-yet"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["by-click", "plain"])
def test_an_interrupt_says_what_stands(
    applies: bool, wrapped: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is in the tree is not told as if it were not, nor the other way round."""
    (tmp_path / APP).write_bytes(b"one\n")
    project = Project(tmp_path)
    journal.apply(project, {APP: b"one\n"}, {APP: b"two\n"}, "of an earlier run")

    def work() -> int:
        with telling_what_stands(project):
            if applies:
                journal.apply(project, {APP: b"two\n"}, {APP: b"three\n"}, "of this run")
            raise KeyboardInterrupt

    def run() -> int:
        try:
            return work()
        except KeyboardInterrupt as interrupt:
            if wrapped:
                raise click.Abort from interrupt
            raise

    assert failures.guarded(run, as_json=False) == 130
    told = "`0002` was applied; `fastwright undo` takes it back"
    said = capsys.readouterr().err.strip()
    assert said == f"interrupted; {told if applies else 'nothing was changed'}"


def test_an_interrupt_of_the_telling_says_that_all_was_done() -> None:
    """A report that is cut short takes nothing of the work back."""

    class Gone:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    screen = SimpleNamespace(terminal=Gone())
    for outcome, told in ((Outcome.PROVEN, "all was done"), (Outcome.NOT_PROVEN, "^$")):
        report = Report("a login", outcome, (), ())
        with pytest.raises(KeyboardInterrupt, match=told):
            running._end(report, screen, as_json=False)
