"""What happens while a written login hashes a password, and what others do at that moment."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fastwright.model.change import ChangeSet, NewFile
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static
from fastwright.testing.samples import python_of, sample_app
from fastwright.workspace.project import Project

PASSWORD = "correct horse battery staple"
SCRIPT = """
import importlib, json, sqlite3, sys

import bcrypt
from fastapi.testclient import TestClient

given = json.loads(sys.argv[1])
module, _, name = given["app"].partition(":")
app = getattr(importlib.import_module(module), name)
engine = getattr(importlib.import_module(given["engine"]), "engine")
passwords = importlib.import_module(given["passwords"])
stored = bcrypt.hashpw(given["password"].encode(), bcrypt.gensalt(4)).decode()
verify, held = passwords._check, []

def write(sql, *values):
    with sqlite3.connect("app.db") as connection:
        connection.execute(sql, values)

def meanwhile(password, stored):
    held.append(engine.pool.checkedout())
    found = verify(password, stored)
    if given["meanwhile"] and len(held) <= given["times"]:
        replaced = passwords._hashes.hash(password)
        write(given["meanwhile"], *([replaced] if "?" in given["meanwhile"] else []))
    return found

passwords._check = meanwhile
with TestClient(app) as client:
    if given["create"]:
        importlib.import_module(given["create"]).Base.metadata.create_all(engine)
    write(given["insert"], stored)
    form = {"username": given["login"], "password": given["password"]}
    answer = client.post("/auth/login", data=form)
    token = answer.json().get("access_token", "")
    me = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    told = {"held": held, "login": answer.status_code, "me": me.status_code}
    if given["refreshing"]:
        refreshing = importlib.import_module(given["refreshing"])
        find = refreshing.find_by_subject

        def ended(*known):
            write("DELETE FROM refresh_tokens")
            return find(*known)

        refreshing.find_by_subject = ended
        body = {"refresh_token": answer.json()["refresh_token"]}
        told["refresh"] = client.post("/auth/refresh", json=body).status_code
        with sqlite3.connect("app.db") as connection:
            told["left"] = connection.execute("SELECT count(*) FROM refresh_tokens").fetchone()[0]
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Shop:
    """An app with stored bcrypt hashes, and how its user table is written to."""

    sample: str
    app: str
    engine: str
    insert: str
    replaces: Sequence[tuple[str, str]] = ()
    login: str = "ann@example.com"
    create: str = ""


HELD = Shop(
    "createall",
    "main:app",
    "db",
    "INSERT INTO \"user\" (email, hashed_password) VALUES ('ann@example.com', ?)",
)
ASYNC = Shop(
    HELD.sample,
    HELD.app,
    HELD.engine,
    HELD.insert,
    [("as session, session.begin():", "as session:")],
)
SYNC = Shop(
    "legacy_forum",
    "forum.main:app",
    "forum.database",
    "INSERT INTO users (username, email, hashed_password, is_active, is_admin)"
    " VALUES ('ann', 'ann@example.com', ?, 1, 0)",
    login="ann",
    create="forum.database",
)
CHANGED = 'UPDATE "user" SET hashed_password = ?'
DELETED = 'DELETE FROM "user"'


def built(shop: Shop, folder: Path, recipe: JwtAuth | None = None) -> tuple[Path, ChangeSet]:
    """A copy of the app with a login in it."""
    copy = sample_app(shop.sample).copy(folder)
    for old, new in shop.replaces:
        text = (copy / "db.py").read_text()
        assert old in text
        (copy / "db.py").write_text(text.replace(old, new))
    files = Project.find(copy).read()
    changes = (recipe or JwtAuth()).build(static.read(files))
    for path, content in edits.apply(files, changes.changes).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(content)
    return copy, changes


def module_of(changes: ChangeSet, function: str) -> str:
    """The dotted name of the written module that defines `function`; empty where none does."""
    written = [c for c in changes.changes if isinstance(c, NewFile)]
    homes = [c.path for c in written if f"def {function}(" in c.text]
    return ".".join(homes[0].with_suffix("").parts) if homes else ""


def logged_in(
    shop: Shop, folder: Path, meanwhile: str = "", times: int = 1, recipe: JwtAuth | None = None
) -> dict[str, Any]:
    """One login, what was held while it hashed, and what its token is good for.

    `meanwhile` is done to the user table behind each of the first `times` verifications. Where
    `recipe` has refresh tokens, the login is ended while its own is exchanged.
    """
    copy, changes = built(shop, folder, recipe)
    given = {
        "app": shop.app,
        "engine": shop.engine,
        "insert": shop.insert,
        "login": shop.login,
        "create": shop.create,
        "password": PASSWORD,
        "passwords": module_of(changes, "check_password"),
        "refreshing": module_of(changes, "exchange"),
        "meanwhile": meanwhile,
        "times": times,
    }
    environ = {
        **os.environ,
        "JWT_SECRET": secrets.token_urlsafe(48),
        "RECIPES_DB": "sqlite+aiosqlite:///app.db",
        "DATABASE_URL": "sqlite:///app.db",
        "PYTHONPATH": str(copy),
    }
    ran = subprocess.run(
        [str(python_of("newest")), "-c", SCRIPT, json.dumps(given)],
        cwd=copy,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("shop", [ASYNC, SYNC], ids=["async", "sync"])
def test_a_login_that_hashes_holds_no_connection(shop: Shop, tmp_path: Path) -> None:
    """However many logins wait for a core, none of them keeps others from the database."""
    told = logged_in(shop, tmp_path)
    assert told == {"held": [0], "login": 200, "me": 200}


@pytest.mark.slow
def test_a_transaction_of_the_request_is_held_and_said(tmp_path: Path) -> None:
    """Where the session may commit at the end alone, the login keeps to it, and it is told."""
    told = logged_in(HELD, tmp_path)
    assert told == {"held": [1], "login": 200, "me": 200}
    _, changes = built(HELD, tmp_path / "again")
    costs = " ".join(decision.costs for decision in changes.explains)
    assert "keeps its database connection meanwhile, for `get_async_session`" in costs


@pytest.mark.parametrize("shop", [ASYNC, pytest.param(HELD, marks=pytest.mark.slow)])
def test_a_hash_that_is_replaced_meanwhile_is_read_again(shop: Shop, tmp_path: Path) -> None:
    """Two first logins at one moment both get a token that holds; an older hash is not put back."""
    told = logged_in(shop, tmp_path, CHANGED)
    assert (told["login"], told["me"], len(told["held"])) == (200, 200, 2)


@pytest.mark.slow
def test_an_account_that_is_deleted_meanwhile_is_unknown(tmp_path: Path) -> None:
    """A row that is gone by the time its password was verified is a plain 401."""
    assert logged_in(ASYNC, tmp_path, DELETED)["login"] == 401


@pytest.mark.slow
def test_a_hash_that_is_replaced_again_and_again_ends(tmp_path: Path) -> None:
    """There are no more than two verifications, whatever others do."""
    older = f"UPDATE \"user\" SET hashed_password = '{'$2b$04$' + 'a' * 53}'"
    told = logged_in(ASYNC, tmp_path, older, times=100)
    assert told["login"] == 401
    assert len(told["held"]) == 2


@pytest.mark.parametrize("shop", [ASYNC, SYNC], ids=["async", "sync"])
def test_a_login_that_is_ended_while_it_is_refreshed_stays_ended(
    shop: Shop, tmp_path: Path
) -> None:
    """Logging out at the very moment of a refresh leaves no token that is good."""
    told = logged_in(shop, tmp_path, recipe=JwtAuth(refresh=True, logout=True))
    assert (told["login"], told["refresh"], told["left"]) == (200, 401, 0)
