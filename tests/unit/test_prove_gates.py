"""Each gate on real trees in real worlds: it passes a good change, and fails for its own reason."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import cast

import pytest

from fastwright.lab.world import World
from fastwright.model.change import ChangeSet, NewFile, Operation, Promise
from fastwright.model.proof import Check, Verdict
from fastwright.prove import Side, boots, contract, lint, parses, prove, scope, tests, types
from fastwright.survey import static
from fastwright.testing.samples import sample_app
from fastwright.workspace.project import Project

MAIN, SUITE = PurePosixPath("main.py"), PurePosixPath("test_main.py")
PING = b"""

@app.get('/ping')
async def ping() -> dict[str, bool]:
    return {'pong': True}
"""
PING_PROMISED = Promise(adds=(Operation("GET", "/ping", (200,)),))
Changed = Mapping[PurePosixPath, bytes]
Sides = Callable[[Changed], tuple[Side, Side]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """The files of the app that is changed: one file, no database."""
    return Project(sample_app("notebook").copy(tmp_path_factory.mktemp("app"))).read()


@pytest.fixture
def sides(files: Changed, tmp_path: Path) -> Iterator[Callable[..., tuple[Side, Side]]]:
    """Makes the two sides of a change: files of the new tree, and of both trees."""
    sample = sample_app("notebook")
    spec = replace(sample.spec(sample.copy(tmp_path), "newest"), target=sample.target)

    def make(changed: Changed, both: Changed | None = None) -> tuple[Side, Side]:
        old = {**files, **(both or {})}
        return side(old), side({**old, **changed})

    def side(tree: Changed) -> Side:
        world = stack.enter_context(World.open(replace(spec, files=dict(tree))))
        opened = Side(static.read(tree), tree, world)
        stack.callback(opened.close)
        return opened

    with ExitStack() as stack:
        yield make


def changes(*written: str, promise: Promise | None = None) -> ChangeSet:
    """A change set that writes the named files."""
    new = tuple(NewFile(PurePosixPath(name), "", "because") for name in written)
    return ChangeSet("", new, "a change", promise=promise or Promise())


def said(check: Check) -> str:
    """All evidence of a check, and its reason if it was skipped."""
    return "\n".join([*(seen.text for seen in check.evidence), check.skipped_because])


def edited(files: Changed, old: bytes, new: bytes) -> Changed:
    """The app's file with one text replaced."""
    assert files[MAIN].count(old) == 1
    return {MAIN: files[MAIN].replace(old, new)}


def test_a_good_change_passes_every_gate_that_applies(sides: Sides, files: Changed) -> None:
    """A promised route passes; what does not apply to this app is skipped with its reason."""
    before, after = sides({MAIN: files[MAIN] + PING})
    gates = (parses.GATE, boots.GATE, tests.GATE, contract.GATE, lint.GATE, types.GATE, scope.GATE)
    proof = prove(changes("main.py", promise=PING_PROMISED), before, after, gates=gates)
    found = {check.gate: check for check in proof.checks}
    assert proof.holds
    assert {n for n, c in found.items() if not c.ok} == {"types"}
    assert found["types"].skipped_because == "the project configures no type checker"
    assert (found["tests"].before, found["tests"].after) == ("4 passed", "4 passed")
    assert (found["contract"].before, found["contract"].after) == ("4 operations", "5 operations")


def test_what_does_not_parse_fails(sides: Sides, files: Changed) -> None:
    """A syntax error in a touched file is found by the app's own Python, with its line."""
    before, after = sides({MAIN: files[MAIN] + b"\ndef broken(:\n    pass\n"})
    check = parses.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert "does not compile: invalid syntax" in said(check)


def test_a_file_that_was_broken_before_may_stay_so(sides: Sides, files: Changed) -> None:
    """Only touched files are judged."""
    broken = {PurePosixPath("scratch.py"): b"def broken(:"}
    before, after = sides({MAIN: files[MAIN] + PING}, broken)
    assert parses.GATE.run(before, after, changes("main.py")).ok


def test_a_change_that_breaks_the_import_fails(sides: Sides, files: Changed) -> None:
    """The app's own error is the evidence, and the gates behind are skipped."""
    before, after = sides({MAIN: b"import no_such_module\n" + files[MAIN]})
    gates = (boots.GATE, contract.GATE)
    first, second = prove(changes("main.py"), before, after, gates=gates).checks
    assert (first.verdict, first.before, first.after) == (
        Verdict.FAILED, "boots", "does not boot"
    )  # fmt: skip
    assert "no_such_module" in said(first)
    assert second.skipped_because == "`boots` failed"


def test_a_setting_that_the_change_asks_for_must_be_written(sides: Sides, files: Changed) -> None:
    """A promised setting without a value fails, and the setting is named."""
    asks = b"import os\nSECRET = os.environ['NOTEBOOK_SECRET']\n"
    before, after = sides({MAIN: asks + files[MAIN]})
    promise = Promise(settings=("NOTEBOOK_SECRET",))
    check = boots.GATE.run(before, after, changes("main.py", promise=promise))
    assert check.verdict is Verdict.FAILED
    assert "`NOTEBOOK_SECRET` and wrote no value" in said(check)


def test_an_app_that_never_booted_proves_nothing(sides: Sides, files: Changed) -> None:
    """Where the old tree fails in the same way, booting is skipped and not passed."""
    broken = {MAIN: b"import no_such_module\n" + files[MAIN]}
    before, after = sides({MAIN: broken[MAIN] + PING}, broken)
    check = boots.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.SKIPPED
    assert "did not boot before" in said(check)
    contracted = contract.GATE.run(before, after, changes("main.py"))
    assert "the old tree does not boot" in contracted.skipped_because


def test_a_test_that_breaks_fails(sides: Sides, files: Changed) -> None:
    """A test that passed before and fails now is named, with its message."""
    before, after = sides(edited(files, b"min_length=1", b"min_length=0"))
    check = tests.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert (check.before, check.after) == ("4 passed", "3 passed, 1 failed")
    assert "`test_main.py::test_an_empty_note_is_refused`: passed → failed" in said(check)


def test_a_test_that_failed_before_may_fail(sides: Sides, files: Changed) -> None:
    """A red test of the person's own is named as theirs and does not fail the change."""
    red = {SUITE: files[SUITE] + b"\n\ndef test_red():\n    assert not app\n"}
    before, after = sides({MAIN: files[MAIN] + PING}, red)
    check = tests.GATE.run(before, after, changes("main.py"))
    assert check.ok
    assert "1 failed before the change already, `test_main.py::test_red`" in said(check)


FLAKY = b"""

def test_coin():
    import pathlib
    toss = pathlib.Path.home() / 'tossed'
    tossed = toss.exists()
    toss.touch()
    assert tossed == %s
"""


def test_a_flaky_test_is_named_and_not_blamed(sides: Sides, files: Changed) -> None:
    """A test that ends either way on one tree does not fail the change."""
    flaky = {SUITE: files[SUITE] + FLAKY % b"(b'/ping' in open('main.py','rb').read())"}
    before, after = sides({MAIN: files[MAIN] + PING}, flaky)
    check = tests.GATE.run(before, after, changes("main.py"))
    assert check.ok
    assert "`test_main.py::test_coin` is flaky" in said(check)


MADE = b"""

def test_first_install():
    import pathlib
    kept = pathlib.Path('kept/uploads')
    assert not kept.exists(), 'installed already'
    kept.parent.mkdir(exist_ok=True)
    kept.touch()
    assert '/ping' not in open('main.py').read()
"""
FILLED = b"""

def test_first_install():
    import sqlite3
    kept = sqlite3.connect('kept.sqlite3')
    kept.execute('INSERT INTO users VALUES (1)')
    kept.commit()
    assert '/ping' not in open('main.py').read()
"""


@pytest.mark.parametrize("test", [MADE, FILLED], ids=["a file", "a row"])
def test_what_a_run_leaves_is_no_excuse(sides: Sides, files: Changed, test: bytes) -> None:
    """A suite that fails over what it left when it is repeated makes no failure a flaky one."""
    before, after = sides({MAIN: files[MAIN] + PING}, {SUITE: files[SUITE] + test})
    for side in (before, after):
        with closing(sqlite3.connect(side.world.copy / "kept.sqlite3")) as kept:
            kept.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")
    check = tests.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert "`test_main.py::test_first_install`: passed → failed" in said(check)
    assert "flaky" not in said(check)


def test_a_lost_test_fails(sides: Sides, files: Changed) -> None:
    """A change may not make the suite green by taking a test away."""
    fewer = files[SUITE][: files[SUITE].index(b"def test_an_empty_note")]
    before, after = sides({SUITE: fewer})
    check = tests.GATE.run(before, after, changes("test_main.py"))
    assert "`test_main.py::test_an_empty_note_is_refused`: passed → absent" in said(check)
    assert check.verdict is Verdict.FAILED


def test_a_suite_that_no_longer_runs_fails(sides: Sides, files: Changed) -> None:
    """An error while pytest collects is a failure with pytest's own words."""
    before, after = sides(edited(files, b"notes: dict", b"jots: dict"))
    check = tests.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert "cannot import name 'notes'" in said(check)


def test_tests_can_be_chosen(sides: Sides, files: Changed) -> None:
    """None are run when asked; of the affected, those that import what was touched."""
    other = {
        PurePosixPath("test_other.py"): b"def test_apart():\n    assert 1 + 1 == 2\n",
        PurePosixPath("notes.txt"): b"",
    }
    before, after = sides({MAIN: files[MAIN] + PING}, other)
    none = tests.gate(tests.Selection.NONE).run(before, after, changes("main.py"))
    assert "--tests none" in none.skipped_because
    chosen = tests.gate(tests.Selection.AFFECTED).run(before, after, changes("main.py"))
    assert (chosen.ok, chosen.before) == (True, "4 passed")
    assert "only the 1 test files that import" in said(chosen)
    apart = sides({PurePosixPath("notes.txt"): b"x"}, other)
    unreached = tests.gate(tests.Selection.AFFECTED).run(*apart, changes("notes.txt"))
    assert unreached.skipped_because == "no test imports what the change touches"


def test_a_suite_over_budget_is_skipped_by_name(sides: Sides, files: Changed) -> None:
    """Where the tests take longer than allowed, nothing is claimed, and the time is said."""
    slow = {SUITE: files[SUITE] + b"\n\ndef test_slow():\n    import time; time.sleep(60)\n"}
    before, after = sides({MAIN: files[MAIN] + PING}, slow)
    check = tests.gate(budget=4.0).run(before, after, changes("main.py"))
    assert check.verdict is Verdict.SKIPPED
    assert "take more than 4 s: " in check.skipped_because
    assert "until the time was up" in check.skipped_because


def test_a_removed_operation_fails(sides: Sides, files: Changed) -> None:
    """It is named as breaking its clients."""
    gone = files[MAIN][: files[MAIN].index(b"@app.delete")]
    before, after = sides({MAIN: gone})
    check = contract.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert said(check).strip() == "`DELETE /notes/{number}` was removed, which breaks its clients"


def test_what_was_not_promised_fails(sides: Sides, files: Changed) -> None:
    """An unpromised operation and a promised one that is missing are both named."""
    before, after = sides({MAIN: files[MAIN] + PING})
    promise = Promise(adds=(Operation("POST", "/login"),))
    check = contract.GATE.run(before, after, changes("main.py", promise=promise))
    assert check.verdict is Verdict.FAILED
    assert "`GET /ping` was added and not promised" in said(check)
    assert "`POST /login` was promised and is not there" in said(check)


def test_an_altered_operation_must_be_promised(sides: Sides, files: Changed) -> None:
    """The same narrowing fails unpromised, and passes promised, named as breaking either way."""
    before, after = sides(edited(files, b"max_length=2000", b"max_length=20"))
    check = contract.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert "`POST /notes` body.text: maxLength 2000 → 20, which breaks its clients" in said(check)
    promise = Promise(alters=(Operation("POST", "/notes"),))
    allowed = contract.GATE.run(before, after, changes("main.py", promise=promise))
    assert allowed.ok
    assert "as promised (breaks its clients)" in said(allowed)


def test_mounted_apps_belong_to_the_contract(sides: Sides, files: Changed) -> None:
    """An operation of a mounted app is added under its full path."""
    mounted = (
        b"\ninner = FastAPI()\n@inner.get('/deep')\ndef deep(): ...\napp.mount('/in', inner)\n"
    )
    before, after = sides({MAIN: files[MAIN] + mounted})
    check = contract.GATE.run(before, after, changes("main.py"))
    assert "`GET /in/deep` was added and not promised" in said(check)


def test_lint_counts_what_is_new(sides: Sides, files: Changed) -> None:
    """An old finding that moves is not new; a new one is named with its code."""
    old = {MAIN: b"import sys\n" + files[MAIN]}
    before, after = sides({MAIN: b"\n\nimport sys\n" + files[MAIN]}, old)
    check = lint.GATE.run(before, after, changes("main.py"))
    assert (check.ok, check.before, check.after) == (True, "ruff: 1", "1")
    before, after = sides({MAIN: b"import sys\nimport os\n" + files[MAIN]}, old)
    worse = lint.GATE.run(before, after, changes("main.py"))
    assert worse.verdict is Verdict.FAILED
    assert "`main.py` F401" in said(worse)
    assert "`os` imported but unused" in said(worse)
    assert "`sys`" not in said(worse)


@pytest.mark.slow
def test_types_count_what_is_new(sides: Sides, files: Changed) -> None:
    """Where mypy is configured, a new error fails and the old ones do not."""
    configured = {
        PurePosixPath("mypy.ini"): b"[mypy]\nfiles = main.py\n",
        MAIN: files[MAIN] + b"\nold: int = 'text'\n",
    }
    before, after = sides({MAIN: configured[MAIN] + b"\nnew: str = 1\n"}, configured)
    check = types.GATE.run(before, after, changes("main.py"))
    assert (check.verdict, check.before, check.after) == (Verdict.FAILED, "mypy: 1", "2")
    assert "Incompatible types in assignment" in said(check)
    same = types.GATE.run(before, before, changes())
    assert same.ok


def test_a_configured_tool_that_is_missing_is_a_named_skip(sides: Sides) -> None:
    """A type checker that the project asks for and its environment lacks is not a pass."""
    configured = {PurePosixPath("pyrightconfig.json"): b"{}", PurePosixPath("pyproject.toml"): b""}
    pyproject = {PurePosixPath("pyproject.toml"): b"[tool.pyright]\n"}
    before, after = sides(pyproject, configured)
    check = types.GATE.run(before, after, changes())
    assert check.skipped_because == "`pyright` is configured and not in the app's environment"


def test_only_promised_files_may_change(sides: Sides, files: Changed) -> None:
    """A file that no change names, and one that was rewritten while the tree ran, are named."""
    before, after = sides({MAIN: files[MAIN] + PING, PurePosixPath("extra.py"): b""})
    (after.world.copy / SUITE).write_bytes(b"rewritten")
    check = scope.GATE.run(before, after, changes("main.py"))
    assert check.verdict is Verdict.FAILED
    assert "`extra.py` differs, and no change names it" in said(check)
    assert "`test_main.py` was rewritten while the new tree ran" in said(check)
    (before.world.copy / SUITE).write_bytes(b"rewritten too")
    excused = scope.GATE.run(before, after, changes("main.py", "extra.py"))
    assert (excused.ok, excused.after) == (
        True,
        f"2 files changed, {len(files) - 1} byte-identical",
    )


def test_a_linter_without_configuration_knows_the_app_s_own_modules(tmp_path: Path) -> None:
    """Below a folder of several apps, imports of the app are sorted as its own."""
    test = (
        "from fastapi.testclient import TestClient\n\nfrom beta_app.main import app\n\n"
        "client = TestClient(app)\n"
    )
    files = {
        PurePosixPath("services/beta/beta_app/__init__.py"): b"",
        PurePosixPath("services/beta/beta_app/main.py"): b"from fastapi import FastAPI\n\n"
        b"app = FastAPI()\n",
        PurePosixPath("services/beta/tests/test_app.py"): test.encode(),
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    side = Side(static.read(files), files, cast("World", None))
    arguments = lint._ruff(side, PurePosixPath())
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--select", "I"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
