"""The bench of graded findings: what it draws, what it knows again, and the kept sheets."""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fastwright.review.rule import every_rule
from fastwright.testing.samples import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"
APP = """\
import time

import requests
from fastapi import FastAPI

app = FastAPI()
"""
WAITS = """
@app.get("/{n}")
async def wait_{n}() -> int:
    time.sleep({n})
    return {n}
"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The bench as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("graded")
    for name in ("graded", "faults"):
        sys.modules.pop(name, None)


def shop(folder: Path, waits: int) -> Path:
    """A project whose handlers stop the event loop so often."""
    folder.mkdir()
    (folder / "main.py").write_text(
        APP + "".join(WAITS.replace("{n}", str(n)) for n in range(waits))
    )
    return folder


def test_two_of_a_rule_are_drawn_and_one_of_a_habit(bench: ModuleType, tmp_path: Path) -> None:
    """Three places give two to read; twelve are one line for who reads the review."""
    apps = [shop(tmp_path / "shop-some", 3), shop(tmp_path / "mall-some", 12)]
    rows = list(bench.drawn(apps, random.Random(0)))
    blocking = Counter(r["app"] for r in rows if r["rule"] == "blocking-call-in-async")
    assert blocking == {"shop-some": 2, "mall-some": 1}
    stood = {row["app"]: row["for"] for row in rows if row["rule"] == "blocking-call-in-async"}
    assert stood == {"shop-some": 1.5, "mall-some": 1}
    assert all(row["verdict"] == "" for row in rows)


def test_a_finding_is_known_again_when_lines_have_moved(bench: ModuleType, tmp_path: Path) -> None:
    """Its key holds of the app, the file and the code, not of the line."""
    root = shop(tmp_path / "shop-some", 1)
    before = {row["key"] for row in bench.told(root)}
    main = root / "main.py"
    main.write_text("# moved\n\n" + main.read_text())
    assert {row["key"] for row in bench.told(root)} == before != set()


def test_findings_weigh_what_they_stand_for(bench: ModuleType) -> None:
    """One wrong line of two that stand for six is half of them, beside six that are right."""
    rows = [
        {"verdict": "false", "for": 3},
        {"verdict": "right", "for": 3},
        {"verdict": "right", "for": 6},
    ]
    assert bench.as_met(rows) == 0.25


def test_what_is_told_on_request_is_summed_up_apart(bench: ModuleType) -> None:
    """A rule's record keeps its findings from the reader, and from the rate that he meets."""
    told = [{"verdict": "right", "for": 3}, {"verdict": "false", "for": 1}]
    held = [{"verdict": "useless", "for": 1, "held": True}]
    words = "wrong were 50.0% of 2 drawn, 25.0% of the lines that they stand for"
    assert bench.summary(told) == words
    assert bench.summary([*told, *held]) == f"{words}; 100.0% of 1 on request"


def test_a_record_is_of_the_newest_sheets_that_suffice(bench: ModuleType) -> None:
    """Older readings count until there are enough, each sheet as a whole."""
    good = {"findings": [{"rule": "some", "verdict": "right"}] * 3}
    bad = {"findings": [{"rule": "some", "verdict": "false"}] * 2}
    assert bench.latest([bad, good], least=3) == {"some": (3, 3)}
    assert bench.latest([bad, good], least=4) == {"some": (3, 5)}
    assert bench.latest([good, bad], least=3) == {"some": (3, 5)}


@pytest.mark.parametrize(
    "page", sorted((BENCHMARKS / "graded").glob("*.json")), ids=lambda p: p.stem
)
def test_a_sheet_tells_where_it_was_wrong_and_not_where_others_are(
    bench: ModuleType, page: Path
) -> None:
    """Each finding has a grade of a rule that is; what is right names no app."""
    sheet = json.loads(page.read_text())
    for row in sheet["findings"]:
        assert row["rule"] in every_rule()
        assert row["verdict"] in bench.GRADES
        assert (row["verdict"] == "right") == ("app" not in row)
        assert row.get("app") is None or row["app"] in sheet["apps"]
