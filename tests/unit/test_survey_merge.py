"""The union of source and running app."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from fastwright.model.app import AppMap, Witness
from fastwright.survey import static
from fastwright.survey.merge import merge

MAIN = b"""
from fastapi import FastAPI, APIRouter, Depends
from fastapi.security import HTTPBearer
import os
app = FastAPI()
lost = APIRouter()
@app.get("/a")
def a(): ...
@app.get("/gone")
def gone(): ...
@app.get(os.environ["X"] + "/odd")
def odd(): ...
@lost.get("/late")
def late(): ...
"""


def surveyed() -> AppMap:
    """The map of one file."""
    return static.read({PurePosixPath("main.py"): MAIN})


def row(method: str, path: str, handler: str, **more: Any) -> dict[str, Any]:
    """One route of a description."""
    return {"method": method, "path": path, "handler": handler, **more}


def united(*rows: dict[str, Any], **more: Any) -> AppMap:
    """The map of the file, merged with a running app that has these routes."""
    return merge(surveyed(), {"target": "main:app", "routes": list(rows), **more})


def test_routes_of_both_are_seen_by_both() -> None:
    """A route that source and app agree on is one route with two witnesses."""
    app = united(row("GET", "/a", "main.a", status_code=200))
    route = app.route("GET", "/a")
    assert route is not None
    assert route.seen_by == (Witness.SOURCE, Witness.IMPORT)
    assert route.status_code == 200


def test_a_path_that_source_could_not_fold_is_filled_in() -> None:
    """``{?}/odd`` gets its real path, and that is no disagreement."""
    app = united(row("GET", "/api/odd", "main.odd"))
    assert app.route("GET", "/api/odd") is not None
    assert not [d for d in app.disagreements if "odd" in d.subject]


def test_each_side_alone_is_a_disagreement() -> None:
    """Missing in the app, missing in the source, unreachable but served: all are listed."""
    app = united(
        row("GET", "/a", "main.a"), row("GET", "/new", "lib.new"), row("GET", "/late", "main.late"),
        row("GET", "/docs", "fastapi.applications.FastAPI.setup.<locals>.swagger_ui_html"),
    )  # fmt: skip
    found = {(d.subject, d.running) for d in app.disagreements}
    assert found == {
        ("GET /gone", "no such route"),
        ("GET {?}/odd", "no such route"),
        ("GET /new", "`lib.new` answers"),
        ("GET /late", "it is served"),
    }
    new = app.route("GET", "/new")
    assert new is not None
    assert new.seen_by == (Witness.IMPORT,)
    assert app.route("GET", "/late") is not None


def test_a_guard_that_only_the_app_has_is_told_and_kept() -> None:
    """The running dependency joins the tree; the difference is listed."""
    guard = {
        "call": "lib.scheme",
        "name": "",
        "scheme": "HTTPBearer",
        "place": "app",
        "children": [],
    }
    app = united(row("GET", "/a", "main.a", dependencies=[guard]))
    route = app.route("GET", "/a")
    assert route is not None
    assert [d.scheme for d in route.dependencies] == ["HTTPBearer"]
    assert ("GET /a", "not guarded", "guarded by `HTTPBearer`") in {
        (d.subject, d.source, d.running) for d in app.disagreements
    }


def test_contract_versions_and_tables_come_over() -> None:
    """What only the running app knows is taken as it is."""
    table = {
        "name": "users", "model": "lib.User", "mapper": "sqlalchemy",
        "columns": [{"name": "id", "type": "INTEGER", "nullable": False, "primary_key": True}],
        "indexes": [{"name": "ix", "columns": ["id"], "unique": True}], "relationships": [],
    }  # fmt: skip
    app = united(openapi={"openapi": "3.1.0"}, versions={"fastapi": "0.115.0"}, tables=[table])
    assert app.contract == {"openapi": "3.1.0"}
    assert app.versions["fastapi"] == "0.115.0"
    users = app.table("users")
    assert users is not None
    assert (users.columns[0].attribute, users.indexes[0].unique) == ("id", True)
    assert users.seen_by == ("import",)


def test_a_route_that_a_package_brings_has_the_guards_that_run_before_it() -> None:
    """A scheme that lets everybody through, and the dependency of the package that does not."""
    scheme = {"call": "lib.Bearer", "name": "token", "scheme": "OAuth2PasswordBearer",
              "place": "parameter", "options": {"auto_error": "False"}, "children": []}  # fmt: skip
    demands = {"call": "lib.auth.<locals>.current_user_dependency", "name": "user", "scheme": None,
               "place": "parameter", "children": [scheme]}  # fmt: skip
    app = united(row("GET", "/me", "lib.me", dependencies=[demands]), row("GET", "/a", "main.a"))
    route = app.route("GET", "/me")
    assert route is not None
    assert [(g.role, g.optional) for g in route.guards] == [("principal", False), ("scheme", True)]
