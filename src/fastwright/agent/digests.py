"""What a review goes by that follows from the files alone: found once, and recalled."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath

from fastwright import review
from fastwright.agent import ground, telling
from fastwright.model import wire
from fastwright.model.app import AppMap
from fastwright.model.errors import Refused
from fastwright.model.finding import Finding, Rule
from fastwright.model.review import Fault
from fastwright.review import engine
from fastwright.survey.applications import Target
from fastwright.survey.cache import DiskCache
from fastwright.survey.kept_map import fingerprint
from fastwright.workspace.project import Project

Files = Mapping[PurePosixPath, bytes]

MOST_UNREAD = 5
"""Files that could not be parsed whole of which the notes tell."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What rules found in one tree, and what a report says of it beside.

    Attributes:
        target: ``module:name`` of the application.
        folder: Where it stands, relative to the repository.
        findings: Of all rules that ran, whatever the project permits.
        faults: Rules that raised.
        routes: Route to the guards before it, by their plain names.
        modules: How many Python files there are.
        notes: What was not looked at.
    """

    target: str
    folder: str
    findings: tuple[Finding, ...]
    faults: tuple[Fault, ...]
    routes: Mapping[str, tuple[str, ...]]
    modules: int
    notes: tuple[str, ...]


def digest(app: AppMap, rules: Sequence[Rule], target: Target = None) -> Digest:
    """What `rules` find in `app`; `target` is the application that the person named, if one."""
    found = engine.find_all(app, rules)
    reached = (route for route in app.routes if route.reachable)
    return Digest(
        app.app.target if app.app else "",
        str(app.app.path.parent) if app.app else ".",
        found.findings,
        found.faults,
        {str(r): tuple(g.name.rpartition(".")[2] for g in r.guards) for r in reached},
        len(app.modules),
        tuple(_notes(app, target)),
    )


def _notes(app: AppMap, target: Target) -> Iterator[str]:
    yield from ground.other_apps(app, target)
    unread = telling.read_in_part(app)
    if unread:
        more = f" and {len(unread) - MOST_UNREAD} more" if len(unread) > MOST_UNREAD else ""
        yield f"read in part: {'; '.join(unread[:MOST_UNREAD])}{more}"
    if app.unresolved:
        lost = len(app.unresolved)
        yield f"{lost} registrations could not be followed: `fastwright survey` names them"


def recalled(project: Project, files: Files, target: Target, make: Callable[[], Digest]) -> Digest:
    """The digest of `files` by all rules, kept from an earlier run or made by `make`.

    Only trees of many files are kept: a small one is read as fast. What cannot be kept or read is
    made anew.
    """
    if len(files) < ground.WORTH_KEEPING:
        return make()
    place, tree = f"review {target or ''}", f"{fingerprint(files)} {_own_code()}"
    with _cache(project) as kept:
        known = _read(kept.get(place), tree) if kept is not None else None
    if known is not None:
        return known
    made = make()
    with _cache(project) as kept:
        if kept is not None:
            kept.put(place, f"{tree}\n{json.dumps(wire.to_json(made))}")
    return made


@contextmanager
def _cache(project: Project) -> Iterator[DiskCache | None]:
    with contextlib.ExitStack() as stack:
        kept = None
        with contextlib.suppress(Refused):
            kept = stack.enter_context(DiskCache(project.state / "cache"))
        yield kept


def _read(text: str | None, tree: str) -> Digest | None:
    was, _, rows = (text or "").partition("\n")
    if was != tree:
        return None
    try:
        return wire.from_json(Digest, json.loads(rows))
    except (ValueError, TypeError, KeyError):
        return None


@cache
def _own_code() -> str:
    """A hash of the code that finds: this package's rules, and the names of others'."""
    code = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(review.__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    for point in entry_points(group="fastwright.rules"):
        version = point.dist.version if point.dist else ""
        code.update(f"{point.value} {version}".encode())
    return code.hexdigest()
