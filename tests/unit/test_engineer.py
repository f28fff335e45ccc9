from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pytest

from fastwright.agent import consent, keeping, needs, telling
from fastwright.agent.combining import combine
from fastwright.agent.environments import lacking
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.supplying import Supply, supply
from fastwright.agent.telling import Work
from fastwright.agent.worlds import to_mask
from fastwright.lab.interpreter import Interpreter
from fastwright.lab.settings_values import is_secret
from fastwright.model.app import AppMap, Capability, Setting, SettingsClass
from fastwright.model.change import AddDependency, ChangeSet, Edit, NewFile, Operation, Promise
from fastwright.model.errors import NeedsConsent, Refused
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.places import Span
from fastwright.model.plan import Built, Plan, Presence, State, Step
from fastwright.model.proof import Check, FileDiff, Outcome, Proof, Report, Verdict
from fastwright.recipes.recipe import Recipe
from fastwright.source import edits
from fastwright.workspace.project import Project

EMPTY = AppMap({}, None)
MAIN = PurePosixPath("main.py")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXBhcnQ"


@dataclass(frozen=True, kw_only=True)
class Nothing(Recipe):
    """A recipe that does nothing."""

    summary = "nothing"

    def detect(self, app: AppMap) -> Presence:
        """It is never there."""
        return Presence(State.ABSENT, "never")

    def build(self, app: AppMap) -> ChangeSet:
        """It changes nothing."""
        return ChangeSet("", (), "nothing")


class Store(Nothing):
    """Gives a database."""

    name = "store"
    provides = ("db.session",)
    needs = ("settings",)


class Config(Nothing):
    """Gives settings."""

    name = "config"
    provides = ("settings",)


class Login(Nothing):
    """Needs both."""

    name = "login"
    needs = ("db.session", "settings")


RECIPES: Mapping[str, type[Recipe]] = MappingProxyType({r.name: r for r in (Login, Store, Config)})


def ordered(*asked: str, app: AppMap = EMPTY) -> list[str]:
    """The recipes of a plan that asks for `asked`, in the order in which they are built."""
    steps = [Step(name, "asked for") for name in asked]
    return [step.recipe for step in needs.in_order(steps, app, RECIPES)]


def test_what_is_needed_goes_first() -> None:
    """A step's needs come before it, each once, and those of the needs before them."""
    assert ordered("login") == ["config", "store", "login"]


def test_what_the_app_has_is_not_built() -> None:
    """A capability of the app's own satisfies a need."""
    app = replace(EMPTY, capabilities=(Capability("db.session", "shop.get_db"),))
    assert ordered("login", app=app) == ["config", "login"]


def test_a_need_that_was_asked_for_keeps_its_options() -> None:
    """Asked for behind the step that needs it, a recipe moves before it, as it was asked for."""
    asked = [Step("login", "asked"), Step("store", "asked", {"alembic": True})]
    steps = needs.in_order(asked, EMPTY, RECIPES)
    assert [(s.recipe, dict(s.options)) for s in steps] == [
        ("config", {}),
        ("store", {"alembic": True}),
        ("login", {}),
    ]


def test_a_need_that_is_declined_is_refused_and_not_built() -> None:
    """Who wants none of what a step stands on is told so; where the app has it, all is well."""
    steps = [Step("login", "asked")]
    with pytest.raises(Refused) as refused:
        needs.in_order(steps, EMPTY, RECIPES, ("store",))
    assert refused.value.cannot == "cannot add `login` without `store`"
    app = replace(EMPTY, capabilities=(Capability("db.session", "shop.get_db"),))
    assert needs.in_order(steps, app, RECIPES, ("store",))[-1].recipe == "login"


def test_a_need_that_nothing_gives_is_refused() -> None:
    """Where no recipe gives a capability, the refusal names it."""
    with pytest.raises(Refused, match="`settings`"):
        needs.in_order([Step("store", "asked")], EMPTY, {"store": Store})


def built(*changes: Edit | NewFile, title: str, promise: Promise | None = None) -> Built:
    """A step that makes `changes`."""
    change_set = ChangeSet("", changes, title, promise=promise or Promise())
    return Built(Step(title, "asked"), change_set)


def test_steps_that_edit_one_file_are_told_as_one_change_over_the_old_bytes() -> None:
    """The combined change set, applied to the person's own bytes, gives what the steps gave."""
    before = {MAIN: b"a = 1\n"}
    first = built(Edit(Span(MAIN, 0, 0), "import x\n", "x is used"), title="one")
    halfway = edits.apply(before, first.changes.changes)
    new = NewFile(PurePosixPath("y.py"), "y = 1\n", "y is new")
    adds = Promise(adds=(Operation("GET", "/y"),))
    second = built(Edit(Span(MAIN, 9, 9), "b = 2\n", "b too"), new, title="two", promise=adds)
    after = edits.apply(halfway, second.changes.changes)

    whole = combine(before, after, (first, second))

    assert edits.apply(before, whole.changes) == after
    assert whole.title == "one and two"
    assert [str(o) for o in whole.promise.adds] == ["GET /y"]
    why = {w for d in edits.diff(before, after, whole.changes) for w in d.why}
    assert why == {"x is used; b too", "y is new"}


def test_a_file_that_one_step_makes_and_another_edits_is_new() -> None:
    """A file made and then edited within one plan is one new file to the person."""
    path = PurePosixPath("y.py")
    first = built(NewFile(path, "y = 1\n", "made"), title="one")
    halfway = edits.apply({}, first.changes.changes)
    second = built(Edit(Span(path, 6, 6), "z = 2\n", "more"), title="two")
    after = edits.apply(halfway, second.changes.changes)
    assert combine({}, after, (first, second)).changes == (
        NewFile(path, "y = 1\nz = 2\n", "made; more"),
    )


def demanding(gitignore: bytes) -> AppMap:
    """An app whose settings demand a secret and read ``.env``."""
    files = {MAIN: b"", PurePosixPath(".gitignore"): gitignore}
    return AppMap(
        files,
        None,
        settings=(
            Setting("JWT_SECRET", required=True, reader="pydantic-settings", annotation="str"),
            Setting("MINUTES", required=False, reader="pydantic-settings", default="15"),
        ),
        settings_classes=(
            SettingsClass("main.Settings", Span(MAIN, 0, 0), 0, env_files=(".env",)),
        ),
    )


PROMISED = ChangeSet("", (), "login", promise=Promise(settings=("JWT_SECRET", "MINUTES")))


def test_a_demanded_secret_is_made_up_and_kept_where_git_does_not_look() -> None:
    """A required setting of the change gets a long value in the ignored env file; others none."""
    found = supply(demanding(b".env\n"), PROMISED, {})
    assert found.file == PurePosixPath(".env")
    assert list(found.values) == ["JWT_SECRET"]
    assert len(found.values["JWT_SECRET"]) >= 32


def test_a_secret_never_goes_where_git_looks() -> None:
    """An env file that git does not ignore is not written to."""
    assert supply(demanding(b"*.log\n"), PROMISED, {}).file is None


def test_two_secrets_differ() -> None:
    """Nothing is hard-coded: each time another value is made up."""
    values = {supply(demanding(b".env\n"), PROMISED, {}).values["JWT_SECRET"] for _ in range(5)}
    assert len(values) == 5


def test_a_secret_is_never_what_the_tree_suggests() -> None:
    """What tests, examples and CI say of a secret stands in the repository: it is not taken."""
    setter = b'import os\nos.environ.setdefault("JWT_SECRET", "only-for-tests-0123456789abcdef")\n'
    app = demanding(b".env\n")
    suggesting = replace(app, files={**app.files, PurePosixPath("tests/conftest.py"): setter})
    value = supply(suggesting, PROMISED, {}).values["JWT_SECRET"]
    assert value.encode() not in b"".join(suggesting.files.values())
    assert re.fullmatch("[0-9a-f]{64}", value)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *((n, True) for n in ("APP_KEY", "SMTP_PASS", "HASH_SALT", "SENTRY_DSN", "DB_PWD")),
        *((n, True) for n in ("jwt_secret", "AWS_SECRET_ACCESS_KEY_ID", "DBPASS", "API_TOKEN")),
        *((n, False) for n in ("KEYCLOAK_HOST", "BYPASS_CACHE", "COMPASS_X", "MONKEYS")),
        *((n, False) for n in ("ACCESS_TOKEN_EXPIRE_MINUTES", "DATABASE_NAME", "ENVIRONMENT")),
    ],
)
def test_names_tell_secrets(name: str, secret: bool) -> None:
    """Keys, passwords, salts and DSNs are secret; what only speaks of them is not."""
    assert is_secret(name) is secret


def test_what_is_given_by_hand_is_masked() -> None:
    """A value of `--env` is masked whatever its name, where it is long enough to be found."""
    known = {"APP_KEY": "k1", "WEBHOOK": "hunter2hunter2", "PLACE": "wonderland"}
    by_hand = {"WEBHOOK": "hunter2hunter2", "MODE": "fast", "SMTP_PASS": "short"}
    assert set(to_mask(known, by_hand)) == {"k1", "hunter2hunter2", "short"}


def test_a_placeholder_is_no_secret() -> None:
    """What settings are named by masks no sentence; a value with anything else in it is masked."""
    known = {"POSTGRES_PASSWORD": "password", "SECRET_KEY": "secret-key", "DB_SECRET": "postgres1"}
    assert set(to_mask(known, {"POSTGRES_USER": "x"})) == {"postgres1"}


def test_what_is_known_is_not_made_up() -> None:
    """A variable that the person gave is left to them."""
    assert supply(demanding(b".env\n"), PROMISED, {"JWT_SECRET": "own"}).values == {}


def test_an_env_file_keeps_what_it_has() -> None:
    """Values are put on lines of their own behind what is there."""
    made = Supply({"A": "1"}, PurePosixPath(".env"))
    assert made.appended(b"OLD=1") == b"OLD=1\nA=1\n"
    assert made.appended(b"") == b"A=1\n"


def test_what_is_installed_is_not_installed_again() -> None:
    """Only packages that are absent or too old are asked for; names compare as registries do."""
    has = {"pyjwt": "2.9.0", "typing-extensions": "4.12.0"}
    own = Interpreter(Path("python"), "3.11.7", Path(), Path(), (), has)
    wanted = ("PyJWT>=2.8", "typing_extensions", "pyjwt>=3", "argon2-cffi")
    assert lacking(wanted, own) == ("pyjwt>=3", "argon2-cffi")


class Answers:
    """A person who gives prepared answers and keeps what they were asked."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def agrees(self, question: str) -> bool:
        """The next answer."""
        self.asked.append(question)
        return self.answers.pop(0)


def test_what_was_not_enforced_is_told_where_it_was_accepted() -> None:
    """Whoever passes `--unsandboxed` reads in the end what the proof went without."""
    lacks = "not enforced: namespaces (accepted by --unsandboxed)"
    change = ChangeSet("", (), "nothing")
    proofs = Proof("", (), (lacks, "files: Landlock")), Proof("", (), ("namespaces: network",))
    told = [
        telling.finished(
            Work(Plan("add", ()), change, proof=proof), Outcome.PLANNED, Stopwatch(None)
        )
        for proof in proofs
    ]
    assert [any("namespaces" in line for line in one.not_done) for one in told] == [True, False]


def test_consent_is_asked_once_a_project(tmp_path: Path) -> None:
    """A yes is kept for the project; a no is not, and ends the run."""
    project, person = Project(tmp_path), Answers(False, True)
    with pytest.raises(NeedsConsent):
        consent.to_run(project, person)
    consent.to_run(project, person)
    consent.to_run(project, person)
    assert len(person.asked) == 2


SECRETIVE = Report(
    asked=f"use {TOKEN}",
    outcome=Outcome.PROVEN,
    did=("the secret is correct-horse-battery",),
    not_done=(),
    plan=Plan("login", (Step("jwt-auth", "asked"),)),
    changes=ChangeSet(
        "f" * 64,
        (
            NewFile(PurePosixPath(".env.local"), "A=do-not-tell", "secret", secret=True),
            AddDependency("pyjwt>=2.8", "tokens"),
        ),
        "login",
    ),
    diffs=(FileDiff("a.py", "+x = 1\n", ("x",), 1, 0),),
)


def test_what_is_kept_of_a_run_holds_no_secret(tmp_path: Path) -> None:
    """Tokens, known secrets and the text of secret files stand in none of the files kept."""
    told = keeping.keep(
        Project(tmp_path), SECRETIVE, datetime(2026, 1, 2, tzinfo=UTC), ["correct-horse-battery"]
    )
    folder = tmp_path / ".fastwright" / "runs" / told.run
    kept = {path.name: path.read_text() for path in folder.iterdir()}
    assert kept.keys() == {
        *("plan.json", "report.json", "report.md", "report.html", "change.patch"),
    }
    for secret in (TOKEN, "correct-horse-battery", "do-not-tell"):
        assert all(secret not in text for text in kept.values())
    assert kept["change.patch"] == "+x = 1\n"
    assert json.loads(kept["report.json"])["run"] == told.run
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_run_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    """Where the folder cannot be made, the refusal says so and no half report is left."""
    (tmp_path / ".fastwright").write_text("a file is in the way")
    with pytest.raises(Refused):
        keeping.keep(Project(tmp_path), SECRETIVE, datetime(2026, 1, 2, tzinfo=UTC))
    with suppress(FileNotFoundError, NotADirectoryError):
        assert list((tmp_path / ".fastwright" / "runs").iterdir()) == []


def test_a_package_that_the_tests_lack_is_named_with_what_to_do() -> None:
    """A suite whose own imports are missing is the environment's, not the change's."""
    seen = Evidence(EvidenceKind.PROCESS, "E   ModuleNotFoundError: No module named 'faker'")
    failed = Check("new-tests", Verdict.FAILED, "", "no tests", (seen,), 0.1)
    work = Work(Plan("x", ()), ChangeSet("", (), "x"), (), Proof("", (failed,)))
    report = telling.finished(work, Outcome.NOT_PROVEN, Stopwatch(Answers()))
    assert "install what provides `faker` into the app's environment" in str(report)
