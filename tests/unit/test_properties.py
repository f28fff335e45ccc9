"""New tests must notice the old tree and each lost property; promised attacks must fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.world import World, WorldSpec
from fastwright.model.change import ChangeSet, Mutation, Promise
from fastwright.model.proof import Check, Verdict
from fastwright.prove import attacks, mutations, new_tests
from fastwright.prove.properties import laid_over
from fastwright.prove.side import Side
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, python_of, sample_app
from fastwright.workspace.project import Project

MAIN, NEW = PurePosixPath("main.py"), PurePosixPath("test_archive.py")
ARCHIVE = b"""

@app.post('/archive/{number}')
async def archive(number: int, secret: str = ''):
    if secret != 'open sesame':
        raise HTTPException(403, 'not for you')
    return {'archived': number}
"""
HEAD = "from fastapi.testclient import TestClient\nimport main\nclient = TestClient(main.app)\n"
OPENS = """
def test_the_word_opens():
    assert client.post('/archive/1?secret=open sesame').json() == {'archived': 1}
"""
SHUTS = """
def test_nothing_else_opens():
    assert client.post('/archive/1').status_code == 403
"""
GUARD = Mutation("the word is asked for", MAIN, "secret != 'open sesame'", "False")
ANSWER = Mutation("the number is told", MAIN, "{'archived': number}", "{'archived': 0}")
Sides = Callable[[Mapping[PurePosixPath, bytes]], tuple[Side, Side]]


@pytest.fixture
def files(tmp_path: Path) -> Mapping[PurePosixPath, bytes]:
    """The files of the app that is changed: one file, no database."""
    return Project(sample_app("notebook").copy(tmp_path)).read()


@pytest.fixture
def sides(files: Mapping[PurePosixPath, bytes], tmp_path: Path) -> Iterator[Sides]:
    """The app as it is, and with the archive and what else the new tree has."""
    spec = sample_app("notebook").spec(tmp_path / "notebook", "newest")

    def side(tree: Mapping[PurePosixPath, bytes]) -> Side:
        world = stack.enter_context(World.open(replace(spec, files=dict(tree))))
        opened = Side(static.read(tree), tree, world)
        stack.callback(opened.close)
        return opened

    with ExitStack() as stack:
        changed = {MAIN: files[MAIN] + ARCHIVE}
        yield lambda written: (side(files), side({**files, **changed, **written}))


def changes(*properties: Mutation, tests: tuple[PurePosixPath, ...] = (NEW,)) -> ChangeSet:
    """A change set that promises these properties and brings these tests."""
    return ChangeSet("", (), "a change", promise=Promise(mutations=properties, tests=tests))


def said(check: Check) -> str:
    """All evidence of a check, and its reason if it was skipped."""
    return "\n".join([*(seen.text for seen in check.evidence), check.skipped_because])


def test_tests_that_notice_the_old_tree_pass(sides: Sides) -> None:
    """Each new test passes on the new tree and fails by assertion on the old one."""
    before, after = sides({NEW: (HEAD + OPENS + SHUTS).encode()})
    check = new_tests.run(before, after, changes())
    assert check.ok, said(check)
    assert (check.before, check.after) == ("2 fail by assertion", "2 passed")
    assert not (before.world.copy / NEW).exists()


def test_a_test_that_passes_without_the_change_fails_the_gate(sides: Sides) -> None:
    """What holds on the old tree too says nothing of the change."""
    idle = "\ndef test_idle():\n    assert client.get('/notes').status_code == 200\n"
    before, after = sides({NEW: (HEAD + OPENS + idle).encode()})
    check = new_tests.run(before, after, changes())
    assert check.verdict is Verdict.FAILED
    assert "passes without the change too: `test_archive.py::test_idle`" in said(check)


def test_an_import_error_on_the_old_tree_does_not_count(sides: Sides) -> None:
    """A test file that cannot be loaded on the old tree has not failed by assertion."""
    text = HEAD.replace("import main", "import main\nfrom main import archive") + OPENS
    before, after = sides({NEW: text.encode()})
    check = new_tests.run(before, after, changes())
    assert check.verdict is Verdict.FAILED
    assert check.before == "0 fail by assertion"
    assert "cannot import name 'archive'" in said(check)


def test_an_error_inside_a_test_does_not_count(sides: Sides) -> None:
    """A test that raises on the old tree, before it could assert, says nothing of it."""
    text = HEAD + (
        "\ndef test_raises():\n"
        "    assert client.post('/archive/1?secret=open sesame').json()['archived'] == 1\n"
    )
    before, after = sides({NEW: text.encode()})
    check = new_tests.run(before, after, changes())
    assert check.verdict is Verdict.FAILED
    assert "says nothing of the old tree" in said(check)


def test_what_fails_on_the_new_tree_fails_the_gate(sides: Sides) -> None:
    """The new tests must pass where the change is made."""
    wrong = OPENS.replace("1}", "2}")
    before, after = sides({NEW: (HEAD + wrong).encode()})
    check = new_tests.run(before, after, changes())
    assert check.verdict is Verdict.FAILED
    assert check.after == "1 failed"


def test_a_changed_conftest_goes_along(sides: Sides) -> None:
    """A fixture that the change gave to `conftest.py` is there when the tests meet the old code."""
    fixture = "import pytest\n" + HEAD + "@pytest.fixture\ndef word():\n    return 'open sesame'\n"
    uses = HEAD + (
        "\ndef test_word(word):\n"
        "    assert client.post(f'/archive/1?secret={word}').status_code == 200\n"
    )
    written = {PurePosixPath("conftest.py"): fixture.encode(), NEW: uses.encode()}
    before, after = sides(written)
    check = new_tests.run(before, after, changes())
    assert check.ok, said(check)
    assert not (before.world.copy / "conftest.py").exists()


def test_guarded_properties_pass(sides: Sides) -> None:
    """Each property that is taken out turns a new test red, and the tree is put back."""
    before, after = sides({NEW: (HEAD + OPENS + SHUTS).encode()})
    check = mutations.run(before, after, changes(GUARD, ANSWER))
    assert check.ok, said(check)
    assert check.after == "2 of 2 guarded"
    assert "without “the word is asked for” `test_archive.py::test_nothing_else_opens`" in said(
        check
    )
    assert (after.world.copy / MAIN).read_bytes() == after.files[MAIN]


def test_an_unguarded_property_fails_the_gate(sides: Sides) -> None:
    """A property that no new test misses is named."""
    before, after = sides({NEW: (HEAD + OPENS).encode()})
    check = mutations.run(before, after, changes(GUARD, ANSWER))
    assert check.verdict is Verdict.FAILED
    assert check.after == "1 of 2 guarded"
    assert "without “the word is asked for” no new test fails by assertion: 1 passed" in said(check)


def test_a_broken_tree_is_not_a_lost_property(sides: Sides) -> None:
    """A mutation that merely breaks the import turns no test red by assertion."""
    before, after = sides({NEW: (HEAD + OPENS + SHUTS).encode()})
    broken = Mutation("the app imports", MAIN, "async def archive(", "async def (")
    check = mutations.run(before, after, changes(broken))
    assert check.verdict is Verdict.FAILED
    assert "no new test fails by assertion" in said(check)


def test_a_mutation_that_does_not_fit_fails_the_gate(sides: Sides) -> None:
    """The text to take out stands exactly once, or nothing was shown."""
    before, after = sides({NEW: (HEAD + OPENS).encode()})
    check = mutations.run(before, after, changes(replace(GUARD, old="number")))
    assert check.verdict is Verdict.FAILED
    assert "times in `main.py`, not once" in said(check)


def test_without_tests_or_properties_nothing_is_claimed(sides: Sides) -> None:
    """A change that brings no tests, or promises no property, is skipped with its reason."""
    before, after = sides({})
    assert new_tests.run(before, after, changes(tests=())).verdict is Verdict.SKIPPED
    assert mutations.run(before, after, changes()).verdict is Verdict.SKIPPED
    assert mutations.run(before, after, changes(GUARD, tests=())).verdict is Verdict.SKIPPED


def test_what_is_laid_over_is_taken_away_again(sides: Sides) -> None:
    """Changed, added and removed files are as before, also where the run in between raises."""
    before, _ = sides({})
    copy, added = before.world.copy, PurePosixPath("deep/er/new.py")
    old = (copy / MAIN).read_bytes()
    wanted = {MAIN: b"x = 1", added: b"", PurePosixPath("requirements.txt"): None}

    def fail_halfway() -> None:
        with laid_over(before, wanted):
            assert (copy / MAIN).read_bytes() == b"x = 1"
            assert not (copy / "requirements.txt").exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert (copy / MAIN).read_bytes() == old
    assert (copy / "requirements.txt").exists()
    assert not (copy / added).exists()


# ------------------------------------------------------------------------------------ attacks

NEEDS = {
    "login": "POST /login",
    "protected": "GET /me",
    "table": "users",
    "login_column": "email",
}


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[Callable[[str, str], Side]]:
    """The good app of the attacks, or one with a fault."""
    folder = REPOSITORY / "tests/apps/attacked"
    spec = WorldSpec(folder, python_of("newest"), target="main:app")
    text = (folder / MAIN).read_text()

    def side(old: str = "", new: str = "") -> Side:
        tree = {MAIN: (text.replace(old, new) if old else text).encode()}
        world = stack.enter_context(World.open(replace(spec, files=dict(tree))))
        opened = Side(static.read(tree), tree, world)
        stack.callback(opened.close)
        return opened

    with ExitStack() as stack:
        yield side


def withstanding(*names: str, needs: Mapping[str, str] = NEEDS) -> ChangeSet:
    """A change set that promises to withstand these attacks."""
    promise = Promise(attacks=tuple((name, needs) for name in names))
    return ChangeSet("", (), "a change", promise=promise)


def test_withstood_attacks_pass(attacked: Callable[..., Side]) -> None:
    """Attacks one after another on one app do not get into each other's way."""
    side = attacked()
    names = ("brute-force", "login-enumeration", "other-users-token", "token-after-password-change")
    check = attacks.run(side, side, withstanding(*names))
    assert check.ok, said(check)
    assert check.after == "4 of 4 withstood"


def test_a_struck_app_fails_the_gate(attacked: Callable[..., Side]) -> None:
    """One attack that goes through is told with its last exchanges."""
    side = attacked(' or claims["pwd"] != stamp(user)')
    names = ("other-users-token", "token-after-password-change")
    check = attacks.run(side, side, withstanding(*names))
    assert check.verdict is Verdict.FAILED
    assert check.after == "1 of 2 withstood"
    assert "`token-after-password-change` was not withstood: a token works on after" in said(check)
    assert "GET /me (the token of before the change) → 200" in said(check)


def test_an_attack_that_cannot_be_carried_out_fails_the_gate(
    attacked: Callable[..., Side],
) -> None:
    """Neither an unknown attack nor one without what it needs counts as withstood."""
    side = attacked()
    lost = attacks.run(side, side, withstanding("brute-farce"))
    blind = attacks.run(side, side, withstanding("brute-force", needs={"login": "POST /login"}))
    assert lost.verdict is blind.verdict is Verdict.FAILED
    assert "`brute-farce` could not be carried out" in said(lost)
    assert "the attack needs to know `sign_up`" in said(blind)


def test_without_promised_attacks_the_gate_is_skipped(attacked: Callable[..., Side]) -> None:
    """No attack, no pass."""
    side = attacked()
    assert attacks.run(side, side, withstanding()).verdict is Verdict.SKIPPED
