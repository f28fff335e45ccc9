"""Lock file and environment after a change that adds packages, by the project's own tools."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.agent.environments import lacking
from fastwright.agent.person import Person
from fastwright.lab import scratch
from fastwright.lab.interpreter import Install, Interpreter
from fastwright.lab.interpreter_update import add_packages, locking_tool, relock
from fastwright.model.errors import Refused
from fastwright.workspace import checkout
from fastwright.workspace.project import Project

Files = Mapping[PurePosixPath, bytes]
_LOCKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"pyproject.toml": ("uv.lock", "poetry.lock", "pdm.lock"), "Pipfile": ("Pipfile.lock",)}
)


@dataclass(frozen=True, slots=True)
class Relocked:
    """Lock files as they shall be, and what remains for the person where no tool was at hand."""

    files: Files
    remains: tuple[str, ...] = ()


def lock_files(project: Project, before: Files, after: Files) -> Relocked:
    """The lock files beside manifests that differ between `before` and `after`, written anew.

    The tools run on a disposable copy, so that the tree changes through the journal alone.
    """
    found: dict[PurePosixPath, bytes] = {}
    remains: list[str] = []
    for lock in _stale(before, after):
        if locking_tool(lock.name, Install(os.environ)) is None:
            remains.append(f"write `{lock}` anew: its tool is not installed here")
            continue
        try:
            found[lock] = _relocked(project, after, lock)
        except Refused as refused:
            remains.append(f"write `{lock}` anew: {refused.because}")
    return Relocked(found, tuple(remains))


def _stale(before: Files, after: Files) -> Sequence[PurePosixPath]:
    """The lock files of the changed manifests: beside each, or at the root of its workspace."""
    changed = (p for p in after if p.name in _LOCKS and before.get(p) != after[p])
    found = (_lock_of(before, manifest) for manifest in changed)
    return sorted({lock for lock in found if lock is not None})


def _lock_of(files: Files, manifest: PurePosixPath) -> PurePosixPath | None:
    locks = (folder / name for folder in manifest.parents for name in _LOCKS[manifest.name])
    return next((lock for lock in locks if lock in files), None)


def _relocked(project: Project, after: Files, lock: PurePosixPath) -> bytes:
    folder = scratch.make(apart_from=project.root)
    try:
        copy = folder.path / "copy"
        checkout.copy(project, copy)
        for path in (p for p in after if p.name in _LOCKS):
            (copy / path).write_bytes(after[path])
        return relock(copy / lock.parent, lock.name, Install(os.environ))
    finally:
        folder.remove()


def environment(
    interpreter: Interpreter, requirements: Sequence[str], person: Person
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Install what the app now needs into its environment, if the person wants that.

    Returns:
        What was done, and what remains for the person.
    """
    missing = lacking(requirements, interpreter)
    if not missing:
        return (), ()
    named = ", ".join(f"`{text}`" for text in missing)
    if not person.agrees(f"Install {named} into the app's environment, {interpreter.prefix}?"):
        return (), (f"install {named} into the app's environment",)
    try:
        add_packages(interpreter, missing, Install(os.environ))
    except Refused as refused:
        return (), (f"install {named} into the app's environment: {refused.because}",)
    return (f"installed {named} into `{interpreter.prefix}`",), ()
