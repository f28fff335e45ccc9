"""The command line on whole apps, as a person runs it: in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from fastwright.testing.samples import python_of, sample_app

LOGIN = "I need to create a login endpoint that validates user credentials and returns a JWT token"
Tree = Mapping[PurePosixPath, tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it said, with line ends as blanks."""
        return " ".join((self.out + self.err).split())


def fastwright(*arguments: str, at: Path, seconds: float = 60.0) -> Ended:
    """Run the program in the folder `at`, with nobody there to be asked."""
    ended = subprocess.run(
        [sys.executable, "-m", "fastwright", *arguments],
        cwd=at,
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def tree(root: Path) -> Tree:
    """Every file of the person's, with its permission bits; what is ours is left out."""
    return {
        PurePosixPath(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".fastwright" not in path.relative_to(root).parts
    }


@pytest.fixture
def bookshop(tmp_path: Path) -> Path:
    """A fresh copy of the example app, on which fastwright was never run."""
    copied = sample_app("bookshop").copy(tmp_path)
    shutil.rmtree(copied / ".fastwright", ignore_errors=True)
    return copied


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter with the newest packages."""
    return str(python_of("newest"))


@pytest.mark.slow
def test_the_main_job_from_request_to_undo(bookshop: Path, python: str) -> None:
    """A login is proven and applied; asked again it is there; undo gives every byte back."""
    before = tree(bookshop)
    done = fastwright("do", LOGIN, "--yes", "--python", python, at=bookshop, seconds=900)
    assert done.code == 0, done.said
    assert "Proven" in done.out
    after = tree(bookshop)
    assert after.keys() > before.keys()
    assert stat_of_secret(bookshop) == 0o600

    again = fastwright("do", LOGIN, "--yes", "--python", python, at=bookshop, seconds=900)
    assert again.code == 0, again.said
    assert "Already there" in again.out
    assert tree(bookshop) == after

    undone = fastwright("undo", at=bookshop)
    assert undone.code == 0, undone.said
    assert tree(bookshop) == before


def stat_of_secret(root: Path) -> int:
    """The permission bits of the file that the generated secret was written to."""
    return (root / ".env").stat().st_mode & 0o777


@pytest.mark.slow
def test_a_dry_run_proves_and_writes_nothing(bookshop: Path, python: str) -> None:
    """`--check` ends with 1 where it would change, and the report is kept, without the secret."""
    before = tree(bookshop)
    ended = fastwright(
        *("add", "health-checks", "--check", "--json", "--yes", "--python", python),
        at=bookshop,
        seconds=900,
    )
    assert ended.code == 1, ended.said
    report = json.loads(ended.out)
    assert report["outcome"] == "planned"
    assert {c["verdict"] for c in report["proof"]["checks"]} <= {"passed", "skipped"}
    assert tree(bookshop) == before
    run = bookshop / ".fastwright" / "runs" / report["run"]
    assert {p.name for p in run.iterdir()} == {
        *("plan.json", "report.json", "report.md", "report.html", "change.patch"),
    }
    assert run.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_every_option_of_a_login_is_proven(bookshop: Path, python: str) -> None:
    """Refresh tokens, logout, registration and roles hold every gate together with the login."""
    options = ("--refresh", "--logout", "--registration", "--roles", "--yes", "--json")
    ended = fastwright("add", "jwt-auth", *options, "--python", python, at=bookshop, seconds=900)
    assert ended.code == 0, ended.said
    verdicts = {c["gate"]: c["verdict"] for c in json.loads(ended.out)["proof"]["checks"]}
    assert verdicts["access"] == verdicts["mutations"] == verdicts["attacks"] == "passed"


@pytest.mark.slow
def test_an_app_without_a_database_gets_what_a_login_stands_on(tmp_path: Path, python: str) -> None:
    """Settings, database and login are one proven change; each step's tests miss that step."""
    app = sample_app("notebook").copy(tmp_path)
    ended = fastwright("do", LOGIN, "--yes", "--json", "--python", python, at=app, seconds=900)
    assert ended.code == 0, ended.said
    report = json.loads(ended.out)
    assert [step["recipe"] for step in report["plan"]["steps"]] == [
        "settings",
        "database",
        "jwt-auth",
    ]
    verdicts = {check["gate"]: check["verdict"] for check in report["proof"]["checks"]}
    assert verdicts["new-tests"] == verdicts["mutations"] == verdicts["attacks"] == "passed"


def test_a_folder_without_an_app_is_told_so(tmp_path: Path) -> None:
    """Not a FastAPI project: exit code 2, and what was looked for."""
    (tmp_path / "main.py").write_text("print('hello')\n")
    ended = fastwright("do", "add login", "--yes", at=tmp_path)
    assert ended.code == 2
    assert "cannot find a FastAPI app" in ended.said


def test_a_path_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    """A missing folder is a usage error."""
    ended = fastwright("do", "add login", "--app", "nowhere", "--yes", at=tmp_path)
    assert ended.code == 2
    assert "there is no such file or folder" in ended.said


def test_a_missing_module_is_named_with_what_to_do(tmp_path: Path, python: str) -> None:
    """An app that does not import shows its own error and the module, and ends with 3."""
    app = "import nowhere_to_be_found\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    (tmp_path / "main.py").write_text(app)
    ended = fastwright("add", "health-checks", "--yes", "--python", python, at=tmp_path)
    assert ended.code == 3
    assert "No module named 'nowhere_to_be_found'" in ended.said
    assert "--python" in ended.said
    assert "fault of fastwright" not in ended.said


def test_a_missing_variable_that_cannot_be_guessed_is_named(tmp_path: Path, python: str) -> None:
    """A variable that no value satisfies is named, with the flag that gives it."""
    (tmp_path / "main.py").write_text(
        "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "if os.environ['SHOP_LICENCE'] != 'cheese':\n"
        "    raise RuntimeError('SHOP_LICENCE is not a licence')\n"
    )
    arguments = ("add", "health-checks", "--dry-run", "--yes", "--python", python)
    ended = fastwright(*arguments, at=tmp_path)
    assert ended.code == 3, ended.said
    assert "SHOP_LICENCE is not a licence" in ended.said
    given = fastwright(*arguments, "--env", "SHOP_LICENCE=cheese", at=tmp_path, seconds=200)
    assert given.code == 0, given.said


def test_a_syntax_error_in_one_file_is_no_end(tmp_path: Path) -> None:
    """The rest of an app with one broken file is still mapped, by reading alone."""
    shop = sample_app("bookshop").copy(tmp_path)
    (shop / "bookshop" / "broken.py").write_text("def half(:\n")
    ended = fastwright("survey", "--static", "--json", at=shop)
    assert ended.code == 0, ended.said
    document = json.loads(ended.out)
    assert len(document["routes"]) == 14
    assert document["modules"]["bookshop.broken"]["unread"]["line"] == 1


BROKEN = "import os\n\ndef half(:\n    pass\n"


@pytest.mark.parametrize(
    "command",
    [
        ("survey", "--static"),
        ("plan", "add health checks"),
        ("plan", "cook a soup"),
        ("do", "rate limit the login endpoint", "--yes"),
    ],
    ids=["survey", "plan", "not understood", "refused"],
)
def test_a_file_that_cannot_be_parsed_is_named_once(
    command: tuple[str, ...], bookshop: Path
) -> None:
    """Whatever comes of a command, it says which file it read in part, the line and the reason."""
    (bookshop / "bookshop" / "broken.py").write_text(BROKEN)
    said = fastwright(*command, at=bookshop).said
    assert said.count("bookshop/broken.py") == 1, said
    assert "`def half(:` cannot be parsed" in said
    assert "3" in said.partition("bookshop/broken.py")[2][:40]


def test_a_job_names_the_file_that_cannot_be_parsed(bookshop: Path, python: str) -> None:
    """The rest is done, and the report has the file in each of its forms."""
    (bookshop / "bookshop" / "broken.py").write_text(BROKEN)
    options = ("--yes", "--tests", "none", "--dry-run", "--python", python)
    ended = fastwright("add", "health-checks", *options, at=bookshop, seconds=200)
    assert ended.code == 0, ended.said
    told = "`bookshop/broken.py`, line 3: `def half(:` cannot be parsed: `)` is missing"
    assert ended.said.count(told) == 1
    (run,) = (bookshop / ".fastwright" / "runs").iterdir()
    assert told in (run / "report.md").read_text()
    assert json.loads((run / "report.json").read_text())["unread"] == [told]
    assert "bookshop/broken.py" in (run / "report.html").read_text()


def test_an_app_whose_only_file_is_broken_is_told_so(tmp_path: Path) -> None:
    """Where no app is found, a file that could not be read whole may be the reason."""
    (tmp_path / "main.py").write_text("import fastapi\ndef make_app(:\n    pass\n")
    ended = fastwright("do", "add login", "--yes", at=tmp_path)
    assert ended.code == 2
    assert "`main.py`, line 2: `def make_app(:` cannot be parsed" in ended.said


def test_a_read_only_tree_is_refused(bookshop: Path) -> None:
    """A tree that cannot be written is refused before anything runs; reading it still works."""
    ended = on_a_read_only_tree("add", "health-checks", "--yes", at=bookshop)
    assert ended.code == 4
    assert "cannot write" in ended.said
    assert on_a_read_only_tree("survey", "--static", at=bookshop).code == 0


def on_a_read_only_tree(*arguments: str, at: Path) -> Ended:
    """Run the program where `at` is mounted read-only: modes alone do not stop root."""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    program = [sys.executable, "-m", "fastwright", *arguments]
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, str(at), *program],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_an_unknown_recipe_is_answered_with_the_nearest(bookshop: Path) -> None:
    """A slip in a recipe's name ends with 2 and the name that was meant."""
    ended = fastwright("add", "helth-checks", at=bookshop)
    assert ended.code == 2
    assert "did you mean `health-checks`?" in ended.said


def test_pydantic_1_is_refused_plainly(tmp_path: Path, python: str) -> None:
    """An app on pydantic 1 is refused with the version and a way on; nothing is written."""
    old = sample_app("pydantic1").copy(tmp_path)
    before = tree(old)
    ended = fastwright("do", "add login", "--yes", "--python", python, at=old)
    assert ended.code == 4, ended.said
    assert "pydantic 1" in ended.said
    assert tree(old) == before


def test_out_of_scope_is_refused(bookshop: Path) -> None:
    """A request for what is not built ends with 4, by reading alone."""
    ended = fastwright("do", "rate limit the login endpoint", "--yes", at=bookshop)
    assert ended.code == 4
    assert "rate limiting is not built yet" in ended.said
    assert not (bookshop / ".fastwright").exists()


def test_nobody_to_ask_is_no_consent(bookshop: Path, python: str) -> None:
    """Without a terminal and without `--yes` nothing of the person's is run."""
    ended = fastwright("add", "health-checks", "--python", python, at=bookshop)
    assert ended.code == 4
    assert "--yes" in ended.said


@pytest.mark.slow
def test_a_dirty_tree_keeps_its_edits(bookshop: Path, python: str) -> None:
    """Uncommitted edits are part of what is proven, and undo leaves them as they were."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "shop")):
        subprocess.run([*git, *command], cwd=bookshop, check=True)
    readme = bookshop / "README.md"
    readme.write_text(readme.read_text() + "An edit that is not committed.\n")
    before = tree(bookshop)
    options = ("--yes", "--python", python, "--tests", "none")
    done = fastwright("add", "health-checks", *options, at=bookshop, seconds=900)
    assert done.code == 0, done.said
    assert "An edit that is not committed." in readme.read_text()
    assert fastwright("undo", at=bookshop).code == 0
    assert without_git(tree(bookshop)) == without_git(before)


def without_git(files: Tree) -> Tree:
    """`files` without git's own."""
    return {path: content for path, content in files.items() if path.parts[0] != ".git"}


def test_ctrl_c_leaves_the_tree_and_no_process(bookshop: Path, python: str) -> None:
    """An interrupt while the app runs ends with 130, one line, the old tree and no process."""
    before = tree(bookshop)
    arguments = ("add", "health-checks", "--yes", "--python", python)
    with subprocess.Popen(
        [sys.executable, "-m", "fastwright", *arguments],
        cwd=bookshop,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "starting the app" in line:
                break
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.strip().splitlines() == ["interrupted; nothing was changed"]
    assert tree(bookshop) == before
    assert left_of(bookshop) == []


def left_of(root: Path) -> list[str]:
    """The processes for the tree at `root` that live on: one that tells a version is at its end."""
    until = time.monotonic() + 5
    while (found := processes_of(root)) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def processes_of(root: Path) -> list[str]:
    """The processes of this machine that were started for the tree at `root` and still live."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            if str(root) in words or str(root) in str((process / "cwd").readlink()):
                found.append(words)
    return found


def test_a_survey_says_who_saw_what(bookshop: Path, python: str) -> None:
    """The map has every operation seen by both, versions, and where each value comes from."""
    ended = fastwright("survey", "--yes", "--json", "--python", python, at=bookshop, seconds=200)
    assert ended.code == 0, ended.said
    document = json.loads(ended.out)
    operations = [r for r in document["routes"] if r["in_schema"] and r["reachable"]]
    assert len(operations) == 14
    assert {tuple(route["seen_by"]) for route in operations} == {("source", "import")}
    assert document["versions"]["fastapi"]
    given = {s["name"]: s["given_by"] for s in document["settings"]}
    assert given["BOOKSHOP_DATABASE_URL"] == [".env.example"]
