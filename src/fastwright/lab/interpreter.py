"""Find the app's own interpreter, or make one for it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fastwright.lab.interpreter_create import Install, Layer, create, extended
from fastwright.lab.interpreter_manifests import Needs
from fastwright.lab.interpreter_manifests import read as read_needs
from fastwright.lab.interpreter_probe import Interpreter, probe
from fastwright.model.errors import UsageError

__all__ = [
    "Install",
    "Interpreter",
    "Layer",
    "Needs",
    "create",
    "extended",
    "find",
    "probe",
    "read_needs",
]

_FOLDERS = (".venv", "venv", "env")


def find(
    project_root: Path,
    explicit: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    working: Sequence[Path] = (),
) -> Interpreter | None:
    """The interpreter that the app runs in.

    In this order: the one named, ``.venv`` and its kin in the project, ``VIRTUAL_ENV``, the one
    that fastwright made, those of uv, Poetry and PDM. The first that has FastAPI is taken; our
    own environment is not the app's.

    Args:
        project_root: The repository.
        explicit: ``--python``: a program, or the folder of an environment.
        environ: The person's environment.
        working: Further folders that may hold an environment, such as ``backend``.

    Returns:
        None where there is none: offer to make one.

    Raises:
        UsageError: The named one does not run.
    """
    if explicit is not None:
        return _named(explicit)
    seen: set[Path] = set()
    for python, source in _candidates(project_root, environ or {}, working):
        if python.parent.parent in seen or not python.is_file():
            continue
        seen.add(python.parent.parent)
        if python.parent.parent.resolve() == Path(sys.prefix).resolve():
            continue
        found = probe(python, source)
        if found is not None and found.has_fastapi:
            return found
    return None


def _named(explicit: Path) -> Interpreter:
    python = explicit / "bin" / "python" if explicit.is_dir() else explicit
    found = probe(python.absolute(), "--python")
    if found is None:
        raise UsageError(
            f"cannot use `{explicit}`", "it does not run as a Python", "name a `python` program"
        )
    return found


def _candidates(
    root: Path, environ: Mapping[str, str], working: Sequence[Path]
) -> Iterator[tuple[Path, str]]:
    for place in dict.fromkeys((*working, root)):
        for name in _FOLDERS:
            yield place / name / "bin" / "python", f"{name} in the project"
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(variable):
            yield Path(environ[variable]) / "bin" / "python", variable
    yield root / ".fastwright" / "venv" / "bin" / "python", "made by fastwright"
    for place in dict.fromkeys((*working, root)):
        yield from _of_tools(place, environ)


def _of_tools(place: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if environ.get("UV_PROJECT_ENVIRONMENT"):
        yield place / environ["UV_PROJECT_ENVIRONMENT"] / "bin" / "python", "uv"
    named = place / ".pdm-python"
    if named.is_file():
        yield Path(named.read_text().strip()), "PDM"
    for folder in _poetry_folders(place, environ):
        yield folder / "bin" / "python", "Poetry"


def _poetry_folders(place: Path, environ: Mapping[str, str]) -> Sequence[Path]:
    """Poetry names an environment by the project's name and a hash of its path."""
    try:
        document = tomllib.loads((place / "pyproject.toml").read_text())
    except (OSError, ValueError):
        return ()
    name = document.get("tool", {}).get("poetry", {}).get("name") or document.get(
        "project", {}
    ).get("name")
    if not name:
        return ()
    clean = re.sub(r'[ $`!*@"\\\r\n\t]', "_", str(name).lower())[:42]
    digest = hashlib.sha256(os.path.realpath(place).encode()).digest()
    stem = f"{clean}-{base64.urlsafe_b64encode(digest).decode()[:8]}"
    cache = Path(environ.get("POETRY_CACHE_DIR") or Path.home() / ".cache" / "pypoetry")
    return sorted((cache / "virtualenvs").glob(f"{stem}-py*"))
