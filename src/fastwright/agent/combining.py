"""Steps built one on top of the other, and told as one change set over the person's own bytes.

A later step is computed on the files as the earlier ones leave them, so its edits are relative to
those. Told together, a file that only one step edits keeps its edits; one that several edit is
replaced whole, with the reasons of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from fastwright.model.change import Change, ChangeSet, Edit, Ground, NewFile, Promise, fingerprint
from fastwright.model.places import Span
from fastwright.model.plan import Built
from fastwright.source import edits

Files = Mapping[PurePosixPath, bytes]


def combine(before: Files, after: Files, built: Sequence[Built]) -> ChangeSet:
    """One change set that turns `before` into `after`, of the steps `built` in order."""
    sets = [one.changes for one in built]
    return ChangeSet(
        baseline=fingerprint(before),
        changes=_changes(before, after, sets),
        title=" and ".join(_unique(s.title for s in sets if not s.is_empty)) or "nothing to change",
        explains=tuple(d for s in sets for d in s.explains),
        needs=_unique(n for s in sets for n in s.needs),
        promise=replace(
            _promise([s.promise for s in sets]), grounds=tuple(_grounds(before, after, sets))
        ),
        not_done=_unique(n for s in sets for n in s.not_done),
        deploy=_unique(d for s in sets for d in s.deploy),
        next=_unique(n for s in sets for n in s.next),
    )


def _changes(before: Files, after: Files, sets: Sequence[ChangeSet]) -> tuple[Change, ...]:
    if len(sets) == 1:
        return sets[0].changes
    touched = Counter(path for s in sets for path in set(s.paths()))
    kept: list[Change] = []
    for change in (c for s in sets for c in s.changes):
        path = _path(change)
        if path is None or (touched[path] == 1):
            kept.append(change)
    shared = sorted(path for path, count in touched.items() if count > 1)
    return (*kept, *(_whole(path, before, after, sets) for path in shared))


def _path(change: Change) -> PurePosixPath | None:
    if isinstance(change, NewFile):
        return change.path
    return change.span.path if isinstance(change, Edit) else None


def _whole(path: PurePosixPath, before: Files, after: Files, sets: Sequence[ChangeSet]) -> Change:
    own = [c for s in sets for c in s.changes if _path(c) == path]
    why = "; ".join(_unique(c.why for c in own if isinstance(c, Edit | NewFile)))
    text = after[path].decode()
    if path in before:
        return Edit(Span(path, 0, len(before[path])), text, why)
    return NewFile(path, text, why, any(isinstance(c, NewFile) and c.secret for c in own))


def _promise(promises: Sequence[Promise]) -> Promise:
    return Promise(
        adds=tuple(o for p in promises for o in p.adds),
        alters=tuple(o for p in promises for o in p.alters),
        access=_unique(a for p in promises for a in p.access),
        settings=_unique(s for p in promises for s in p.settings),
        tables=_unique(t for p in promises for t in p.tables),
        mutations=tuple(m for p in promises for m in p.mutations),
        tests=tuple(dict.fromkeys(t for p in promises for t in p.tests)),
        attacks=tuple(a for p in promises for a in p.attacks),
    )


def _grounds(before: Files, after: Files, sets: Sequence[ChangeSet]) -> Iterator[Ground]:
    """For each step but the first that brings tests, the tree that it was built on."""
    files = before
    for one in sets:
        if one.promise.tests and files != before:
            differing = sorted(p for p in {*files, *after} if files.get(p) != after.get(p))
            were = ((p, files[p].decode() if p in files else None) for p in differing)
            yield Ground(one.promise.tests, tuple(were))
        files = edits.apply(files, one.changes)


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
