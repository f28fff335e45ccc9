"""The disposable copy, and what is written without secrets."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastwright.workspace import checkout, runs
from fastwright.workspace.project import Project
from fastwright.workspace.redact import MASK, SHORTEST, redact


def test_a_copy_holds_what_runs_and_no_more(tmp_path: Path) -> None:
    """Ignored files that an app imports come along; environments, caches and env files do not."""
    root, into = tmp_path / "tree", tmp_path / "copy"
    for name in (
        *("app/main.py", "app/_version.py", "run.sh", ".gitignore", ".env.example", "empty/x"),
        *(".env", ".git/HEAD", ".venv/bin/python", "venv/pyvenv.cfg", ".fastwright/x"),
        *("node_modules/a.js", "app/__pycache__/main.pyc"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / ".gitignore").write_text("_version.py\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("app/main.py")
    copied = checkout.copy(Project(root), into)
    found = {p.relative_to(into).as_posix() for p in into.rglob("*") if not p.is_dir()}
    assert found == {
        *("app/main.py", "app/_version.py", "run.sh", ".gitignore", ".env.example"),
        *("empty/x", "link"),
    }
    assert (into / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (into / "link").readlink() == Path("app/main.py")
    assert [(str(u.path), u.because) for u in copied.left_out] == [
        (".env", "it holds a person's own values")
    ]
    assert copied.files == 7


def test_writing_to_a_copy_does_not_reach_the_original(tmp_path: Path) -> None:
    """No inode is shared, and a read-only file of the original can be changed in the copy."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "app.py").write_text("original")
    (root / "app.py").chmod(0o444)
    checkout.copy(Project(root), tmp_path / "copy")
    assert (root / "app.py").stat().st_ino != (tmp_path / "copy/app.py").stat().st_ino
    (tmp_path / "copy/app.py").write_text("changed")
    assert (root / "app.py").read_text() == "original"


def test_env_files_are_replaced_as_told(tmp_path: Path) -> None:
    """The copy has the given bytes where the original has a person's values."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / ".env").write_text("SECRET=real")
    given_files = {PurePosixPath(".env"): b"SECRET=scratch"}
    checkout.copy(Project(root), tmp_path / "copy", env_files=given_files)
    assert (tmp_path / "copy/.env").read_bytes() == b"SECRET=scratch"


def test_what_is_no_ordinary_file_is_left_out(tmp_path: Path) -> None:
    """A pipe does not block the copy, and is named."""
    root = tmp_path / "tree"
    root.mkdir()
    os.mkfifo(root / "pipe")
    copied = checkout.copy(Project(root), tmp_path / "copy")
    assert [u.because for u in copied.left_out] == ["not an ordinary file"]


def test_a_run_is_kept_without_secrets(tmp_path: Path) -> None:
    """A run's folder is private, its files are redacted, and two in one second do not collide."""
    at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    first, second = (runs.start(Project(tmp_path), at) for _ in range(2))
    assert (first.id, second.id) == ("20300102-030405", "20300102-030405-2")
    assert first.folder.stat().st_mode & 0o777 == 0o700
    report = first.write("report.md", "the key is hunter22", ["hunter22"])
    assert report.read_text() == f"the key is {MASK}"


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"got {TOKEN}, and", f"got {MASK}, and"),
        ("postgresql://shop:pa55@db:5432/shop", f"postgresql://shop:{MASK}@db:5432/shop"),
        ("postgresql://shop:pa@5/5@db:5432/shop", f"postgresql://shop:{MASK}@db:5432/shop"),
        ("key sk_live" + "_51Habcdefghijklm here", f"key {MASK} here"),
        ("AKIA" + "IOSFODNN7EXAMPLE", MASK),
        ("redis://:pa55@cache/0", f"redis://:{MASK}@cache/0"),
        ("Authorization: Bearer a1b2c3d4e5f6g7", f"Authorization: Bearer {MASK}"),
        ("$2b$12$abcdefghijklmnopqrstuv", MASK),
        ("-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----", MASK),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    """Tokens, URL passwords, credentials, hashes and keys go, the words around them stay."""
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    ["http://127.0.0.1:8000/docs", "Bearer authentication is used", "a@b.example", "GET /a:b"],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Addresses, ports and prose are no secrets."""
    assert redact(text) == text


def test_a_secret_that_is_a_word_garbles_nothing() -> None:
    """It is masked where it stands by itself, and not at all where every example sets it."""
    told = redact("the shop: its shops, `shop`, pass=shop&x=1, tests of a test", ["shop", "test"])
    masked = f"the {MASK}: its shops, `{MASK}`, pass={MASK}&x=1, tests of a test"
    assert told == masked


SECRET = st.text(min_size=SHORTEST, max_size=12).filter(lambda s: not s.isalpha())


@given(secrets=st.lists(SECRET, max_size=4), text=st.text())
def test_no_secret_survives(secrets: list[str], text: str) -> None:
    """No given secret is in the result, even where one contains another."""
    full = text + "".join(f" {secret} " for secret in secrets)
    redacted = redact(full, secrets)
    assert not [s for s in secrets if s in redacted.replace(MASK, "") and s not in MASK]
