"""How the app's tests reach it, so that the written ones do it the same way."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.recipes.ensure.drafting import module_for
from fastwright.recipes.ensure.suite import (
    accepted_host,
    async_mark,
    fixture_name,
    is_about,
    is_rooted,
)
from fastwright.recipes.jwt_auth.schemes import is_test

_NAMES_OF_FILE = ("test_login.py", "test_auth_login.py", "test_login_tokens.py")
_FIXTURE = re.compile(
    r"(?ms)^(?P<decorator>@(?:pytest|pytest_asyncio)\.fixture\b[^\n]*"
    r"(?:\n(?!(?:async )?def )[^\n@]*)*?)\n"
    r"(?P<async>async )?def (?P<name>\w*client\w*)\(.*?(?=^\S|\Z)"
)
_BASE = re.compile(r"base_url\s*=\s*f?[\"']https?://[^/\"']+(/[^\"'{]+)[\"']")
_LIMITS = re.compile(r"(?i)limit|throttl")
_NAMES = ("client", "test_client", "async_client", "api_client", "http_client", "ac")


@dataclass(frozen=True, slots=True)
class Suite:
    """The habits of one test suite.

    Attributes:
        path: The file that is written, where the app has none; `module` is its dotted name.
        fixture: The fixture that yields a client; empty where each file makes its own.
        is_async: True where that client is awaited.
        plugin: ``anyio``, ``pytest-asyncio`` or empty.
        mark: The mark of its asynchronous tests, as it is called; empty where they have none.
        is_rooted: True where the client puts a path of its own before those that it asks for.
        httpx: The package that the client's class comes from.
        is_mocked: True where the suite's app has no database session that works.
        host: The host name that a client must ask for; empty where any will do.
        is_limited: True where middleware of the app limits how often it can be asked.
    """

    path: PurePosixPath
    module: str
    fixture: str = ""
    is_async: bool = False
    plugin: str = ""
    mark: str = ""
    is_rooted: bool = False
    httpx: str = "httpx"
    is_mocked: bool = False
    host: str = ""
    is_limited: bool = False


def find_suite(app: AppMap, session: str) -> Suite:
    """The app's test suite; one to be in ``tests`` where there is none.

    Its client is of no use here where the suite puts a mock in the place of `session`, the
    dependency that yields database sessions.
    """
    limits = any(_LIMITS.search(m.name.rpartition(".")[2]) for m in app.middleware)
    return replace(_found(app, session), host=accepted_host(app), is_limited=limits)


def _found(app: AppMap, session: str) -> Suite:
    sources = (p for p in sorted(app.files) if p.suffix == ".py" and is_test(p))
    files = [p for p in sources if is_about(app, p)]
    tests = [p for p in files if p.name.startswith("test_")]
    folder = Counter(p.parent for p in tests).most_common(1)
    home = folder[0][0] if folder else app.roots.working / "tests"
    conftests = [p for p in files if p.name == "conftest.py" and home.is_relative_to(p.parent)]
    for path in sorted(conftests, key=lambda p: -len(p.parts)):
        if _mocks(app.files[path], session):
            written = _free(app, home)
            return Suite(written, module_for(app, written), is_mocked=True)
        found = _client_of(app, path, home)
        if found is not None:
            return found
    written = _free(app, home)
    return Suite(written, module_for(app, written))


def _mocks(conftest: bytes, session: str) -> bool:
    name = re.escape(session.rpartition(".")[2]).encode()
    return b"Mock(" in conftest and bool(
        re.search(rb"dependency_overrides\[\s*" + name + rb"\s*\]", conftest)
    )


def _free(app: AppMap, home: PurePosixPath) -> PurePosixPath:
    """A file in `home` that the app does not have: tests of a login may stand there already."""
    paths = [home / name for name in _NAMES_OF_FILE]
    return next((p for p in paths if p not in app.files), paths[-1])


def _client_of(app: AppMap, path: PurePosixPath, home: PurePosixPath) -> Suite | None:
    text = app.files[path].decode("utf-8", "replace")
    matches = (m for m in _FIXTURE.finditer(text) if "Client" in m[0])
    found = {fixture_name(m["name"], m["decorator"]): m for m in matches}
    name = next((n for n in _NAMES if n in found), None)
    if name is None:
        return None
    body = found[name][0]
    is_async = "AsyncClient(" in body or "AsyncClient]" in body
    written = _free(app, home)
    tests = [p for p in app.files if p.name.startswith("test_") and is_about(app, p)]
    return Suite(
        path=written,
        module=module_for(app, written),
        fixture=name,
        is_async=is_async,
        plugin=_plugin(app) if is_async else "",
        mark=async_mark(app, tests) if is_async else "",
        is_rooted=is_rooted(text, body),
        httpx="httpx2" if "httpx2" in text else "httpx",
    )


def rooted_at(written: str) -> str:
    """The path that the base URL of the first client in `written` ends in; empty without one."""
    base = _BASE.search(written)
    return base[1].rstrip("/") if base else ""


def _plugin(app: AppMap) -> str:
    texts = [c for p, c in app.files.items() if is_test(p) or p.suffix in (".toml", ".ini", ".cfg")]
    anyio = sum(t.count(b"mark.anyio") + t.count(b"anyio_backend") for t in texts)
    asyncio = sum(
        t.count(b"asyncio") for t in texts if b"asyncio_mode" in t or b"mark.asyncio" in t
    )
    return "pytest-asyncio" if asyncio > anyio else "anyio"
