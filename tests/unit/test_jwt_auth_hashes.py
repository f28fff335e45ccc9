"""Stored texts that are no hash, or a broken one, in the code that `jwt-auth` writes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fastwright.model.change import NewFile
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static
from fastwright.testing.samples import LOCKS, python_of, sample_app
from fastwright.workspace.project import Project

OWN = """import hashlib
import hmac


def hash_password(password):
    return "salt$" + hashlib.sha256(b"salt" + password.encode()).hexdigest()


def verify_password(password, stored):
    salt, digest = stored.split("$")
    return hmac.compare_digest(hashlib.sha256((salt + password).encode()).hexdigest(), digest)
"""
SCHEMES = {
    "bcrypt": "",
    "werkzeug": "from werkzeug.security import check_password_hash\n",
    "elsewhere": OWN,
}
BROKEN = (
    "", " ", "plain text", "$", "$$", "a$b$c$d", "$argon2", "$argon2id$v=19$m=65536,t=3,p=4$",
    "$2b$", "$2b$12$", "$2b$12$short", "$2b$99$" + "a" * 53, "$2b$xx$" + "a" * 53,
    "$2b$12$" + "\u00e9" * 53, "$2y$04$" + "!" * 53,
    "pbkdf2:$s$d", "pbkdf2:sha256$s$d", "pbkdf2:sha256:x$s$d", "pbkdf2:nothing:1$s$d",
    "pbkdf2:sha256:0$s$d", "pbkdf2:sha256:1$s$\u00e9", "pbkdf2:sha256:99999999999999999999$s$d",
    "scrypt:$s$d", "scrypt:1:2$s$d", "scrypt:3:8:1$s$d", "scrypt:1180591620717411303424:8:1$s$d",
    "scrypt:2:-1:1$s$d", "salt$\u00e9", "\x00", "x" * 5000,
)  # fmt: skip
SCRIPT = """
import asyncio, importlib, inspect, json, sys

passwords = importlib.import_module(sys.argv[1])
decoys, verify = [], passwords.PasswordHash.verify
update = passwords.PasswordHash.verify_and_update

def counted(self, password, stored, inner=verify):
    decoys.append(stored == passwords._decoy)
    return inner(self, password, stored)

passwords.PasswordHash.verify = counted
passwords.PasswordHash.verify_and_update = lambda *a: counted(*a, inner=update)
wrong = []
for stored in json.loads(sys.argv[2]):
    decoys.clear()
    try:
        found = passwords.check_password("correct horse", stored)
        found = asyncio.run(found) if inspect.isawaitable(found) else found
    except BaseException as error:
        found = repr(error)
    if found is not None or len(decoys) > 2 or (len(decoys) == 2 and not decoys[-1]):
        wrong.append([stored, str(found), decoys[:]])
print(json.dumps(wrong))
"""


QUICKLY = """
import importlib, sys
import pytest

passwords, written = (importlib.import_module(name) for name in sys.argv[1:3])
exec(sys.argv[3])
with pytest.MonkeyPatch.context() as patch:
    rows = written.Rows(None, patch)
    rows.hash_quickly()
    assert passwords._hashes.verify(written.PASSWORD, written.HASH)
    made = passwords._hashes.hash("x")
    assert "m=8,t=1,p=1" in made or made.startswith("$2b$04$")
"""
OWN_HASHER = """from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

hasher = PasswordHash((BcryptHasher(), Argon2Hasher()))
"""


@pytest.mark.parametrize("security", ["", OWN_HASHER], ids=["ours", "own-hasher"])
@pytest.mark.parametrize(
    ("broken", "holds"),
    [
        ("", True),
        ("passwords._decoy = 'nothing'", False),
        (
            "import pwdlib.hashers.argon2 as argon2, pwdlib\n"
            "passwords._decoy = pwdlib.PasswordHash((argon2.Argon2Hasher(time_cost=1, "
            "memory_cost=8, parallelism=1),)).hash('x')",
            False,
        ),
    ],
    ids=["as-written", "no-decoy", "cheap-decoy"],
)
def test_little_work_hides_no_decoy_that_costs_less(
    security: str, broken: str, holds: bool, tmp_path: Path
) -> None:
    """Written tests hash quickly with whatever hasher there is, after a look at the true decoy."""
    copy = sample_app("createall").copy(tmp_path)
    if security:
        (copy / "security.py").write_text(security)
    files = Project.find(copy).read()
    changes = JwtAuth().build(static.read(files))
    for path, content in edits.apply(files, changes.changes).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(content)
    new = [c for c in changes.changes if isinstance(c, NewFile)]
    modules = [
        ".".join(c.path.with_suffix("").parts)
        for mark in ("def check_password", "def hash_quickly")
        for c in new
        if mark in c.text
    ]
    command = [str(python_of("newest")), "-c", QUICKLY, *modules, broken]
    env = {**os.environ, "JWT_SECRET": "only-for-tests-0123456789-abcdefghijklmnopq"}
    ran = subprocess.run(
        command, cwd=copy, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode == 0) is holds, ran.stderr[-2000:]
    assert holds or "in hash_quickly" in ran.stderr


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_broken_hash_is_nobodys(scheme: str, lock: str, tmp_path: Path) -> None:
    """No stored text raises or matches, and what cannot be read costs a verification of a hash."""
    copy = sample_app("createall").copy(tmp_path)
    if scheme != "bcrypt":
        main = copy / "main.py"
        main.write_text(main.read_text().replace("bcrypt", "b_crypt"))
        (copy / "security.py").write_text(SCHEMES[scheme])
    files = Project.find(copy).read()
    changes = JwtAuth().build(static.read(files))
    for path, content in edits.apply(files, changes.changes).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(content)
    (home,) = [
        c for c in changes.changes if isinstance(c, NewFile) and "def check_password" in c.text
    ]
    assert f"Stored{scheme.title()}" in home.text
    module = ".".join(home.path.with_suffix("").parts)
    command = [str(python_of(lock)), "-c", SCRIPT, module, json.dumps(BROKEN)]
    ran = subprocess.run(
        command, cwd=copy, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout) == []
