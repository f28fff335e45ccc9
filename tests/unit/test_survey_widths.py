"""How long lines may be is what the project's formatter or linter is set to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest

from fastwright.source.import_block import width_of
from fastwright.survey import static
from fastwright.survey.widths import declared_width

API = PurePosixPath("services/api")


@pytest.mark.parametrize(
    ("files", "width", "where"),
    [
        ({"pyproject.toml": "[tool.ruff]\nline-length = 120\n"}, 120, "pyproject.toml"),
        ({"pyproject.toml": "[tool.black]\nline-length = 99\n"}, 99, "pyproject.toml"),
        ({"pyproject.toml": "[tool.ruff]\n[tool.black]\nline-length = 99\n"}, 99, "pyproject.toml"),
        ({"pyproject.toml": "[tool.ruff.lint]\nselect = ['E']\n"}, 88, "pyproject.toml"),
        ({"ruff.toml": "line-length = 79\n"}, 79, "ruff.toml"),
        ({"setup.cfg": "[flake8]\nmax-line-length = 100  \n"}, 100, "setup.cfg"),
        ({"pyproject.toml": "[project]\nname = 'x'\n", "tox.ini": "[flake8]\n"}, 0, ""),
        ({"pyproject.toml": "[tool.ruff\n", ".flake8": "max-line-length\n"}, 0, ""),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 'wide'\n"}, 88, "pyproject.toml"),
        ({"pyproject.toml": "tool = 1\n"}, 0, ""),
    ],
)
def test_what_a_project_says_of_its_width(files: Mapping[str, str], width: int, where: str) -> None:
    """Ruff's settings, then black's, then flake8's; what cannot be read says nothing."""
    tree = {PurePosixPath(name): text.encode() for name, text in files.items()}
    assert declared_width(tree, API) == (width, where)


def test_the_nearest_settings_count() -> None:
    """A service of its own width in a repository of another."""
    tree = {
        PurePosixPath("pyproject.toml"): b"[tool.ruff]\nline-length = 120\n",
        API / "pyproject.toml": b"[tool.black]\nline-length = 80\n",
    }
    assert declared_width(tree, API / "app") == (80, "services/api/pyproject.toml")
    assert declared_width(tree, PurePosixPath("services/web")) == (120, "pyproject.toml")


def test_what_is_declared_beats_what_was_counted() -> None:
    """One long line does not make a project wide, nor short ones a project narrow."""
    source = f'from fastapi import FastAPI\n\napp = FastAPI(title="{"x" * 70}")\n'
    tree = {PurePosixPath("main.py"): source.encode()}
    assert width_of(static.read(tree)) == 100
    settings = {PurePosixPath("pyproject.toml"): b"[tool.ruff]\nline-length = 110\n"}
    app = static.read({**tree, **settings})
    assert width_of(app) == 110
    habit = app.convention("line-length")
    assert habit is not None
    assert habit.examples == ("pyproject.toml",)
