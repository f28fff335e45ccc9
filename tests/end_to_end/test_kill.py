"""SIGKILL at every step of apply, undo and recovery: the next command makes the tree whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from fastwright.workspace import journal
from fastwright.workspace.project import Project

CHILD = """
import os, signal, sys
from pathlib import Path, PurePosixPath
from fastwright.workspace import journal
from fastwright.workspace.project import Project

root, action, fatal = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
step = 0

def checkpoint(name):
    global step
    if step == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    step += 1

project = Project(root)
if action == "apply":
    baseline = {PurePosixPath(n): (root / n).read_bytes() for n in ("app.py", "old.py", "run.sh")}
    after = {
        PurePosixPath("app.py"): b"import login\\n",
        PurePosixPath("old.py"): None,
        PurePosixPath("run.sh"): b"#!/bin/sh\\nexec true\\n",
        PurePosixPath("api/login/routes.py"): b"router = ...\\n",
        PurePosixPath("api/login/__init__.py"): b"",
    }
    journal.apply(project, baseline, after, "login", checkpoint=checkpoint)
elif action == "undo":
    journal.undo(project, checkpoint=checkpoint)
else:
    journal.recover(project, checkpoint=checkpoint)
"""
KILLED = -signal.SIGKILL
STEPS = 60
"""More steps than any action has; the loop ends at the first run that lives."""


def make_tree(root: Path) -> None:
    """A small tree with an ordinary, a removed and an executable file."""
    root.mkdir()
    (root / "app.py").write_bytes(b"app = 1\r\n")
    (root / "old.py").write_bytes(b"\x00\xff not text")
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o750)


def snapshot(root: Path) -> Mapping[str, object]:
    """Every path of the tree but ours: bytes and mode of files, and the names of folders."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        if path.is_file()
        else "folder"
        for path in sorted(root.rglob("*"))
        if ".fastwright" not in path.relative_to(root).parts
    }


def run_child(root: Path, action: str, fatal: int) -> int:
    """Run `action` in a process that kills itself before step `fatal`; its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(root), action, str(fatal)],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode in (0, KILLED), done.stderr.decode()
    return done.returncode


def prepared(root: Path, action: str) -> None:
    """A tree in which `action` is the next thing to do."""
    make_tree(root)
    if action == "undo":
        assert run_child(root, "apply", -1) == 0


@pytest.mark.parametrize("action", ["apply", "undo"])
def test_a_killed_action_leaves_a_tree_that_recovery_makes_whole(
    tmp_path: Path, action: str
) -> None:
    """Killed before any step, the tree after recovery is as before or wholly changed, as said."""
    prepared(tmp_path / "whole", action)
    before = snapshot(tmp_path / "whole")
    assert run_child(tmp_path / "whole", action, -1) == 0
    after = snapshot(tmp_path / "whole")
    assert before != after
    outcomes = set()
    for fatal in range(STEPS):
        root = tmp_path / f"killed-{fatal}"
        prepared(root, action)
        if run_child(root, action, fatal) == 0:
            break
        recovery = journal.recover(Project(root))
        completed = recovery is not None and recovery.completed
        assert snapshot(root) == (after if completed else before), f"step {fatal}"
        assert journal.recover(Project(root)) is None, f"step {fatal}"
        outcomes.add((recovery is not None, completed))
    assert fatal >= 12
    assert outcomes == {(False, False), (True, False), (True, True)}


@pytest.mark.parametrize("fatal", [5, 11])
def test_a_killed_recovery_can_be_recovered(tmp_path: Path, fatal: int) -> None:
    """However often recovery itself is killed, the tree ends as before or wholly changed."""
    make_tree(tmp_path / "tree")
    before = snapshot(tmp_path / "tree")
    assert run_child(tmp_path / "tree", "apply", fatal) == KILLED
    attempts = 0
    while run_child(tmp_path / "tree", "recover", attempts) == KILLED:
        attempts += 1
    assert attempts > 0
    make_tree(tmp_path / "whole")
    run_child(tmp_path / "whole", "apply", -1)
    expected = (
        snapshot(tmp_path / "whole") if journal.applied(Project(tmp_path / "tree")) else before
    )
    assert snapshot(tmp_path / "tree") == expected
    assert journal.recover(Project(tmp_path / "tree")) is None


def test_a_killed_apply_can_be_undone_after_recovery(tmp_path: Path) -> None:
    """Once recovered to wholly changed, the change is undone to the byte."""
    root = tmp_path / "tree"
    make_tree(root)
    before = snapshot(root)
    fatal = next(n for n in range(STEPS) if self_made_swap(tmp_path / str(n), n))
    assert run_child(root, "apply", fatal) == KILLED
    assert journal.recover(Project(root)) is not None
    journal.undo(Project(root))
    assert snapshot(root) == before


def self_made_swap(root: Path, fatal: int) -> bool:
    """True where a kill before step `fatal` leaves a half-swapped tree."""
    make_tree(root)
    run_child(root, "apply", fatal)
    return not (root / "old.py").exists() or (root / "app.py").read_bytes() == b"import login\n"


def test_a_file_edited_between_crash_and_recovery_is_kept(tmp_path: Path) -> None:
    """Recovery completes the rest and names the edited file, whose bytes it leaves alone."""
    root = tmp_path / "tree"
    make_tree(root)
    fatal = next(n for n in range(STEPS) if self_made_swap(tmp_path / str(n), n))
    run_child(root, "apply", fatal)
    (root / "run.sh").write_bytes(b"mine\n")
    recovery = journal.recover(Project(root))
    assert recovery is not None
    assert recovery.left == (PurePosixPath("run.sh"),)
    assert (root / "run.sh").read_bytes() == b"mine\n"
    assert not (root / "old.py").exists()
