"""Many small apps booted cheaply: one interpreter that knows the frameworks, one fork an app."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from fastwright.model.app import AppMap
from fastwright.testing import warm


class Booter:
    """Boots apps in forks of one warm interpreter; made by `booter`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._asks = cast("IO[str]", process.stdin)
        self._answers = cast("IO[str]", process.stdout)

    def error(self, folder: Path, target: str) -> str:
        """Why ``module:name`` in `folder` cannot be imported and described; empty where it can."""
        self._asks.write(json.dumps({"folder": str(folder), "target": target}) + "\n")
        self._asks.flush()
        return str(json.loads(self._answers.readline())["error"])

    def error_of(self, app: AppMap, into: Path) -> str:
        """The same of the files of a map, written into the empty folder `into`."""
        if app.app is None:
            return "no application was found in it"
        write(into, app.files)
        return self.error(into / app.roots.imports, app.app.target)


@contextmanager
def booter(python: Path) -> Iterator[Booter]:
    """A `Booter` on that interpreter, which ends with the context."""
    command = (str(python), "-u", warm.__file__)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield Booter(process)
        finally:
            process.kill()


def write(root: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    """Write `files` below `root`."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
