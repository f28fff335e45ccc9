"""Which versions an app runs on, by what is locked or allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap, Manifest
from fastwright.recipes.ensure import change_set
from fastwright.recipes.ensure.drafting import Words
from fastwright.review.bounding import bounded
from fastwright.review.versions import runs_on
from fastwright.source import edits
from fastwright.survey import static


def app_with(specifier: str | None, locked: str | None = None) -> AppMap:
    """A map of an app that declares, and perhaps locks, FastAPI."""
    names = {} if specifier is None else {"fastapi": specifier}
    manifest = Manifest(PurePosixPath("requirements.txt"), "pip", names)
    versions = {} if locked is None else {"fastapi": locked}
    return AppMap({}, None, manifests=(manifest,), versions=versions)


@pytest.mark.parametrize(
    ("specifier", "answer"),
    [
        ("", True),
        (">=0.100", True),
        ("==0.115.2", False),
        ("==0.120", True),
        (">=0.100,<0.116", False),
        (">=0.100,<1.0", True),
        ("^0.115.0", False),
        ("~=0.115.2", False),
        ("~=0.115", True),
        ("<=0.117.1", False),
    ],
)
def test_manifests_allow_the_newest_or_not(specifier: str, answer: bool) -> None:
    """Without an upper bound a fresh installation is the newest; with one it may not be."""
    assert runs_on(app_with(specifier), "fastapi", "0.118") is answer


def test_what_is_locked_decides_and_silence_is_no_answer() -> None:
    """A lock is believed before any specifier; an app that declares nothing gives no answer."""
    assert runs_on(app_with(">=0.100", "0.115.14"), "fastapi", "0.118") is False
    assert runs_on(app_with("==0.115", "0.118.0"), "fastapi", "0.118") is True
    assert runs_on(app_with(None), "fastapi", "0.118") is None


@pytest.mark.parametrize(
    ("fastapi", "line"),
    [
        (
            "0.70.1",
            "def rows(limit: int = Query(100, ge=1, le=50), page: int = Query(..., ge=0)): ...",
        ),
        (
            "0.115.0",
            "def rows(limit: Annotated[int, Query(ge=1, le=50)] = 100, "
            "page: Annotated[int, Query(ge=0)]): ...",
        ),
    ],
)
def test_bounds_stand_where_the_apps_fastapi_reads_them(fastapi: str, line: str) -> None:
    """Before 0.95 a parameter says in its default where it comes from, and there alone."""
    text = (
        "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/rows')\n"
        "def rows(limit: int = 100, page: int): ...\n"
    )
    main = PurePosixPath("main.py")
    app = replace(static.read({main: text.encode()}), versions={"fastapi": fastapi})
    limit, page = app.routes[0].parameters
    changes = (*bounded(app, limit, ("ge=1", "le=50"), (), "so"),
               *bounded(app, page, ("ge=0",), (), "so"))  # fmt: skip
    written = change_set(app, changes, Words(title="bounds")).changes
    assert line in edits.apply(app.files, written)[main].decode()
