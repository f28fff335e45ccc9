"""What an interpreter is, asked without running anything of the app or of its packages."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SECONDS = 20.0
_ASK = (
    "import json, sys, sysconfig; paths = sysconfig.get_paths(); "
    "print(json.dumps([list(sys.version_info[:3]), sys.prefix, sys.base_prefix, "
    "sorted({paths['purelib'], paths['platlib']})]))"
)
_DIST = re.compile(r"^(?P<name>.+?)-(?P<version>\d[^-]*)\.(dist-info|egg-info)$")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The app's own Python.

    Attributes:
        python: The path of the program, symbolic links kept: they are what makes an environment.
        version: As three numbers with dots.
        prefix: The environment.
        base_prefix: The installation below it.
        site_packages: Folders of installed packages.
        packages: Installed distributions, names in lower case with hyphens, to versions.
        source: How it was found, in words.
    """

    python: Path
    version: str
    prefix: Path
    base_prefix: Path
    site_packages: tuple[Path, ...]
    packages: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def has_fastapi(self) -> bool:
        """FastAPI is installed."""
        return "fastapi" in self.packages


def probe(python: Path, source: str = "") -> Interpreter | None:
    """What is known of the program at `python`; None where it does not run.

    It is started with ``-I -S``, so that no ``.pth`` file or ``sitecustomize`` runs; packages are
    read from the names of their metadata folders.
    """
    try:
        ended = subprocess.run(
            (str(python), "-I", "-S", "-c", _ASK),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            text=True,
            env={},
        )
        version, prefix, base, site = json.loads(ended.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    environment = _environment_of(python)
    if environment is not None:
        folder = f"python{version[0]}.{version[1]}"
        site = [str(environment / "lib" / folder / "site-packages")]
        prefix = str(environment)
    places = tuple(Path(place) for place in site)
    return Interpreter(
        python,
        ".".join(map(str, version)),
        Path(prefix),
        Path(base),
        places,
        installed(places),
        source,
    )


def _environment_of(python: Path) -> Path | None:
    """The virtual environment that `python` stands in; without ``site`` it does not know itself."""
    folder = python.absolute().parent.parent
    return folder if (folder / "pyvenv.cfg").is_file() else None


def installed(places: tuple[Path, ...]) -> dict[str, str]:
    """The distributions whose metadata lies in `places`."""
    found: dict[str, str] = {}
    for place in places:
        for entry in sorted(place.glob("*-info")) if place.is_dir() else ():
            match = _DIST.match(entry.name)
            if match:
                found.setdefault(normal(match["name"]), match["version"])
    return found


def normal(name: str) -> str:
    """A distribution's name as registries compare it: ``Typing_Extensions`` is one of three."""
    return re.sub(r"[-_.]+", "-", name).lower()
