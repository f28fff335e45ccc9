"""Only what was promised changed, and running it changed nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.change import AddDependency, ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.parses import touched
from fastwright.prove.side import Side


def run(before: Side, after: Side, changes: ChangeSet) -> Check:
    """The trees differ in promised files alone, and the copy still holds the new tree's bytes.

    A file that the old tree's runs rewrite as well is the app's own doing, and is let be.
    """
    promised = set(changes.paths()) | _manifests(after, changes)
    differing = touched(before, after)
    strays = [path for path in differing if path not in promised]
    own_doing = set(_rewritten(before))
    rewritten = [path for path in _rewritten(after) if path not in own_doing]
    evidence = (
        *_named(strays, "differs, and no change names it"),
        *_named(rewritten, "was rewritten while the new tree ran"),
    )
    if evidence:
        return GATE.failed("", f"{len(evidence)} files beyond the promise", *evidence)
    untouched = len(after.files) - len([p for p in differing if p in after.files])
    return GATE.passed("", f"{len(differing)} files changed, {untouched} byte-identical")


def _manifests(after: Side, changes: ChangeSet) -> set[PurePosixPath]:
    """The dependency files, where the change adds a dependency."""
    if not any(isinstance(change, AddDependency) for change in changes.changes):
        return set()
    return {manifest.path for manifest in after.map.manifests}


def _rewritten(side: Side) -> Iterator[PurePosixPath]:
    for path, content in side.files.items():
        if side.world.fence.read(path) != content:
            yield path


def _named(paths: list[PurePosixPath], what: str) -> Iterator[Evidence]:
    return (Evidence(EvidenceKind.SOURCE, f"`{path}` {what}") for path in paths)


GATE = Gate("scope", "only promised files changed", run, behind=("*",))
