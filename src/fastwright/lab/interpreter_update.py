"""Bring an environment and a lock file up to what the project newly declares, by their own tool."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from fastwright.lab.interpreter_create import Install, find_uv, install_packages, run_installer
from fastwright.lab.interpreter_probe import Interpreter


def add_packages(interpreter: Interpreter, requirements: Sequence[str], install: Install) -> None:
    """Install `requirements` into an environment; what is there keeps its version.

    Raises:
        Refused: They cannot be had, or not together with what is installed.
    """
    pins = [f"{name}=={version}" for name, version in interpreter.packages.items()]
    with NamedTemporaryFile("w", suffix=".txt") as held:
        held.write("\n".join(pins))
        held.flush()
        arguments = (*requirements, "-c", held.name)
        install_packages(interpreter.python, arguments, install, find_uv(install.environ))


def locking_tool(lock: str, install: Install) -> tuple[str, ...] | None:
    """The command that writes the lock file of that name; None where its tool is not here."""
    if lock == "uv.lock":
        uv = find_uv(install.environ)
        return (uv, "lock", "--quiet") if uv else None
    tools = {"poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv"}
    tool = tools.get(lock)
    program = shutil.which(tool, path=install.environ.get("PATH")) if tool else None
    return (program, "lock") if program else None


def relock(folder: Path, lock: str, install: Install) -> bytes:
    """The bytes of the lock file `lock` of the project in `folder`, a copy, written anew.

    Versions that still fit are kept, as the tool itself does.

    Raises:
        Refused: The tool is not here, or fails; with what it said.
    """
    command = locking_tool(lock, install)
    assert command is not None, f"no tool for {lock}"
    run_installer(command, install, f"cannot write `{lock}` anew", cwd=folder)
    return (folder / lock).read_bytes()
