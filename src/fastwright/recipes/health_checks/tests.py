"""The tests of the endpoints, in the style of the app's suite."""

from __future__ import annotations

from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.recipes import payload
from fastwright.recipes.ensure.dependency import is_declared
from fastwright.recipes.ensure.suite import Suite, accepted_host, learn_suite
from fastwright.recipes.health_checks.database import Database
from fastwright.recipes.payload import Piece, Rendering
from fastwright.source.import_header import Imported

_PACKAGE = "fastwright.recipes.health_checks"
_ABSENT_SQLITE = "sqlite{driver}:////nowhere/nothing.db"
_ABSENT_SERVER = "postgresql+{driver}://nobody@127.0.0.1:1/nothing"


def written(
    app: AppMap,
    database: Database,
    module: str,
    untested: tuple[str, ...],
    paths: tuple[str, str],
) -> tuple[Change, ...]:
    """A file of tests for both paths, unless each of them is asked for by a test already."""
    if not untested:
        return ()
    suite = learn_suite(app)
    pieces = _pieces(app, suite, database, module, paths)
    path = suite.file(app, "health")
    text = payload.new_module(app, path, pieces)
    return (NewFile(path, text, f"tests of the health checks, {suite.because}"),)


def _pieces(
    app: AppMap, suite: Suite, database: Database, module: str, paths: tuple[str, str]
) -> list[Piece]:
    asked = (f"{suite.origin}{path}" for path in paths)
    strings = dict(zip(("/health/live", "/health/ready"), asked, strict=True))
    strings["health_module.get_connection"] = f"{module}.{database.symbol.rpartition('.')[2]}"
    how = Rendering(
        is_async=suite.is_async,
        names={"client": suite.fixture or "client"},
        host={"app": suite.app or "", "get_session": database.symbol},
        strings=strings,
    )
    tests = _in_suite(payload.render(app, _PACKAGE, "test_live", how), suite)
    pieces = [_preamble(app, suite), tests]
    unit = _unreachable_test(suite, database)
    if unit:
        pieces.append(_unreachable(app, database))
        absent = payload.render(app, _PACKAGE, unit, how)
        kept = absent.taking("test_the_app_is_not_ready_without_its_database")
        pieces.append(_in_suite(kept, suite))
    return pieces


def _unreachable_test(suite: Suite, database: Database) -> str:
    """The payload that takes the database away; none where the test cannot reach the app."""
    if database.kind == "connection":
        return "test_ready_connection"
    if database.kind == "session" and suite.app:
        return "test_ready_session"
    if database.kind == "session" and not suite.is_async and suite.fixture:
        return "test_ready_factory"
    return ""


def _preamble(app: AppMap, suite: Suite) -> Piece:
    """What stands above the tests: the mark of asynchronous ones, or a client of the file's own."""
    if suite.mark:
        marked = f"pytestmark = pytest.mark.{suite.mark}\n"
        return Piece("", (Imported("pytest", ""),), marked)
    if suite.fixture is None and suite.app:
        module, _, name = suite.app.rpartition(".")
        imported = (Imported("fastapi.testclient", "TestClient"), Imported(module, name))
        host = accepted_host(app)
        named = f', base_url="http://{host}"' if host else ""
        return Piece("", imported, f"client = TestClient({name}{named})\n")
    return Piece("", (), "")


def _in_suite(piece: Piece, suite: Suite) -> Piece:
    """The tests with the suite's mark; without the parameter where the file has its own client."""
    body = piece.body.replace("pytestmark = pytest.mark.anyio\n", "").lstrip("\n")
    if suite.fixture is None:
        for kind in ("httpx.AsyncClient", "TestClient"):
            body = body.replace(f"client: {kind}, ", "").replace(f"client: {kind}", "")
    return replace(piece, body=body)


def _unreachable(app: AppMap, database: Database) -> Piece:
    unit = f"unreachable_{database.kind}"
    how = Rendering(
        is_async=database.is_async, strings={"UNREACHABLE_URL": _absent_url(app, database)}
    )
    return payload.render(app, _PACKAGE, unit, how)


def _absent_url(app: AppMap, database: Database) -> str:
    """An address that nothing answers at, for a driver that the app has."""
    if not database.is_async:
        return _ABSENT_SQLITE.format(driver="")
    if is_declared(app, "asyncpg"):
        return _ABSENT_SERVER.format(driver="asyncpg")
    if is_declared(app, "psycopg"):
        return _ABSENT_SERVER.format(driver="psycopg")
    return _ABSENT_SQLITE.format(driver="+aiosqlite")
