"""One folder a run: its report and whatever else is worth keeping, without secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastwright.workspace.project import Project
from fastwright.workspace.redact import redact
from fastwright.workspace.state import unwritable, write_durably


@dataclass(frozen=True, slots=True)
class Run:
    """The folder ``.fastwright/runs/<id>/``, mode 0700."""

    folder: Path

    @property
    def id(self) -> str:
        """The folder's name: the time of its start, to the second, and a number if need be."""
        return self.folder.name

    def write(self, name: str, text: str, secrets: Iterable[str] = ()) -> Path:
        """Keep `text` as the file `name`, redacted; returns its path.

        Raises:
            Refused: The system does not let us write.
        """
        path = self.folder / name
        try:
            write_durably(path, redact(text, secrets).encode())
        except OSError as error:
            raise unwritable(path, error) from error
        return path


def start(project: Project, at: datetime) -> Run:
    """A new run, begun at `at`.

    Raises:
        Refused: The system does not let us write.
    """
    runs = project.state / "runs"
    stamp = at.strftime("%Y%m%d-%H%M%S")
    try:
        runs.mkdir(mode=0o700, exist_ok=True)
        for number in range(1, 1000):
            folder = runs / (stamp if number == 1 else f"{stamp}-{number}")
            if not folder.exists():
                folder.mkdir(mode=0o700)
                return Run(folder)
    except OSError as error:
        raise unwritable(runs, error) from error
    raise AssertionError(f"a thousand runs in one second in {runs}")
