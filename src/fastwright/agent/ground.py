"""Where a run stands: the project made whole, read, and mapped from its source."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fastwright.agent import telling
from fastwright.agent.person import Person, Wishes
from fastwright.model.app import AppMap
from fastwright.model.errors import NotAProject, Refused
from fastwright.survey import static
from fastwright.survey.cache import DiskCache
from fastwright.workspace import journal
from fastwright.workspace.project import Project

OLDEST_PYDANTIC = 2
WORTH_KEEPING = 150
"""Files from which on the facts of a tree are kept: a smaller one is read as fast as recalled."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A project as it was found.

    Attributes:
        files: The bytes that everything is computed from.
        recovered: What was made whole first, or awaits it, in words.
    """

    project: Project
    files: Mapping[PurePosixPath, bytes]
    app: AppMap
    recovered: str = ""

    def with_map(self, app: AppMap) -> Ground:
        """The same ground, better known."""
        return replace(self, app=app)


def find(start: Path, person: Person, wishes: Wishes, *, reads_only: bool = False) -> Ground:
    """The ground under `start`; where it is for reading only, nothing is made whole, only told.

    Raises:
        UsageError: There is nothing at `start`.
        NotAProject: No FastAPI application is in it.
    """
    return mapped(open_project(start, person, reads_only=reads_only), start, wishes)


def open_project(start: Path, person: Person, *, reads_only: bool = False) -> Ground:
    """The project under `start`, whole and read, with an empty map; `reads_only` as in `find`.

    Raises:
        UsageError: There is nothing at `start`.
        Refused: Our own folder in it is damaged, or cannot be written.
    """
    project = Project.find(start)
    recovered = waiting(project) if reads_only else make_whole(project)
    if recovered:
        person.phase(recovered)
    person.phase("reading the source")
    files = project.read()
    return Ground(project, files, AppMap(files, None), recovered)


def mapped(opened: Ground, start: Path, wishes: Wishes) -> Ground:
    """An opened project with its map; raises as `find`."""
    app = read_source(opened.project, opened.files, wishes.target)
    return opened.with_map(_checked(app, start, wishes))


def read_source(
    project: Project, files: Mapping[PurePosixPath, bytes], target: str | None
) -> AppMap:
    """The map of `files` from their source; of many files, what is known of them is kept."""
    if len(files) < WORTH_KEEPING:
        return static.read(files, target=target)
    with contextlib.suppress(Refused), DiskCache(project.state / "cache") as cache:
        return static.read(files, cache=cache, target=target)
    return static.read(files, target=target)  # a tree that cannot be written to


def make_whole(project: Project) -> str:
    """See to a change that was interrupted; what was found and done, in words."""
    if journal.is_foreign(project):
        return telling.FOREIGN
    recovery = journal.recover(project)
    return telling.recovered(recovery) if recovery else ""


def waiting(project: Project) -> str:
    """What `make_whole` would have to do, in words; writes nothing."""
    if journal.is_foreign(project):
        return telling.FOREIGN
    entry = journal.interrupted(project)
    return telling.interrupted(entry) if entry else ""


def _checked(app: AppMap, start: Path, wishes: Wishes) -> AppMap:
    if app.app is not None:
        return app
    if len(app.applications) > 1:
        names = ", ".join(f"`{a.target}`" for a in app.applications)
        raise NotAProject(
            "cannot tell which app is meant",
            f"{start} holds {len(app.applications)}: {names}",
            f"name one: `--target {app.applications[0].target}`",
        )
    asked = f"no `{wishes.target}`" if wishes.target else "no `FastAPI(…)`"
    unread = "".join(f"; {text}" for text in telling.read_in_part(app))
    raise NotAProject(
        f"cannot find a FastAPI app in `{start}`",
        f"{asked} is in its {len(app.modules)} Python files{unread}",
        "point at the project with `--app PATH`, or at the app with `--target module:name`",
    )


def other_apps(app: AppMap, target: str | None) -> tuple[str, ...]:
    """What to say where a repository has several apps, and nobody named one."""
    chosen = app.app.target if app.app else ""
    others = [a.target for a in app.applications if a.target != chosen and not a.mounted_at]
    if target or not others:
        return ()
    named = ", ".join(f"`{other}`" for other in others)
    return (f"`{chosen}` was taken, with the most routes; `--target` picks another: {named}",)


def refuse_old_pydantic(app: AppMap) -> None:
    """Turn away apps on pydantic 1, whose models the recipes cannot write for.

    Raises:
        Refused: The app's pydantic, as installed or locked, is below 2.
    """
    version = app.versions.get("pydantic", "")
    if version and int(version.partition(".")[0]) < OLDEST_PYDANTIC:
        raise Refused(
            "cannot build into this app",
            f"it is on pydantic {version}, and recipes are written for pydantic 2",
            "move it to pydantic 2 first; `fastwright survey` works as it is",
        )
