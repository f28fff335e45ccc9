"""New packages in a project that pins its own."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.agent.building import Building
from fastwright.agent.pinning import pinned
from fastwright.model.change import AddDependency, ChangeSet
from fastwright.model.plan import Plan
from fastwright.recipes.ensure import ensure_dependency_package
from fastwright.source import edits
from fastwright.survey import static

MAIN = b"from fastapi import FastAPI\napp = FastAPI()\n"
FILES = {
    "requirements.txt": ("fastapi==0.115.0\n", "pwdlib[argon2]==0.3.1\n"),
    "pyproject.toml": (
        '[project]\nname = "x"\ndependencies = ["fastapi==0.115.0"]\n',
        '"pwdlib[argon2]==0.3.1"',
    ),
    "Pipfile": (
        '[packages]\nfastapi = "==0.115.0"\n',
        'pwdlib = {extras = ["argon2"], version = "==0.3.1"}\n',
    ),
}


def building(name: str, text: str, requirement: str) -> tuple[Building, dict[PurePosixPath, bytes]]:
    """A plan that adds `requirement` to a project with that one manifest."""
    files = {PurePosixPath("main.py"): MAIN, PurePosixPath(name): text.encode()}
    made = ensure_dependency_package(static.read(files), requirement, "it hashes")
    changes = ChangeSet("", made, "x", deploy=(f"install {requirement}",))
    after = edits.apply(files, made)
    return Building(Plan("x", ()), after, changes, edits.diff(files, after, made), ()), files


@pytest.mark.parametrize("name", FILES)
def test_a_new_package_is_pinned_to_what_the_proof_ran_with(name: str) -> None:
    """Among exact pins it gets one too, in the file, in what is installed and in what is told."""
    text, line = FILES[name]
    built, files = building(name, text, "pwdlib[argon2]>=0.2")
    known = pinned(built, files, {"pwdlib": "0.3.1"})
    written = known.files[PurePosixPath(name)].decode()
    assert line in written
    assert ">=0.2" not in written
    assert [added.requirement for added in known.adds_packages] == ["pwdlib[argon2]==0.3.1"]
    assert known.changes.deploy == ("install pwdlib[argon2]==0.3.1",)
    assert "==0.3.1" in known.diffs[0].diff


def test_a_floor_among_floors_stays_one() -> None:
    """Where the project pins nothing, the lowest version that will do is declared."""
    built, files = building("requirements.txt", "fastapi>=0.100\n", "pyjwt>=2.8")
    assert pinned(built, files, {"pyjwt": "2.15.1"}) is built


def test_a_name_that_another_ends_with_is_left_alone() -> None:
    """`jwt` is not pinned inside `pyjwt`."""
    built, files = building("requirements.txt", "fastapi==0.115.0\n", "jwt>=1")
    other = AddDependency("pyjwt>=1", "tokens")
    both = ChangeSet("", (*built.changes.changes, other), "x")
    known = pinned(Building(built.plan, built.files, both, (), ()), files, {"jwt": "1.3"})
    assert [a.requirement for a in known.adds_packages] == ["jwt==1.3", "pyjwt>=1"]
