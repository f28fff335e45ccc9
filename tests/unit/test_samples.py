"""The sample apps are what `fastwright.testing.samples` says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.world import World
from fastwright.testing.samples import REPOSITORY, Sample, every_sample, sample_app
from fastwright.workspace import journal
from fastwright.workspace.project import Project

RUNNABLE = [(sample, lock) for sample in every_sample() for lock in sample.locks]
IDS = [f"{sample.name}-{lock}" for sample, lock in RUNNABLE]


def test_every_folder_of_apps_is_listed() -> None:
    """No sample app lies in the repository without an entry, and no entry without an app."""
    folders = {p.name for p in (REPOSITORY / "tests/apps").iterdir() if p.is_dir()}
    listed = {s.name for s in every_sample() if s.path.parent.name == "apps"}
    assert folders - {"attacked", "broken", "examined"} == listed
    assert all((REPOSITORY / s.path).is_dir() for s in every_sample())


@pytest.mark.parametrize("sample", every_sample(), ids=lambda s: s.name)
def test_a_copy_holds_the_sources_alone(sample: Sample, tmp_path: Path) -> None:
    """A copy has the manifest and the code, and nothing that running left behind."""
    copied = sample.copy(tmp_path)
    names = {p.name for p in copied.rglob("*")}
    assert names & {"requirements.txt", "pyproject.toml"}
    assert not [n for n in names if n == "__pycache__" or n.endswith((".db", ".pyc"))]


def test_a_copy_is_without_what_was_applied_to_the_original(tmp_path: Path) -> None:
    """Whoever has tried the README's command on the example has no other tests than anybody."""
    sample = sample_app("bookshop")
    original = sample.copy(tmp_path / sample.path.parent)
    project, main = Project(original), PurePosixPath("bookshop/main.py")
    before = project.read()
    journal.apply(project, before, {main: b"x = 1\n", PurePosixPath("new.py"): b""}, "try")
    copied = sample.copy(tmp_path / "copy", tmp_path)
    assert (copied / main).read_bytes() == before[main]
    assert not (copied / "new.py").exists()


@pytest.mark.parametrize("sample", every_sample(), ids=lambda s: s.name)
def test_a_manifest_names_no_registry(sample: Sample) -> None:
    """No manifest of a sample app names an index or a host to fetch packages from."""
    folder = REPOSITORY / sample.path
    manifests = [*folder.glob("requirements*.txt"), *folder.glob("pyproject.toml")]
    assert manifests
    assert not re.search(r"index-url|https?://", "".join(m.read_text() for m in manifests))


def test_an_app_is_refused_on_a_lock_it_is_not_for(tmp_path: Path) -> None:
    """The pydantic 1 app cannot be run on a lock that has pydantic 2."""
    with pytest.raises(ValueError, match="does not run on newest"):
        sample_app("pydantic1").spec(tmp_path, "newest")


@pytest.fixture
def world(sample: Sample, lock: str, tmp_path: Path) -> Iterator[World]:
    """A scratch world with a copy of the sample app."""
    with World.open(sample.spec(sample.copy(tmp_path), lock)) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(("sample", "lock"), RUNNABLE, ids=IDS)
def test_its_own_tests_pass(world: World, sample: Sample) -> None:
    """Each app passes all its own tests, as many as are said, in a scratch world on each lock."""
    result = world.run(("python", "-m", "pytest", "-q", "-p", "no:cacheprovider"), timeout=120)
    passed = re.search(r"^(\d+) passed", result.out, re.MULTILINE)
    assert result.ok, result.out + result.err
    assert passed
    assert int(passed[1]) == sample.tests
