"""Which driver an app reaches its database by, as its settings and code speak of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.review.once import once
from fastwright.survey.codebase import of_tests

_ASYNCPG = re.compile(rb"postgres(?:ql)?\+asyncpg\b")
_OTHERS = re.compile(
    rb"sqlite(?:\+\w+)?://|aiosqlite|\+(?:psycopg\w*|pg8000|aiomysql|asyncmy|pymysql|psycopg_async)"
    rb"\b|\bmysql\b"
)
_SYNC_ENGINE = re.compile(rb"(?<![\w.])create_engine\(")
_SETTINGS = (".env", "docker-compose", "compose")


@once
def speaks_of_asyncpg(app: AppMap) -> bool:
    """Whether code or settings, tests aside, hold an address for asyncpg."""
    spoken = (content for _, content in _spoken(app) if b"asyncpg" in content)
    return any(map(_ASYNCPG.search, spoken))


@once
def is_asyncpg_alone(app: AppMap) -> bool:
    """Whether they do, and neither name another driver nor make an engine that is not async."""
    found = [(path, content) for path, content in _spoken(app)]
    others = any(_OTHERS.search(content) or _SYNC_ENGINE.search(content)
                 for path, content in found if path.suffix == ".py")  # fmt: skip
    return speaks_of_asyncpg(app) and not others


def _spoken(app: AppMap) -> Iterator[tuple[PurePosixPath, bytes]]:
    folders = [m.directory.parts for m in app.migrations]
    for path, content in app.files.items():
        is_read = path.suffix == ".py" or path.name.startswith(_SETTINGS)
        if not is_read or of_tests(path) or "scripts" in path.parts:
            continue
        above = path.parts[:-1]
        if not any(above[: len(folder)] == folder for folder in folders):
            yield path, content
