"""The laws of recipes, over every recipe and every sample app.

A recipe is told nothing of these tests: a new one is held to them because its package exists.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.world import World
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, NewFile
from fastwright.model.errors import Refused
from fastwright.model.plan import State
from fastwright.recipes import Recipe, choices, from_options, registry, to_options
from fastwright.source import edits
from fastwright.source.syntax import error_count, parse
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, Sample, every_sample, sample_app

Files = Mapping[PurePosixPath, bytes]

CASES = [(name, sample.name) for name in registry() for sample in every_sample()]
BOOTED = [
    (recipe, sample.name, lock)
    for recipe in ("health-checks", "settings")
    for sample in every_sample()
    for lock in sample.locks
]
RUFF = Path(sys.executable).with_name("ruff")
SELECTED = "E,F,I,W,UP,SIM,RET,PIE,C4,BLE,S"
"""What written code is held to; line length is the app's own, and tests may assert."""


def files_of(sample: Sample) -> dict[PurePosixPath, bytes]:
    """The sources of a sample app, by path in its repository."""
    root = REPOSITORY / sample.path
    listed = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=root, capture_output=True, check=True
    ).stdout
    names = [name for name in listed.decode().split("\0") if name]
    return {PurePosixPath(name): (root / name).read_bytes() for name in names}


def built(recipe: str, sample: str) -> tuple[Recipe, Files, AppMap, ChangeSet]:
    """The change set of `recipe` for `sample`; skips the test where the recipe refuses."""
    files = files_of(sample_app(sample))
    app = static.read(files)
    value = registry()[recipe]()
    try:
        return value, files, app, value.build(app)
    except Refused as refusal:
        pytest.skip(f"refused: {refusal}")


def write(root: Path, files: Files) -> None:
    """`files` below `root`."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def read(root: Path) -> dict[PurePosixPath, bytes]:
    """What `write` wrote, as it is now."""
    found = (p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {PurePosixPath(p.relative_to(root)): p.read_bytes() for p in found}


def ruff(root: Path, *arguments: str) -> str:
    """Ruff's complaints about files below `root`; empty for none."""
    ran = subprocess.run(
        [RUFF, *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def again(recipe: Recipe, files: Files) -> tuple[str, ...]:
    """The paths that a further build over `files` would write."""
    changes = recipe.build(static.read(files))
    return tuple(map(str, changes.paths())) if not changes.is_empty else ()


@pytest.mark.parametrize("name", registry())
def test_a_recipe_tells_its_options(name: str) -> None:
    """Every option has a default and a sentence, and the recipe has a summary without a stop."""
    recipe = registry()[name]
    assert recipe.summary
    assert not recipe.summary.endswith(".")
    assert [c.name for c in choices(recipe) if not c.doc] == []
    recipe()


@pytest.mark.parametrize("name", registry())
def test_options_survive_json(name: str) -> None:
    """A recipe read back from its own options as JSON is the same recipe."""
    recipe = registry()[name]()
    assert from_options(type(recipe), json.loads(json.dumps(to_options(recipe)))) == recipe


@pytest.mark.parametrize("name", registry())
def test_old_pydantic_is_refused(name: str) -> None:
    """An app on pydantic 1 is refused with what, why and what to do."""
    app = static.read(files_of(sample_app("pydantic1")))
    with pytest.raises(Refused) as refusal:
        registry()[name]().build(app)
    assert refusal.value.cannot
    assert "pydantic" in refusal.value.because
    assert refusal.value.do


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_it_says_what_is_there(recipe: str, sample: str) -> None:
    """Detection gives a reason, and agrees with an empty build where everything is there."""
    value, _, app, changes = built(recipe, sample)
    presence = value.detect(app)
    assert presence.because
    if presence.state is State.PRESENT:
        assert changes.is_empty


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_a_second_run_is_empty(recipe: str, sample: str) -> None:
    """Built again over its own result, a recipe has nothing to do."""
    value, files, _, changes = built(recipe, sample)
    assert again(value, edits.apply(files, changes.changes)) == ()


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_a_second_run_is_empty_after_formatting(recipe: str, sample: str, tmp_path: Path) -> None:
    """Formatting the whole app between two runs gives the second one nothing to do."""
    value, files, _, changes = built(recipe, sample)
    write(tmp_path, edits.apply(files, changes.changes))
    assert ruff(tmp_path, "format", "-q", "--isolated", "--line-length", "110", ".") == ""
    assert again(value, read(tmp_path)) == ()


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_only_what_is_named_differs(recipe: str, sample: str) -> None:
    """Files that the change set does not name stay as they are, and every change has a reason."""
    _, files, _, changes = built(recipe, sample)
    after = edits.apply(files, changes.changes)
    differing = {path for path in after if after[path] != files.get(path)}
    assert differing <= set(changes.paths())
    assert all(getattr(change, "why", "said") for change in changes.changes)


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_what_is_written_parses(recipe: str, sample: str) -> None:
    """Every Python file of the result can be read as a whole."""
    _, files, _, changes = built(recipe, sample)
    after = edits.apply(files, changes.changes)
    broken = [p for p in changes.paths() if p.suffix == ".py" and error_count(parse(after[p]))]
    assert broken == []


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_what_is_written_passes_ruff(recipe: str, sample: str, tmp_path: Path) -> None:
    """New files pass ruff's linter, and imports of edited ones are sorted as they were."""
    _, files, _, changes = built(recipe, sample)
    write(tmp_path, edits.apply(files, changes.changes))
    new = [str(c.path) for c in changes.changes if isinstance(c, NewFile)]
    python = [name for name in new if name.endswith(".py")]
    if python:
        options = (
            "--isolated",
            "--line-length",
            "100",
            "--select",
            SELECTED,
            "--ignore",
            "S101,S105,S106",
        )
        assert ruff(tmp_path, "check", "-q", *options, *python) == ""


@pytest.mark.parametrize(("recipe", "sample"), CASES)
def test_promised_mutations_can_be_made(recipe: str, sample: str) -> None:
    """What a mutation takes out stands exactly once in the new tree."""
    _, files, _, changes = built(recipe, sample)
    after = edits.apply(files, changes.changes)
    for mutation in changes.promise.mutations:
        assert after[mutation.path].decode().count(mutation.old) == 1, mutation.name
    assert all(path in after for path in changes.promise.tests)


@pytest.mark.parametrize("sample", [s.name for s in every_sample()])
def test_a_deleted_test_file_is_all_that_comes_back(sample: str) -> None:
    """Health checks without their tests get the tests, and nothing else."""
    value, files, _, changes = built("health-checks", sample)
    after = edits.apply(files, changes.changes)
    (tests,) = changes.promise.tests
    assert again(value, {p: c for p, c in after.items() if p != tests}) == (str(tests),)


def test_a_deleted_inclusion_is_all_that_comes_back() -> None:
    """A router that is not included any more is included again, and stays as it is."""
    value, files, _, changes = built("health-checks", "bookshop")
    after = dict(edits.apply(files, changes.changes))
    main = PurePosixPath("bookshop/main.py")
    after[main] = after[main].replace(b"app.include_router(health_router)\n", b"")
    assert again(value, after) == (str(main),)


def test_a_deleted_endpoint_is_all_that_comes_back() -> None:
    """Readiness taken out of its file is written there again, below what is left."""
    value, files, _, changes = built("health-checks", "bookshop")
    after = dict(edits.apply(files, changes.changes))
    router = PurePosixPath("bookshop/health/router.py")
    whole = after[router]
    after[router] = whole[: whole.index(b'@router.get("/health/ready"')].rstrip() + b"\n"
    assert again(value, after) == (str(router),)
    mended = edits.apply(after, value.build(static.read(after)).changes)
    assert mended[router] == whole


def test_a_renamed_router_is_known() -> None:
    """With the router under another name, and its file moved, there is nothing to do."""
    value, files, _, changes = built("health-checks", "bookshop")
    after = dict(edits.apply(files, changes.changes))
    router, main = PurePosixPath("bookshop/health/router.py"), PurePosixPath("bookshop/main.py")
    after[PurePosixPath("bookshop/probes.py")] = after.pop(router).replace(b"router", b"probes")
    after[main] = after[main].replace(
        b"from bookshop.health.router import router as", b"from bookshop.probes import probes as"
    )
    assert again(value, after) == ()


def test_a_pair_builds_on_each_other() -> None:
    """Settings, database and health checks, one over the other, end in an app that has all."""
    files: Files = files_of(sample_app("notebook"))
    for name in ("settings", "database", "health-checks"):
        files = edits.apply(files, registry()[name]().build(static.read(files)).changes)
    app = static.read(files)
    assert [str(r) for r in app.routes if "health" in r.path] == [
        "GET /health/live",
        "GET /health/ready",
    ]
    assert b"SELECT 1" in files[PurePosixPath("main.py")] or any(
        b"SELECT 1" in content for path, content in files.items() if "health" in path.name
    )
    assert all(again(registry()[name](), files) == () for name in ("settings", "database"))


@dataclass(frozen=True, slots=True)
class Spec:
    """One case of ``tests/recipes/<recipe>.md``: an app, options, and the diff it must give.

    Of a change of many files, the page shows those in `shown`; by default it shows all.
    """

    recipe: str
    title: str
    options: Mapping[str, str]
    files: Files
    diff: str
    shown: tuple[str, ...] = ()


def specs() -> Iterator[Spec]:
    """Every case: a heading, then blocks named by a path, ``options``, ``shown`` and ``diff``."""
    for page in sorted((REPOSITORY / "tests/recipes").glob("*.md")):
        for case in re.split(r"(?m)^## ", page.read_text())[1:]:
            blocks = re.findall(r"(?ms)^```(\S+)(?: (\S+))?\n(.*?)^```$", case)
            texts = {path or kind: text for kind, path, text in blocks}
            diff = texts.pop("diff")
            shown = tuple(texts.pop("shown", "").split())
            options = dict(line.split("=", 1) for line in texts.pop("options", "").splitlines())
            files = {PurePosixPath(path): text.encode() for path, text in texts.items()}
            yield Spec(page.stem, case.partition("\n")[0], options, files, diff, shown)


@pytest.mark.parametrize("spec", list(specs()), ids=lambda spec: f"{spec.recipe}: {spec.title}")
def test_a_spec_holds(spec: Spec) -> None:
    """On the app of the page, the recipe makes exactly the change of the page, and once."""
    recipe = from_options(registry()[spec.recipe], spec.options)
    changes = recipe.build(static.read(spec.files))
    after = edits.apply(spec.files, changes.changes)
    found = edits.diff(spec.files, after, changes.changes)
    told = [file for file in found if not spec.shown or str(file.path) in spec.shown]
    assert "".join(file.diff for file in told) == spec.diff
    assert again(recipe, after) == ()


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "sample", "lock"), BOOTED)
def test_the_app_boots_and_its_tests_pass(
    recipe: str, sample: str, lock: str, tmp_path: Path
) -> None:
    """With the change, the app's own tests and the new ones pass, on each lock."""
    _, files, _, changes = built(recipe, sample)
    known = sample_app(sample)
    copy = known.copy(tmp_path)
    write(copy, edits.apply(files, changes.changes))
    with World.open(known.spec(copy, lock)) as world:
        ran = world.run(["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"], timeout=180)
    assert ran.ok, ran.out + ran.err
