"""The length of lines that a project's own formatter or linter is set to."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.source import toml_text

USUAL = 88
"""Columns of ruff and of black where their settings say nothing of it."""


def declared_width(files: Mapping[PurePosixPath, bytes], near: PurePosixPath) -> tuple[int, str]:
    """Columns, and the file that says so: of the folder `near`, or the next one above that does.

    0 where nothing is said.
    """
    for folder in (near, *near.parents):
        for name, read in _READERS.items():
            path = folder / name
            content = files.get(path)
            width = read(content.decode("utf-8", "replace")) if content is not None else 0
            if width:
                return width, path.as_posix()
    return 0, ""


def _of_pyproject(text: str) -> int:
    try:
        tools = toml_text.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        return 0
    tools = tools if isinstance(tools, dict) else {}
    sections = [tools[name] for name in ("ruff", "black") if isinstance(tools.get(name), dict)]
    said = [width for one in sections if (width := _columns(one.get("line-length")))]
    return next(iter(said), USUAL if sections else 0)


def _of_ruff(text: str) -> int:
    try:
        return _columns(toml_text.loads(text).get("line-length")) or USUAL
    except tomllib.TOMLDecodeError:
        return 0


def _of_flake8(text: str) -> int:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return 0
    said = parser.get("flake8", "max-line-length", fallback="").split()
    return _columns(int(said[0])) if said and said[0].isdecimal() else 0


def _columns(value: object) -> int:
    return value if isinstance(value, int) and 0 < value <= 320 else 0


_READERS = MappingProxyType({
    ".ruff.toml": _of_ruff, "ruff.toml": _of_ruff, "pyproject.toml": _of_pyproject,
    ".flake8": _of_flake8, "setup.cfg": _of_flake8, "tox.ini": _of_flake8,
})  # fmt: skip
