"""Real environments to boot sample apps in: one a lock file, made once and kept.

Sample apps never run in fastwright's own interpreter, for neither do users' apps.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_MADE_BY = b"2: with byte code\n"
"""Part of the name: what was made in an earlier way is made anew."""


def environment(lock: Path, *, cache: Path | None = None) -> Path:
    """The interpreter of an environment that holds exactly what `lock` names.

    The environment is kept under `cache` (``~/.cache/fastwright/environments``), named by the
    lock's hash and the way of making, so that it is built once a machine. Processes that ask at
    the same time wait for the one that builds.

    Args:
        lock: A requirements file with pinned versions.
        cache: The folder that environments are kept in.

    Returns:
        The path of the environment's ``python``.

    Raises:
        subprocess.CalledProcessError: A package could not be installed.
    """
    root = cache or Path.home() / ".cache" / "fastwright" / "environments"
    name = f"{lock.stem}-{hashlib.sha256(_MADE_BY + lock.read_bytes()).hexdigest()[:12]}"
    python = root / name / "bin" / "python"
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        if not (root / name / "complete").exists():
            _build(root / name, lock)
    return python


def _build(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for command in _commands(folder, lock):
        subprocess.run(command, check=True, stdout=sys.stderr)
    (folder / "complete").touch()


def _commands(folder: Path, lock: Path) -> Sequence[Sequence[str]]:
    python = folder / "bin" / "python"
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv:
        install = (uv, "pip", "install", "--quiet")
        return (
            (uv, "venv", "--quiet", "--python", sys.executable, str(folder)),
            # It is read-only in a world: byte code that is not made now never is.
            (*install, "--compile-bytecode", "--python", str(python), "-r", str(lock)),
        )
    return (
        (sys.executable, "-m", "venv", str(folder)),
        (str(python), "-m", "pip", "install", "--quiet", "-r", str(lock)),
    )
