"""The project's own type checker has nothing new to say."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fastwright.model.change import ChangeSet
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side
from fastwright.prove.tools import Tool, compare

_MYPY_LINE = re.compile(
    r"(?P<path>[^:]+):\d+(?::\d+)?: error: (?P<text>.*?)(?:\s+\[(?P<code>[\w-]+)\])?$"
)
_PYRIGHT_LINE = re.compile(
    r"\s*(?P<path>[^:]+):\d+:\d+ - error: (?P<text>.*?)(?:\s+\((?P<code>\w+)\))?$"
)
_CHOOSES = re.compile(r"^\s*(?:files|packages|modules)\s*=", re.MULTILINE)


def _mypy(side: Side, home: PurePosixPath) -> tuple[str, ...]:
    """Its own choice of files where it is configured, else every top-level module and package."""
    flags = ("--no-color-output", "--no-error-summary", "--hide-error-context", "--no-pretty")
    texts = (
        side.files.get(home / name, b"").decode("utf-8", "replace")
        for name in ("pyproject.toml", "mypy.ini", ".mypy.ini", "setup.cfg")
    )
    sections = (text.partition("[tool.mypy]")[2] or text.partition("[mypy]")[2] for text in texts)
    if any(_CHOOSES.search(section.partition("\n[")[0]) for section in sections):
        return flags
    inside = (m.path.relative_to(home) for m in side.map.modules.values() if _below(m.path, home))
    roots = sorted({path.parts[0] for path in inside if path.parts[0] not in ("tests", "test")})
    return (*flags, *roots) if roots else (*flags, ".")


def _below(path: PurePosixPath, home: PurePosixPath) -> bool:
    return path.is_relative_to(home) and not path.name.startswith("conftest")


def _pyright(side: Side, home: PurePosixPath) -> tuple[str, ...]:  # noqa: ARG001
    return ()


MYPY = Tool(
    "mypy",
    _mypy,
    _MYPY_LINE,
    (0, 1),
    (
        ("pyproject.toml", "[tool.mypy"),
        ("mypy.ini", ""),
        (".mypy.ini", ""),
        ("setup.cfg", "[mypy]"),
    ),
    cache=".mypy_cache",
)
PYRIGHT = Tool(
    "pyright",
    _pyright,
    _PYRIGHT_LINE,
    (0, 1),
    (("pyproject.toml", "[tool.pyright"), ("pyrightconfig.json", "")),
)


def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Count the type checker's errors by file and code, on both trees."""
    return compare(GATE, (MYPY, PYRIGHT), before, after, "type checker")


GATE = Gate("types", "the project's type checker has nothing new to say", run, after=("parses",))
