"""Scratch folders: private, and swept when their owner is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastwright.lab import scratch
from fastwright.model.errors import Refused


def test_a_folder_whose_owner_lives_is_left_alone(tmp_path: Path) -> None:
    """Another fastwright at work keeps its scratch."""
    mine = scratch.make(tmp_path / "s")
    assert scratch.sweep(tmp_path / "s") == ()
    assert mine.path.is_dir()
    mine.remove()
    assert not mine.path.exists()


def test_a_folder_whose_owner_is_gone_is_swept(tmp_path: Path) -> None:
    """What a killed process left is removed by the next."""
    program = (
        "from pathlib import Path; from fastwright.lab import scratch; "
        f"print(scratch.make(Path({str(tmp_path / 's')!r})).path)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    left = Path(run.stdout.strip())
    assert left.is_dir()
    scratch.make(tmp_path / "s").remove()
    assert not left.exists()


def test_a_folder_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    """A folder without a lock is not taken for an abandoned one, unless it is old."""
    (tmp_path / "s" / "new").mkdir(parents=True)
    assert scratch.sweep(tmp_path / "s") == ()
    os.utime(tmp_path / "s" / "new", (0, 0))
    assert scratch.sweep(tmp_path / "s") == (tmp_path / "s" / "new",)


def test_folders_that_may_not_be_written_are_removed_too(tmp_path: Path) -> None:
    """An app that takes its own rights away leaves nothing behind for that."""
    mine = scratch.make(tmp_path / "s")
    (mine.path / "a" / "b").mkdir(parents=True)
    (mine.path / "a" / "b" / "file").touch()
    (mine.path / "a" / "b").chmod(0o000)
    (mine.path / "a").chmod(0o500)
    mine.remove()
    assert not mine.path.exists()


def test_scratch_is_not_kept_in_what_is_copied_to_it(tmp_path: Path) -> None:
    """A tree that holds its own scratch folder would be copied without end."""
    with pytest.raises(Refused, match="which is to be copied"):
        scratch.make(tmp_path / "tree" / "s", apart_from=tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_place_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Scratch files are not kept where somebody else could put their own."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s").chmod(0o777)
    with pytest.raises(Refused, match="not a folder of this user alone"):
        scratch.make(tmp_path / "s")
