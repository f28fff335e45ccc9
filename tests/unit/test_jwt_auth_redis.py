"""Limits that are counted in Redis, as `jwt-auth` writes them."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.redis import find
from fastwright.model.app import AppMap
from fastwright.model.change import AddDependency, ChangeSet, NewFile
from fastwright.model.errors import Refused
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static
from fastwright.testing.samples import python_of, sample_app
from fastwright.workspace.project import Project

SETTINGS = b"""
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = "sqlite+aiosqlite://"
    redis_url: str
    max_lines: int = 50


settings = Settings()
"""
WORKER = """
import asyncio, importlib, inspect, sys

async def main():
    limit = importlib.import_module(sys.argv[1]).SharedLimit(burst=25, interval=3600)
    passed = 0
    for _ in range(40):
        wait = limit.take("somebody")
        passed += (await wait if inspect.isawaitable(wait) else wait) == 0
    print(passed, limit.in_redis)

asyncio.run(main())
"""


def map_of(name: str, **files: bytes) -> AppMap:
    """The map of a sample app, by its source, with further `files`."""
    found = sample_app(name).read()
    return static.read({**found, **{PurePosixPath(path): text for path, text in files.items()}})


def limits_of(changes: ChangeSet) -> NewFile:
    """The new file that holds the limits."""
    (found,) = [c for c in changes.changes if isinstance(c, NewFile) and "BY_ACCOUNT = " in c.text]
    return found


def written(sample: str, folder: Path) -> tuple[Path, ChangeSet]:
    """A copy of a sample app whose login counts in Redis."""
    copy = sample_app(sample).copy(folder)
    files = Project.find(copy).read()
    changes = JwtAuth(limits="redis").build(static.read(files))
    for path, content in edits.apply(files, changes.changes).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(content)
    return copy, changes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis of its own."""
    program = find()
    assert program is not None
    socket = tmp_path / "redis.sock"
    argv = [str(program), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=tmp_path)
    for _ in range(100):
        if socket.exists():
            break
        time.sleep(0.05)
    yield f"unix://{socket}"
    running.terminate()
    running.wait(10)


def workers(copy: Path, changes: ChangeSet, store: str) -> list[tuple[int, str]]:
    """What two processes, at the same moment, get of forty attempts each."""
    module = ".".join(limits_of(changes).path.with_suffix("").parts)
    given = {"JWT_SECRET": secrets.token_urlsafe(48), "REDIS_URL": store}
    started = [
        subprocess.Popen(
            [str(python_of("newest")), "-c", WORKER, module],
            cwd=copy,
            env={**os.environ, **given, "DATABASE_URL": "sqlite+aiosqlite://"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60)[0].split() for process in started]
    return [(int(passed), where) for passed, where in answers]


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["shop_async", "tasks_sqlmodel"])
def test_processes_share_one_allowance(sample: str, server: str, tmp_path: Path) -> None:
    """Exactly as many attempts pass as are allowed, over all processes that count in one Redis."""
    copy, changes = written(sample, tmp_path / "app")
    found = workers(copy, changes, server)
    assert sum(passed for passed, _ in found) == 25
    assert {where for _, where in found} == {"True"}


@pytest.mark.slow
def test_without_redis_each_process_counts(tmp_path: Path) -> None:
    """Where nothing answers, nobody is refused for that, and each process limits by itself."""
    copy, changes = written("shop_async", tmp_path / "app")
    assert workers(copy, changes, "redis://127.0.0.1:1") == [(25, "False")] * 2


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["shop_async", "tasks_sqlmodel"])
def test_the_written_tests_pass_with_and_without_redis(
    sample: str, server: str, tmp_path: Path
) -> None:
    """What is written to test the shared limits holds whether Redis answers or not."""
    copy, changes = written(sample, tmp_path / "app")
    tests = [str(path) for path in changes.promise.tests]
    for store in (server, "redis://127.0.0.1:1"):
        ran = subprocess.run(
            [str(python_of("newest")), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
            cwd=copy,
            env={**os.environ, "REDIS_URL": store},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-2000:]
        assert "skipped" not in ran.stdout


def test_a_setting_of_the_app_is_used() -> None:
    """An app that has the URL of a Redis counts there unasked, and gets no further setting."""
    app = map_of("shop_async", **{"shop/settings.py": SETTINGS})
    changes = JwtAuth().build(app)
    assert "settings.redis_url" in limits_of(changes).text
    assert sum("redis_url" in getattr(c, "text", "") for c in changes.changes) == 1
    assert any(isinstance(c, AddDependency) and "redis" in c.requirement for c in changes.changes)


def test_memory_counts_where_there_is_no_redis() -> None:
    """Without such a setting nothing of Redis is written, imported or installed."""
    changes = JwtAuth().build(map_of("shop_async"))
    assert "edis" not in "".join(getattr(c, "text", "") for c in changes.changes)
    assert not any("redis" in getattr(c, "requirement", "") for c in changes.changes)
    asked = map_of("shop_async", **{"shop/settings.py": SETTINGS})
    assert "SharedLimit" not in limits_of(JwtAuth(limits="memory").build(asked)).text


@pytest.mark.parametrize("sample", ["bookshop", "legacy_forum", "shop_async"])
def test_a_second_build_is_empty(sample: str) -> None:
    """Limits in Redis are known again, whatever they are asked for with."""
    app = map_of(sample)
    changes = JwtAuth(limits="redis").build(app)
    after = static.read(edits.apply(app.files, changes.changes))
    assert JwtAuth(limits="redis").build(after).is_empty
    assert JwtAuth().build(after).is_empty


def test_limits_in_memory_are_not_moved() -> None:
    """A login that counts in memory stays so: to ask for Redis is refused, with what to do."""
    app = map_of("shop_async")
    after = static.read(edits.apply(app.files, JwtAuth().build(app).changes))
    with pytest.raises(Refused, match="in memory"):
        JwtAuth(limits="redis").build(after)
