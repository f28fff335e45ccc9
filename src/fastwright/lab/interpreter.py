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

from fastwright.lab.interpreter_create import Install, Layer, create, extended, unfinished
from fastwright.lab.interpreter_manifests import Needs
from fastwright.lab.interpreter_manifests import read as read_needs
from fastwright.lab.interpreter_probe import Interpreter, probe
from fastwright.model.errors import Refused, UsageError
from fastwright.workspace.home import home

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
_ACTIVATED = ("VIRTUAL_ENV", "CONDA_PREFIX")


def find(
    project_root: Path,
    explicit: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    working: Sequence[Path] = (),
) -> Interpreter | None:
    """The interpreter that the app runs in.

    A program that lies in the repository is not started, for nothing confines it: there it must be
    a link out of it, as environments have. Named or activated by the person, it is theirs.

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
        Refused: The first one is a program of the repository itself.
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
        _refuse_program_of(project_root, python, environ or {})
        found = probe(python, source)
        if found is not None and found.has_fastapi:
            return found
    return None


def _refuse_program_of(root: Path, python: Path, environ: Mapping[str, str]) -> None:
    folder, real = python.parent.parent, root.resolve()
    activated = (environ.get(name) for name in _ACTIVATED)
    if any(name and folder.resolve() == Path(name).resolve() for name in activated):
        return
    is_inside = folder.is_relative_to(root) or folder.resolve().is_relative_to(real)
    if not is_inside and not python.resolve().is_relative_to(real):
        return
    cause = _unlike_a_link(python, real)
    if cause:
        raise Refused(
            f"cannot use the interpreter `{python}`",
            f"{cause}, and finding out about it would run it outside the sandbox",
            f"if you trust it, name it: `--python {folder}`; else name another",
        )


def _unlike_a_link(python: Path, root: Path) -> str:
    """Why an interpreter in the repository is not a link out of it; empty where it is one."""
    if python.resolve().is_relative_to(root):
        return "it is a program of the repository itself"
    lines = _configured(python.parent.parent)
    home = next((v.strip() for n, _, v in lines if n.strip() == "home"), "")
    if not home or Path(home).resolve().is_relative_to(root):
        return "its `pyvenv.cfg` names no installation outside the repository"
    return ""


def _configured(environment: Path) -> Sequence[tuple[str, str, str]]:
    try:
        lines = (environment / "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return [line.partition("=") for line in lines]


def _named(explicit: Path) -> Interpreter:
    python = explicit / "bin" / "python" if explicit.is_dir() else explicit
    found = probe(python.absolute(), "--python")
    if found is None:
        because = "it does not run as a Python" if python.exists() else f"there is no `{python}`"
        raise UsageError(f"cannot use `{explicit}`", because, "name a `python` program")
    return found


def _candidates(
    root: Path, environ: Mapping[str, str], working: Sequence[Path]
) -> Iterator[tuple[Path, str]]:
    for place in dict.fromkeys((*working, root)):
        for name in _FOLDERS:
            yield place / name / "bin" / "python", f"{name} in the project"
    for variable in _ACTIVATED:
        if environ.get(variable):
            yield Path(environ[variable]) / "bin" / "python", variable
    made = root / ".fastwright" / "venv"
    if not unfinished(made).exists():
        yield made / "bin" / "python", "made by fastwright"
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
    cache = Path(environ.get("POETRY_CACHE_DIR") or home() / ".cache" / "pypoetry")
    return sorted((cache / "virtualenvs").glob(f"{stem}-py*"))
