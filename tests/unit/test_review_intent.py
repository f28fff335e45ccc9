"""What is declared of access is read as it stands, and nothing else is."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.routing import Route
from fastwright.review.intent import Intent
from fastwright.survey import static

DECLARED = """
[tool.fastwright.access]
public = ["POST /hooks/*"]
shared = ["articles"]
owned = ["orders"]
limited = ["POST /login"]
"GET /prices" = "open to everybody"
"GET /me" = "for whoever is logged in"
"""


def intent(text: str) -> Intent:
    """The intent of a project with that manifest."""
    return Intent.read(static.read({PurePosixPath("pyproject.toml"): text.encode()}))


@pytest.mark.parametrize(
    ("method", "path", "public"),
    [
        ("POST", "/hooks/stripe", True),
        ("GET", "/hooks/stripe", False),
        ("GET", "/prices", True),
        ("GET", "/me", False),
    ],
)
def test_public_operations_are_those_declared(method: str, path: str, *, public: bool) -> None:
    """A pattern names the operations that it matches; an outcome names its own alone."""
    assert intent(DECLARED).is_public(Route(method, path, "main.handler")) is public


def test_tables_and_limits_are_read() -> None:
    """Each key is kept for what it says."""
    read = intent(DECLARED)
    assert (read.shared, read.owned) == (("articles",), ("orders",))
    assert read.is_limited(Route("POST", "/login", "main.login"))


@pytest.mark.parametrize("text", ["", "[tool", "[tool.fastwright]\naccess = 3\n"])
def test_nothing_declared_means_nothing(text: str) -> None:
    """A manifest without the table, a broken one, and one of another kind declare nothing."""
    assert intent(text) == Intent()
