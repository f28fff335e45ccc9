"""New packages pinned to the versions that the proof runs with, where the others are pinned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fastwright.agent.building import Building, Files
from fastwright.model.change import AddDependency, Change, Edit
from fastwright.source import edits


def pinned(building: Building, before: Files, versions: Mapping[str, str]) -> Building:
    """`building` with each package that is to be pinned, and was not known, at its version.

    Args:
        building: What the plan comes to, with the lowest versions that will do.
        before: The files that its changes were computed on.
        versions: What is installed for the proof, by canonical name.
    """
    exact = {
        added.requirement: f"=={versions[canonicalize_name(Requirement(added.requirement).name)]}"
        for added in building.adds_packages
        if added.exact and canonicalize_name(Requirement(added.requirement).name) in versions
    }
    if not exact:
        return building
    changes = replace(
        building.changes,
        changes=tuple(_pinned(change, exact) for change in building.changes.changes),
        deploy=tuple(_in_words(line, exact) for line in building.changes.deploy),
    )
    return replace(
        building,
        changes=changes,
        files=edits.apply(before, changes.changes),
        diffs=edits.diff(before, edits.apply(before, changes.changes), changes.changes),
    )


def _pinned(change: Change, exact: Mapping[str, str]) -> Change:
    if isinstance(change, AddDependency) and change.requirement in exact:
        return replace(change, requirement=_exact(change.requirement, exact))
    if isinstance(change, Edit):
        text = change.text
        for requirement, version in exact.items():
            text = _declared(text, Requirement(requirement), version)
        return replace(change, text=text)
    return change


def _declared(text: str, wanted: Requirement, version: str) -> str:
    """The line that declares `wanted`, in a list or in a table, with the version."""
    name, floor = re.escape(wanted.name), re.escape(str(wanted.specifier))
    before = rf"(?<![\w.-])({name}(?:\[[^\]\n]*\])?(?:\s*=\s*(?:\{{[^}}\n]*version\s*=\s*)?\")?)"
    return re.sub(rf"{before}{floor}", lambda m: f"{m[1]}{version}", text)


def _exact(requirement: str, exact: Mapping[str, str]) -> str:
    floor = str(Requirement(requirement).specifier)
    return requirement.replace(floor, exact[requirement])


def _in_words(line: str, exact: Mapping[str, str]) -> str:
    for requirement in exact:
        line = line.replace(requirement, _exact(requirement, exact))
    return line
