"""Where a run stands: the project made whole, read, and mapped from its source."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fastwright.agent import telling
from fastwright.agent.person import Person, Wishes
from fastwright.model.app import AppMap
from fastwright.model.code import LeftOut
from fastwright.model.errors import NotAProject, Refused
from fastwright.survey import static
from fastwright.survey.applications import Target
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
        target: Which of the project's applications is meant, where the person said so.
        recovered: What was made whole first, or awaits it, in words.
    """

    project: Project
    files: Mapping[PurePosixPath, bytes]
    app: AppMap
    target: Target = None
    recovered: str = ""

    def with_map(self, app: AppMap) -> Ground:
        """The same ground, better known."""
        return replace(self, app=app)

    def remap(self, files: Mapping[PurePosixPath, bytes]) -> AppMap:
        """The map of `files`, a later form of the project's, from their source."""
        return static.read(files, target=self.target)


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
    reading = project.scan()
    unread = tuple(LeftOut(u.path, u.because) for u in reading.unread if u.path.suffix == ".py")
    app = AppMap(reading.files, None, left_out=unread)
    return Ground(project, reading.files, app, _place(project, start), recovered)


def mapped(opened: Ground, start: Path, wishes: Wishes, *, keeps: bool = True) -> Ground:
    """An opened project with its map, which is kept for later runs; raises as `find`."""
    target = wishes.target or opened.target
    app = read_source(opened.project, opened.files, target, keeps=keeps)
    app = replace(app, left_out=opened.app.left_out)
    return replace(opened, app=_checked(app, start, wishes), target=target)


def _place(project: Project, start: Path) -> PurePosixPath | None:
    """The file or folder of the project that the person points at, where it is not all of it."""
    here = PurePosixPath(start.resolve().relative_to(project.root).as_posix())
    return here if here.parts else None


def read_source(
    project: Project,
    files: Mapping[PurePosixPath, bytes],
    target: Target,
    *,
    keeps: bool = True,
) -> AppMap:
    """The map of `files` from their source; of many files, what is known of them is kept.

    `keeps` is about the map: to write it takes a tenth of the time in which it is made.
    """
    if len(files) < WORTH_KEEPING:
        return static.read(files, target=target)
    with contextlib.suppress(Refused), DiskCache(project.state / "cache") as cache:
        return static.read(files, cache=cache, target=target, keeps=keeps)
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
    if app.applications:
        raise _not_among(app, start, wishes.target)
    unread = "".join(f"; {text}" for text in telling.read_in_part(app))
    raise NotAProject(
        f"cannot find a FastAPI app in `{start}`",
        f"{_looked_at(app)}{unread}",
        "point at the project with `--app PATH`, or at the app with `--target module:name`",
    )


def _looked_at(app: AppMap) -> str:
    if not app.modules:
        return "no Python file of it could be read" if app.left_out else "it holds no Python file"
    several = f"{len(app.modules)} Python files"
    return f"no `FastAPI(…)` is in its {'one Python file' if len(app.modules) == 1 else several}"


def _not_among(app: AppMap, start: Path, asked: str | None) -> NotAProject:
    """Why none of the applications was taken: not one is called so, or none is the foremost."""
    places = {(a.target, a.path): a for a in app.applications}
    targets = [target for target, _ in places]
    if asked is not None and asked.replace("()", "") not in targets:
        likely = difflib.get_close_matches(asked, targets, 1)
        do = f"did you mean `--target {likely[0]}`?" if likely else "name one of them"
        names = ", ".join(f"`{target}`" for target in sorted(set(targets)))
        return NotAProject(f"cannot find the app `{asked}`", f"those here are {names}", do)
    alike = len(set(targets)) < len(targets)
    named = [f"`{t}` in `{path}`" if alike else f"`{t}`" for t, path in sorted(places)]
    because = "are called so" if asked else "have as many routes"
    first = min(places)
    do = f"--app {start / first[1]}" if alike else f"--target {first[0]}"
    return NotAProject(
        "cannot tell which app is meant",
        f"{len(named)} in `{start}` {because}: {', '.join(named)}",
        f"name one, such as `{do}`",
    )


def other_apps(app: AppMap, target: Target) -> tuple[str, ...]:
    """What to say where a repository has several apps, and nobody named one."""
    chosen = app.app.target if app.app else ""
    place = target if isinstance(target, PurePosixPath) else PurePosixPath()
    near = [a for a in app.applications if not a.mounted_at and a.path.is_relative_to(place)]
    others = [a.target for a in near if a.target != chosen]
    if isinstance(target, str) or not others:
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
