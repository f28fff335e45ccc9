"""Which versions an app runs on, by what is locked or allowed."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap, Manifest
from fastwright.review.versions import runs_on


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
