"""The project's own linter has nothing new to say."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fastwright.model.change import ChangeSet
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side
from fastwright.prove.tools import Tool, compare

_LINE = re.compile(r"(?P<path>[^:]+):\d+:\d+: (?P<code>[\w-]+):? (?P<text>.*)")


# A project's own `exclude` replaces a linter's, and the copy has no `.git` for its ignore files.
_NOT_THE_PROJECT = ".venv,venv,node_modules"


def _ruff(side: Side, home: PurePosixPath) -> tuple[str, ...]:  # noqa: ARG001
    quiet = ("--no-cache", "--no-fix", "--output-format", "concise")
    return ("check", *quiet, *_first_party(side), "--extend-exclude", _NOT_THE_PROJECT, ".")


def _first_party(side: Side) -> tuple[str, ...]:
    """Where the app's own modules are, of which a linter without configuration knows nothing."""
    root = side.map.roots.imports
    if RUFF.home(side.files) is not None or not root.parts:
        return ()
    return ("--config", f'src = ["{root}", "{root / "src"}"]')


def _flake8(side: Side, home: PurePosixPath) -> tuple[str, ...]:  # noqa: ARG001
    return ("--extend-exclude", _NOT_THE_PROJECT, ".")


RUFF = Tool(
    "ruff",
    _ruff,
    _LINE,
    (0, 1),
    (("pyproject.toml", "[tool.ruff"), ("ruff.toml", ""), (".ruff.toml", "")),
    needs_configuration=False,
)
FLAKE8 = Tool(
    "flake8",
    _flake8,
    _LINE,
    (0, 1),
    ((".flake8", ""), ("setup.cfg", "[flake8]"), ("tox.ini", "[flake8]")),
)


def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Count the linter's findings by file and code, on both trees."""
    tools = (FLAKE8, RUFF) if RUFF.home(after.files) is None else (RUFF, FLAKE8)
    return compare(GATE, tools, before, after, "linter")


GATE = Gate("lint", "the project's linter has nothing new to say", run, after=("parses",))
