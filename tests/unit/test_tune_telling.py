"""What a course came to, in words: here, why a route fails as it is."""

from __future__ import annotations

import pytest

from fastwright.tune import telling
from fastwright.tune.seen import Observation, Visit
from fastwright.tune.tuner import Course, Standing

PYDANTIC = """Traceback (most recent call last):
  File "a.py", line 1, in a
pydantic_core._pydantic_core.ValidationError: 1 validation error for Item
items.0.count
  Input should be 2 [type=int]
    For further information visit https://errors.example
"""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PYDANTIC, "ValidationError: 1 validation error for Item items.0.count Input should be 2"),
        (PYDANTIC, "GET /a fails with the rows that were made: pydantic_core"),
        (PYDANTIC, "`--seed PATH.py:FUNCTION|DUMP.sql`"),
        ("Traceback:\n  File\nRuntimeError: no such luck\n", "fails as it is: RuntimeError: no"),
        ("Traceback:\n  File\napp.NotHere\n", "fails as it is: app.NotHere"),
        ("", "it gives no reason"),
    ],
)
def test_a_failing_route_is_told_of_with_its_exception(error: str, reason: str) -> None:
    """The line that names it, with what explains it, and without the advertisement."""
    visit = Visit("GET /a", 500, b"", error, 0.1, (), (), {}, frozenset())
    standing = Standing({}, (Observation(500, {"GET /a": visit}, {"items": 500}, {}),))
    (note,) = telling.told(Course(standing, standing, frozenset())).notes
    assert reason in note
    assert "For further" not in note
