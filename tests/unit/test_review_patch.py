"""What a repaired PATCH leaves of the code around it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.review.rule import find_rule
from fastwright.survey import static

BODY = """
from fastapi import FastAPI
from pydantic import BaseModel
app = FastAPI()
ROW = type("Row", (), {"title": "a", "shelf": 1})()
class Patch(BaseModel):
    title: str | None = None
    shelf: int | None = None
@app.patch("/row")
def patch(data: Patch) -> None:
    values = data.model_dump()
    {between}
    for name, value in values.items():
        setattr(ROW, name, value)
"""


@pytest.mark.parametrize(
    ("between", "is_repaired"),
    [
        ("pass", True),
        ("values['shelf'] = 2", True),
        ("values.pop('shelf', None)", True),
        ("del values['shelf']", False),
        ("values.pop('shelf')", False),
        ("print(values['shelf'])", False),
    ],
)
def test_a_dump_whose_keys_code_counts_on_is_left_whole(between: str, is_repaired: bool) -> None:
    """Without what was not sent, such a key would be missing."""
    text = BODY.replace("{between}", between).encode()
    app = static.read({PurePosixPath("main.py"): text})
    (finding,) = find_rule("patch-overwrites-unset").check(app)
    assert bool(finding.fixes) is is_repaired
