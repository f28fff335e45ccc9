"""The tests that `jwt-auth` writes, run in the apps that they are written for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fastwright.model.change import ChangeSet, NewFile
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static
from fastwright.testing.samples import LOCKS, python_of, sample_app
from fastwright.workspace.project import Project

pytestmark = pytest.mark.slow

EVERYTHING = JwtAuth(refresh=True, logout=True, registration=True, roles=True)
LIMITED = """
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import Response


class RateLimitMiddleware(BaseHTTPMiddleware):
    asked = 0

    async def dispatch(self, request, call_next):
        self.asked += 1
        return await call_next(request) if self.asked <= 20 else Response(status_code=429)


app.add_middleware(RateLimitMiddleware)
"""
VERIFYING = """


@app.post("/passwords")
async def check(given: NewUser, db: DB):
    user = await db.scalar(select(User).where(User.email == given.email))
    stored = user.hashed_password if user else ""
    return bcrypt.checkpw(given.password.encode(), stored.encode())
"""
HASHER = """
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

hasher = PasswordHash(({hashers}))
"""
BREAKING = """
from fastapi.staticfiles import StaticFiles

app.mount("/", StaticFiles(directory="built-later", check_dir=False))
"""
RUN_HERE = ["tasks_sqlmodel", "legacy_forum", "factory_api", "shop_async", "createall"]


def written(name: str, folder: Path, recipe: JwtAuth) -> tuple[Path, ChangeSet]:
    """A copy of a sample app with the login in it."""
    copy = sample_app(name).copy(folder)
    return copy, write_into(copy, recipe)


def write_into(copy: Path, recipe: JwtAuth) -> ChangeSet:
    """The change set of `recipe` for the app in `copy`, written there."""
    files = Project.find(copy).read()
    changes = recipe.build(static.read(files))
    for path, content in edits.apply(files, changes.changes).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(content)
    return changes


def run_tests(copy: Path, changes: ChangeSet, lock: str = "newest") -> tuple[int, str]:
    """The exit code and the output of the written tests."""
    tests = [str(copy / path) for path in changes.promise.tests]
    command = [str(python_of(lock)), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        command, cwd=copy, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("name", RUN_HERE)
def test_written_tests_pass(name: str, lock: str, tmp_path: Path) -> None:
    """With the change they pass, on the oldest and the newest versions."""
    copy, changes = written(name, tmp_path, JwtAuth())
    code, output = run_tests(copy, changes, lock)
    assert code == 0, output[-2000:]


def test_written_tests_ask_for_a_trusted_host(tmp_path: Path) -> None:
    """Where the app answers to some host names alone, the written client uses one of them."""
    copy = sample_app("createall").copy(tmp_path)
    main = copy / "main.py"
    hosts = "\nfrom starlette.middleware.trustedhost import TrustedHostMiddleware\n"
    guard = "app.add_middleware(TrustedHostMiddleware, allowed_hosts=['api.example', '10.0.0.1'])\n"
    main.write_text(main.read_text() + hosts + guard)
    changes = write_into(copy, JwtAuth())
    code, output = run_tests(copy, changes)
    assert code == 0, output[-2000:]


def test_written_tests_stay_below_limits_of_the_app(tmp_path: Path) -> None:
    """Where the app lets nobody ask often, the written tests are counted from zero each."""
    copy = sample_app("createall").copy(tmp_path)
    main = copy / "main.py"
    main.write_text(main.read_text() + LIMITED)
    changes = write_into(copy, JwtAuth())
    code, output = run_tests(copy, changes)
    assert code == 0, output[-2000:]


@pytest.mark.parametrize("recipe", [JwtAuth(), EVERYTHING], ids=["login", "everything"])
def test_written_tests_pass_where_hashes_stay(recipe: JwtAuth, tmp_path: Path) -> None:
    """Where a route of the app verifies its hashes itself, they are verified and left."""
    copy = sample_app("createall").copy(tmp_path)
    main = copy / "main.py"
    main.write_text(main.read_text() + VERIFYING)
    changes = write_into(copy, recipe)
    assert "verifies them itself" in " ".join(said.because for said in changes.explains)
    code, output = run_tests(copy, changes)
    assert code == 0, output[-2000:]


def test_written_tests_fail_by_assertion_where_the_app_breaks(tmp_path: Path) -> None:
    """What stands behind all routes may raise where there is no login: that is no error."""
    copy, changes = written("createall", tmp_path / "new", JwtAuth())
    old = sample_app("createall").copy(tmp_path / "old")
    main = old / "main.py"
    main.write_text(main.read_text() + BREAKING)
    for path in changes.promise.tests:
        (old / path).write_bytes((copy / path).read_bytes())
    code, output = run_tests(old, changes)
    assert code == 1
    assert "AssertionError: nothing answers POST" in output


def test_written_tests_fill_required_columns(tmp_path: Path) -> None:
    """A user table with a required time, UUID, number and text gets rows that it takes."""
    copy = sample_app("createall").copy(tmp_path)
    models = copy / "models.py"
    named = 'class User(Base):\n    __tablename__ = "user"\n'
    text = models.read_text()
    assert named in text
    columns = "    born: Mapped[datetime]\n    tag: Mapped[UUID]\n    size: Mapped[int]\n"
    imported = "from datetime import datetime\nfrom uuid import UUID\n"
    models.write_text(imported + text.replace(named, f"{named}{columns}    motto: Mapped[str]\n"))
    changes = write_into(copy, JwtAuth())
    code, output = run_tests(copy, changes)
    assert code == 0, output[-2000:]


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("name", RUN_HERE)
def test_written_tests_pass_with_every_option(name: str, lock: str, tmp_path: Path) -> None:
    """Refresh tokens, logout, registration and roles hold what their own tests say."""
    copy, changes = written(name, tmp_path, EVERYTHING)
    code, output = run_tests(copy, changes, lock)
    assert code == 0, output[-2000:]


@pytest.mark.parametrize("name", RUN_HERE)
def test_written_tests_fail_by_assertion_without_the_change(name: str, tmp_path: Path) -> None:
    """On the old tree they are collected, run, and refuted by what the app answers."""
    sample = sample_app(name)
    _, changes = written(name, tmp_path / "new", EVERYTHING)
    old = sample.copy(tmp_path / "old")
    for change in changes.changes:
        if isinstance(change, NewFile) and change.path in changes.promise.tests:
            (old / change.path).parent.mkdir(parents=True, exist_ok=True)
            (old / change.path).write_text(change.text)
    code, output = run_tests(old, changes)
    assert code == 1
    assert "AssertionError: there is no POST" in output


def test_each_promised_property_is_missed_when_it_is_gone(tmp_path: Path) -> None:
    """Every mutation turns a written test red, and leaves the code running."""
    copy, changes = written("tasks_sqlmodel", tmp_path, EVERYTHING)
    for mutation in changes.promise.mutations:
        path = copy / mutation.path
        text = path.read_text()
        path.write_text(text.replace(mutation.old, mutation.new))
        code, output = run_tests(copy, changes)
        path.write_text(text)
        assert code == 1, f"nothing missed: {mutation.name}"
        assert "assert" in output
        assert "error" not in output.splitlines()[-1]


@pytest.mark.parametrize("hashers", ["Argon2Hasher(), BcryptHasher()", "BcryptHasher(),"])
def test_written_tests_pass_with_a_hasher_of_the_app(hashers: str, tmp_path: Path) -> None:
    """Where the app has pwdlib's hasher set up, they hash as it does, be it argon2 or bcrypt."""
    copy = sample_app("createall").copy(tmp_path)
    (copy / "hashing.py").write_text(HASHER.format(hashers=hashers))
    changes = write_into(copy, EVERYTHING)
    code, output = run_tests(copy, changes)
    assert code == 0, output[-2000:]
