"""Tuning from the command line on a whole app: found, mended, proved, applied, undone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastwright.testing.samples import python_of

pytestmark = pytest.mark.slow
BLOG = Path(__file__).parents[2] / "examples" / "blog"
PROFILE = "GET /users/{user_id}/profile"


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """A copy of the example, on SQLite."""
    unwanted = shutil.ignore_patterns("__pycache__", ".fastwright", "*.db", ".env")
    return Path(shutil.copytree(BLOG, tmp_path / "blog", ignore=unwanted))


def fastwright(at: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program on the copy, with nobody there to be asked."""
    python = ["--python", str(python_of("newest"))] if words[0] != "undo" else []
    return subprocess.run(
        [sys.executable, "-m", "fastwright", *words, *python],
        cwd=at,
        capture_output=True,
        text=True,
        timeout=900,
        stdin=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "BLOG_DATABASE_URL": "sqlite:///blog.db"},
    )


def texts(root: Path) -> dict[str, str]:
    """The Python files of a tree."""
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*.py")}


def test_a_slow_profile_is_mended_and_pinned_and_taken_back(blog: Path) -> None:
    """A request in plain words: ten times fewer statements, constant in n; `undo` is exact."""
    before = texts(blog)
    asked = (
        "My user profile endpoint is running slowly, can you help optimize the database queries?"
    )
    ended = fastwright(blog, "do", asked, "--yes", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    (cost,) = [r for r in told["tuning"]["routes"] if r["route"] == PROFILE]
    assert cost["before"][-1] >= 10 * cost["after"][-1]
    assert len(set(cost["after"])) == 1
    assert cost["cpu"][0]["median"] >= 5 * cost["cpu"][1]["median"]
    assert "tests/test_query_counts.py" in texts(blog)
    assert fastwright(blog, "undo").returncode == 0
    assert texts(blog) == before


def test_without_apply_nothing_is_written_and_the_budget_is_kept(blog: Path) -> None:
    """A budget of a second observes, names what it did not try, and leaves the tree alone."""
    consented = fastwright(blog, "survey", "--json", "--yes")
    assert consented.returncode == 0, consented.stderr
    before = texts(blog)
    ended = fastwright(blog, "tune", PROFILE, "--budget", "1", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert told["tuning"]["interrupted"] == "the budget is used up"
    fates = {attempt["fate"] for attempt in told["tuning"]["attempts"]}
    assert "not tried" in fates
    assert fates <= {"not tried", "proposed"}
    assert texts(blog) == before


def test_a_route_that_is_not_there_is_answered_with_the_nearest(blog: Path) -> None:
    """An unknown route is a matter of usage."""
    ended = fastwright(blog, "tune", "GET /post", "--yes")
    assert ended.returncode == 2
    assert "`GET /posts`" in ended.stderr
