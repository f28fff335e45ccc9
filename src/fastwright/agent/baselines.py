"""Where a baseline lies, and the only way to read and write one: it may be named by a stranger."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fastwright.model.errors import UsageError
from fastwright.model.review import Objection
from fastwright.review import baseline
from fastwright.review.settings import Settings
from fastwright.workspace.project import Project


def place_of(project: Project, settings: Settings, named: Path | None) -> Path | None:
    """The file of the baseline: the one `named` by the person, else that of the project's settings.

    Raises:
        UsageError: The settings, which come with a clone, name a file outside the project.
    """
    if named is not None or settings.baseline is None:
        return named
    place = (project.root / settings.baseline).resolve()
    if not place.is_relative_to(project.root.resolve()):
        raise UsageError(
            f"cannot use the baseline `{settings.baseline}`",
            "`[tool.fastwright]` names a file outside the project",
            "name one in the project, or pass it with `--baseline FILE`",
        )
    return place


def read(place: Path) -> str:
    """The text of a baseline.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return place.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the baseline `{place}`", str(error), "write it with `--write-baseline`"
        ) from error


def write(place: Path | None, objections: Iterable[Objection]) -> None:
    """Make `objections` known in the file at `place`.

    Raises:
        UsageError: No file was named, or it cannot be written, or holds something else.
    """
    if place is None:
        raise UsageError(
            "cannot write a baseline", "no file is named for it", "name one with `--baseline FILE`"
        )
    if place.exists():
        _check_ours(place)
    try:
        place.write_text(baseline.render(objections), "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write the baseline `{place}`", str(error)) from error


def _check_ours(place: Path) -> None:
    try:
        baseline.read(read(place) or baseline.render(()))
    except UsageError as error:
        raise UsageError(
            f"cannot write the baseline `{place}`",
            "there is a file that is no baseline",
            "name another with `--baseline FILE`",
        ) from error
