"""Where the output goes nowhere, what could not be told is told in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from fastwright.cli import main
from fastwright.cli.unwritten import UNWRITTEN
from fastwright.model.errors import UsageError
from fastwright.testing.samples import sample_app
from fastwright.workspace import journal
from fastwright.workspace.project import Project

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no device here is always full")


@needs_full
@pytest.mark.parametrize(
    "words", [["rules"], ["rules", "--json"], ["--version"], ["review", "--format", "html"]]
)
def test_output_to_a_full_disk_is_told_in_a_line(words: list[str], tmp_path: Path) -> None:
    """Neither a fault of ours nor a finding, and no traceback, where the disk takes no more."""
    app = sample_app("shop_async").copy(tmp_path)
    command = [sys.executable, "-m", "fastwright", *words]
    with FULL.open("w") as full:
        ended = subprocess.run(
            command, cwd=app, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == UNWRITTEN
    assert ended.stderr.splitlines()[-1] == "cannot write: No space left on device"


def test_a_closed_output_is_told_in_a_line(capfd, monkeypatch) -> None:
    """A command whose standard output is closed does not end as if it had told anything."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["rules"]) == UNWRITTEN
    assert capfd.readouterr().err == "cannot write: standard output is closed\n"


@needs_full
def test_a_result_file_on_a_full_disk_is_named(tmp_path: Path, capsys) -> None:
    """The file is told with the reason, to programs as JSON."""
    app = sample_app("shop_async").copy(tmp_path)
    words = ["review", str(app), "--format", "html", "--output", "/dev/full"]
    assert main(words) == UNWRITTEN
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == "cannot write `/dev/full`: No space left on device"
    assert main([*words, "--json"]) == UNWRITTEN
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == UNWRITTEN
    assert document["error"]["cannot"] == "cannot write `/dev/full`"


@needs_full
def test_a_change_that_could_not_be_told_is_told_to_stand(tmp_path: Path) -> None:
    """What was undone before the disk was full stays undone, and the line says so."""
    place = tmp_path / "main.py"
    place.write_text("A = 1\n")
    project = Project.find(tmp_path)
    files = project.read()
    journal.apply(project, files, {PurePosixPath("main.py"): b"A = 2\n"}, "Two")
    command = [sys.executable, "-m", "fastwright", "undo", "--app", str(tmp_path)]
    with FULL.open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert place.read_text() == "A = 1\n"
    assert ended.returncode == UNWRITTEN
    assert "all was done, and only the telling cut short" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [["undo"], ["do", "add login"], ["survey"], ["add", "health-checks"], ["tune"]],
)
def test_a_folder_that_is_not_there_is_told_alike(words: list[str], tmp_path: Path, capsys) -> None:
    """Every command says what cannot be read, why, and what to do, and ends as wrong usage."""
    place = str(tmp_path / "nowhere")
    assert main([*words, "--app", place, "--json"]) == UsageError.exit_code
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["cannot"], error["because"], bool(error["do"])) == (
        f"cannot read `{place}`",
        "there is no such file or folder",
        True,
    )
