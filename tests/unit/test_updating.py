"""Lock files follow the manifests that a change edits, by the project's own tool."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.updating import lock_files
from fastwright.lab.interpreter_create import find_uv
from fastwright.workspace.project import Project

ROOT = '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.11"\n'
MEMBER = '[project]\nname = "member"\nversion = "1"\nrequires-python = ">=3.11"\n'
WORKSPACE = '[tool.uv.workspace]\nmembers = ["backend"]\n[tool.uv]\npackage = false\n'


def test_the_lock_of_a_workspace_is_written_anew(tmp_path: Path) -> None:
    """A package that a member newly needs stands in the lock file at the root; the tree waits."""
    (tmp_path / "backend").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text(ROOT + WORKSPACE)
    manifest = PurePosixPath("backend/pyproject.toml")
    (tmp_path / manifest).write_text(MEMBER)
    uv = find_uv(os.environ)
    assert uv is not None
    subprocess.run([uv, "lock", "--quiet"], cwd=tmp_path, check=True)
    project = Project.find(tmp_path)
    before = project.read()
    after = {**before, manifest: f'{MEMBER}dependencies = ["idna>=3"]\n'.encode()}
    locked = lock_files(project, before, after)
    assert locked.remains == ()
    assert b'name = "idna"' in locked.files[PurePosixPath("uv.lock")]
    assert project.read() == before


def test_a_lock_whose_tool_is_missing_is_left_to_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale lock file is named, whichever manifest it belongs to: it would not install."""
    monkeypatch.setenv("PATH", "")
    for name, lock in (("Pipfile", "Pipfile.lock"), ("pyproject.toml", "poetry.lock")):
        root = tmp_path / name
        root.mkdir()
        (root / name).write_text("[packages]\n")
        (root / lock).write_text("{}")
        project = Project.find(root)
        before = project.read()
        locked = lock_files(project, before, {**before, PurePosixPath(name): b'[packages]\na="*"'})
        assert locked.files == {}
        assert locked.remains == (f"write `{lock}` anew: its tool is not installed here",)


def test_a_manifest_without_a_lock_locks_nothing(tmp_path: Path) -> None:
    """Where no tool keeps a lock file, none is made."""
    (tmp_path / "pyproject.toml").write_text(ROOT)
    project = Project.find(tmp_path)
    before = project.read()
    after = {PurePosixPath("pyproject.toml"): f'{ROOT}dependencies = ["idna"]\n'.encode()}
    assert lock_files(project, before, after).files == {}
