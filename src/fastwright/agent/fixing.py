"""Fixes put onto a tree in sequence: find, apply what fits together, read again, find again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.agent.combining import combine
from fastwright.lab.formatter import style_of, tidied
from fastwright.model.app import AppMap
from fastwright.model.change import (
    AddDependency,
    Change,
    ChangeSet,
    Edit,
    Fix,
    Manual,
    NewFile,
    Safety,
    fingerprint,
)
from fastwright.model.errors import Refused
from fastwright.model.plan import Built, Step
from fastwright.model.review import Objection
from fastwright.review import revisions
from fastwright.source import call_sites, edits, imports
from fastwright.source.syntax import error_count, find, parse

Files = Mapping[PurePosixPath, bytes]
Find = Callable[[Files], tuple[AppMap, tuple[Objection, ...]]]
"""The map of a tree, and what is objected to in it."""

ROUNDS = 8
"""Times that a tree is read again; what is left then is left."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One fix that was taken, known by `key` on every tree that has the same objection."""

    key: str
    title: str
    handler: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A tree with fixes on it, and the one change set that leads there."""

    files: Files
    changes: ChangeSet
    chosen: tuple[Chosen, ...]


def fix(
    files: Files,
    find: Find,
    safety: Safety,
    *,
    only: Collection[str] | None = None,
    never: Collection[str] = (),
) -> Fixed:
    """`files` with every fix of at most that `safety`, in the order of the objections.

    Fixes that touch the same bytes, and second revisions of one database, wait for the next round,
    for which the tree is read again. Of the fixes of one objection the first that may be applied
    counts.

    Args:
        files: The tree.
        find: Reads a tree and judges it.
        safety: The boldest kind of fix that is taken.
        only: Keys of the fixes that are taken; all, when ``None``.
        never: Keys of those that are not.
    """
    now, built, chosen = files, list[Built](), dict[str, Chosen]()
    for _ in range(ROUNDS):
        app, objections = find(now)
        wanted = [(key, fix) for key, fix in _offered(objections, safety)
                  if key not in never and (only is None or key in only)]  # fmt: skip
        taken = _fitting(app, [(k, f) for k, f in wanted if k not in chosen])
        if not taken:
            break
        changes = _together(app, [change for _, fix in taken.values() for change in fix])
        for set_ in _tidy(app, _change_set(now, changes, taken)):
            built.append(Built(Step("review", "fixes"), set_))
            now = edits.apply(now, set_.changes)
        places = {_key(o): (o.finding.symbol, o.rule) for o in objections}
        chosen |= {k: Chosen(k, title, *places[k]) for k, (title, _) in taken.items()}
    return Fixed(now, combine(files, now, built), tuple(chosen.values()))


def _tidy(app: AppMap, changes: ChangeSet) -> Iterator[ChangeSet]:
    """The changes, and then what leaves the files that they touch as tidy as they were."""
    yield changes
    after = edits.apply(app.files, changes.changes)
    tidy = tidied(app.files, after, style_of(app))
    if tidy:
        yield ChangeSet(fingerprint(after), tidy, changes.title)


def _offered(
    objections: Collection[Objection], safety: Safety
) -> list[tuple[str, Fix]]:  # fmt: skip
    """The first fix of each objection that can be applied by itself."""
    found: dict[str, Fix] = {}
    for one in objections:
        able = (f for f in one.finding.fixes if _is_able(f) and _allowed(f, safety))
        first = next(able, None)
        if first is not None:
            found.setdefault(_key(one), first)
    return list(found.items())


def _allowed(fix: Fix, safety: Safety) -> bool:
    return fix.safety is Safety.SAFE or safety is Safety.CHANGES_BEHAVIOUR


def _is_able(fix: Fix) -> bool:
    """True where it is edits and files alone: no package to install, no step by hand."""
    writes = any(isinstance(c, Edit | NewFile) for c in fix.changes)
    return writes and not any(isinstance(c, AddDependency | Manual) for c in fix.changes)


def _key(one: Objection) -> str:
    """What stays the same of an objection while other fixes change the code around it."""
    return f"{one.rule} {one.path} {one.finding.symbol} {one.finding.message}"


def _fitting(
    app: AppMap, wanted: list[tuple[str, Fix]]
) -> dict[str, tuple[str, tuple[Change, ...]]]:  # fmt: skip
    """Those that can be made at once: no two edit the same bytes, and every file still parses.

    Of the revisions of one Alembic environment one is made, that of all indexes as one: the next
    must follow it.
    """
    taken: dict[str, tuple[str, tuple[Change, ...]]] = {}
    together: tuple[Change, ...] = ()
    for key, one in wanted:
        tried = (*together, *one.changes)
        if _applies(app, tried):
            together = tried
            taken[key] = (one.title, one.changes)
    return taken


def _applies(app: AppMap, changes: tuple[Change, ...]) -> bool:
    changes = _together(app, changes)
    made = [c.path.parent for c in changes if isinstance(c, NewFile)]
    if any(made.count(environment.versions) > 1 for environment in app.migrations):
        return False
    try:
        after = edits.apply(app.files, changes)
    except (Refused, ValueError):
        return False
    touched = (p for p in after if after[p] != app.files.get(p) and p.suffix == ".py")
    return all(_compiles(after[p]) for p in touched)


def _together(app: AppMap, changes: Sequence[Change]) -> tuple[Change, ...]:
    """All changes as those of one hand: one block of imports a file, one revision for indexes."""
    return imports.combine(app, revisions.joined(app, changes))


def _compiles(content: bytes) -> bool:
    """True where it parses, and each ``await`` still stands in an ``async`` function.

    One fix may hand a call to a thread and await it, where another makes the function a plain one.
    """
    root = parse(content)
    if error_count(root):
        return False
    around = (call_sites.function_of(node) for node in find(root, "await"))
    return all(a is not None and a.children[0].type == "async" for a in around)


def _change_set(
    files: Files,
    changes: tuple[Change, ...],
    taken: Mapping[str, tuple[str, tuple[Change, ...]]],
) -> ChangeSet:
    titles = [title for title, _ in taken.values()]
    title = titles[0] if len(titles) == 1 else f"Repair {len(titles)} findings"
    return ChangeSet(fingerprint(files), changes, title)
