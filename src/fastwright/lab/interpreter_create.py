"""Make environments: one for an app that has none, and one more layer for a change."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from fastwright.lab.interpreter_manifests import Needs
from fastwright.lab.interpreter_probe import Interpreter, installed, normal, probe
from fastwright.model.errors import Refused
from fastwright.workspace.home import home

_SECONDS = 900.0
_SETUPTOOLS = "setuptools<67"
"""As Pythons brought it: from 67.5 on ``pkg_resources`` warns, which strict tests fail by."""


@dataclass(frozen=True, slots=True)
class Install:
    """How packages are installed.

    Attributes:
        environ: The person's environment: registries, proxies and caches are configured there.
        build: The person agreed that source distributions may be built, which runs their code.
        exclude_newer: A date (``2024-05-01``): nothing published later is taken. Needs uv.
    """

    environ: Mapping[str, str]
    build: bool = False
    exclude_newer: str = ""


def find_uv(environ: Mapping[str, str]) -> str | None:
    """The uv beside our own interpreter, else along the person's PATH."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', '')}"
    return shutil.which("uv", path=places)


def create(into: Path, root: Path, needs: Needs, install: Install) -> Interpreter:
    """A virtual environment with what the project needs.

    While it is being made a file stands beside it, so that one that was interrupted is never used:
    its scripts hold its path, which is why it is not made elsewhere and renamed.

    Args:
        into: The environment's folder; what is there is replaced.
        root: The repository, which requirement files are relative to.
        needs: Of `interpreter_manifests.read`.
        install: How to install.

    Raises:
        Refused: No fitting Python is here, or a package cannot be had; with the installer's words.
    """
    base = choose_python(needs, pythons(install.environ))
    into.parent.mkdir(parents=True, exist_ok=True)
    unfinished(into).touch()
    shutil.rmtree(into, ignore_errors=True)
    uv = find_uv(install.environ)
    made = (
        (uv, "venv", "--quiet", "--seed", "--python", str(base), str(into))
        if uv
        else (str(base), "-m", "venv", str(into))
    )
    run_installer(made, install, "cannot make an environment")
    python = into / "bin" / "python"
    constraints = into / "fastwright-constraints.txt"
    constraints.write_text("\n".join(needs.constraints))
    lines = [*needs.requirements]
    for file in needs.files:
        lines += ["-r", str(root / file)]
    if needs_setuptools(python):
        _add(python, _SETUPTOOLS, install, uv)
    if lines:
        install_packages(python, [*lines, "-c", str(constraints)], install, uv)
    if needs.tested and "pytest" not in _packages(python):
        _add(python, "pytest", install, uv)
    _describe_project(python, needs)
    found = probe(python, f"made from {', '.join(map(str, needs.sources)) or 'nothing'}")
    assert found is not None
    unfinished(into).unlink()
    return found


def unfinished(environment: Path) -> Path:
    """The file that stands beside an environment until it is complete."""
    return environment.with_name(f"{environment.name}.unfinished")


def needs_setuptools(python: Path) -> bool:
    """Up to Python 3.11 an environment came with ``pkg_resources``, and packages rely on it."""
    found = probe(python)
    return found is not None and Version(found.version) < Version("3.12")


def _add(python: Path, requirement: str, install: Install, uv: str | None) -> None:
    with contextlib.suppress(Refused):  # what needs it says so itself
        install_packages(python, [requirement], install, uv)


def _packages(python: Path) -> Mapping[str, str]:
    found = probe(python)
    return found.packages if found is not None else {}


def pythons(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Pythons of this machine: pyenv's, those along PATH, and the one below ourselves."""
    pyenv = environ.get("PYENV_ROOT") or str(home() / ".pyenv")
    # Unlike a path's own `glob` this passes over what another user keeps to themselves.
    pattern = f"{glob.escape(pyenv)}/versions/3.*/bin/python"
    found = [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207
    for minor in range(8, 20):
        named = shutil.which(f"python3.{minor}", path=environ.get("PATH", ""))
        if named and "/shims/" not in named:
            found.append(Path(named))
    own = Path(sysconfig.get_config_var("BINDIR") or "") / "python3"
    return (*found, *([own] if own.is_file() else []))


def choose_python(needs: Needs, candidates: Sequence[Path]) -> Path:
    """The Python that a project means.

    The one of ``.python-version`` by its minor version; else the oldest that the project allows,
    for which its old pins are likeliest to have wheels; where it says nothing, our own.

    Raises:
        Refused: None of them is allowed.
    """
    versions = {path: probed.version for path in candidates if (probed := probe(path))}
    if needs.exact:
        minor = ".".join(needs.exact.split(".")[:2])
        same = [path for path, version in versions.items() if version.startswith(f"{minor}.")]
        if same:
            return same[0]
    if needs.python is None:
        return candidates[-1]
    allowed = [path for path, version in versions.items() if _allows(needs.python, version)]
    if not allowed:
        raise Refused(
            "cannot make an environment",
            f"the project demands Python {needs.python}, and here are "
            + ", ".join(sorted(set(versions.values()), key=Version)),
            "install that Python, or name an interpreter with `--python`",
        )
    return min(allowed, key=lambda path: Version(versions[path]))


def _allows(wanted: SpecifierSet, version: str) -> bool:
    """An exact demand (``==3.11.7``) is met by its minor version: nobody means the patch."""
    exact = re.fullmatch(r"==(\d+\.\d+)\.\d+", str(wanted))
    return version.startswith(f"{exact[1]}.") if exact else version in wanted


def install_packages(
    python: Path, arguments: Sequence[str], install: Install, uv: str | None
) -> None:
    """Install into the environment of `python`, from wheels alone unless building was agreed to.

    Raises:
        Refused: They cannot be had; with the installer's words.
    """
    command: tuple[str, ...] = (str(python), "-m", "pip", "install", "--quiet")
    if uv:
        # The environment is read-only in a world: byte code that is not made now never is.
        command = (uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python))
    if install.exclude_newer:
        if not uv:
            raise Refused(
                "cannot install packages as of a date", "pip has no such option", "install uv"
            )
        command = (*command, "--exclude-newer", install.exclude_newer)
    try:
        run_installer(
            (*command, "--only-binary", ":all:", *arguments), install, "cannot install packages"
        )
    except Refused:
        if not install.build:
            raise
        run_installer((*command, *arguments), install, "cannot install packages")


def run_installer(
    command: Sequence[str], install: Install, cannot: str, *, cwd: Path | None = None
) -> None:
    """Run one command of an installer, in the person's environment.

    Raises:
        Refused: It failed, with what it said; `cannot` is how the refusal begins.
    """
    environ = {k: v for k, v in install.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=environ,
            check=False,
            cwd=cwd,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(cannot, str(error), "see that the network and the disk are there") from error
    if ended.returncode:
        raise Refused(cannot, _last_words(ended.stderr or ended.stdout), _advice(ended.stderr))


def _last_words(text: str) -> str:
    return " ".join(text.split())[-600:]


def _advice(text: str) -> str:
    if "only-binary" in text or "no usable wheels" in text or "Building source" in text:
        return "install it in an interpreter of your own, and name that one with `--python`"
    return "pin what is named, or name an interpreter that has everything with `--python`"


def _describe_project(python: Path, needs: Needs) -> None:
    """Metadata of the project itself, so that an app that asks for its own version gets it.

    It is what an editable install would leave, without running the project's build.
    """
    found = probe(python)
    if found is None or not needs.name or normal(needs.name) in found.packages:
        return
    stem = f"{normal(needs.name).replace('-', '_')}-{needs.version}.dist-info"
    folder = found.site_packages[0] / stem
    folder.mkdir(exist_ok=True)
    lines = ("Metadata-Version: 2.1", f"Name: {needs.name}", f"Version: {needs.version}", "")
    (folder / "METADATA").write_text("\n".join(lines))
    (folder / "INSTALLER").write_text("fastwright\n")


@dataclass(frozen=True, slots=True)
class Layer:
    """Packages that stand over an environment without touching it.

    `folder` goes on ``PYTHONPATH`` and must be readable inside the world; `added` are the
    distributions that the environment lacks, to versions.
    """

    folder: Path
    added: Mapping[str, str]

    @property
    def env(self) -> dict[str, str]:
        """The variable that puts the layer over the environment."""
        return {"PYTHONPATH": str(self.folder)}


def extended(
    interpreter: Interpreter, requirements: Sequence[str], into: Path, install: Install
) -> Layer:
    """Install `requirements` beside an environment, which itself stays as it is.

    What is installed already keeps its version: the app is proven with the packages that it has.

    Raises:
        Refused: They cannot be had, or not together with what is installed.
    """
    into.mkdir(parents=True, exist_ok=True)
    held = into.parent / f"{into.name}-constraints.txt"
    pins = (f"{name}=={version}" for name, version in interpreter.packages.items())
    held.write_text("\n".join(pins))
    arguments = ["--target", str(into), *requirements, "-c", str(held)]
    uv = find_uv(install.environ)
    install_packages(interpreter.python, arguments, install, uv)
    there = installed((into,))
    added = {n: v for n, v in there.items() if n not in interpreter.packages}
    return Layer(into, added)
