"""What a rule's word is worth, and that the published pages say it as it is."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

from fastwright.agent.person import Wishes
from fastwright.agent.reviewing import Choices, review
from fastwright.cli import main
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Grade
from fastwright.model.places import Span
from fastwright.model.review import LEAST_RIGHT, Card, Record, Review
from fastwright.report import json_text, review_words, sarif
from fastwright.review import record
from fastwright.review.rule import every_rule
from fastwright.testing.samples import REPOSITORY

BODY = """\
from fastapi import FastAPI

app = FastAPI()
store = {}


@app.put("/notes/{name}")
def write(name: str, text: dict) -> None:
    store[name] = text


@app.get("/notes/{name}")
def read(name: str):
    return store[name]


@app.get("/notes/latest")
def latest() -> int:
    return 0
"""


class Nobody:
    """Is told everything and asked nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def reviewed(root: Path, **choices: object) -> Review:
    """The review of an app, one of whose routes hides another."""
    (root / "main.py").write_text(BODY)
    return review(root, Nobody(), Wishes(), Choices(**choices))  # type: ignore[arg-type]


@pytest.fixture
def doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    """One rule was right in two of five findings."""
    kept = {"shadowed-route": Record(2, 5)}
    monkeypatch.setattr(record, "records", lambda: kept)


def certain(rule: str) -> Finding:
    """A finding that the source makes its rule sure of."""
    return Finding(rule, Span(PurePosixPath("main.py"), 0, 1), "it is so", structural=True)


def test_a_rule_of_which_nothing_was_read_is_believed() -> None:
    """Nobody has said anything against it."""
    assert Record().is_trusted
    assert record.weighed(certain("of-somebody-else")).grade is Grade.CERTAIN


@pytest.mark.parametrize(("right", "read"), [(0, 1), (8, 10), (25, 30)])
def test_a_rule_that_was_wrong_too_often_is_not_certain(right: int, read: int) -> None:
    """Whatever its author was sure of."""
    assert Record(right, read).part < LEAST_RIGHT
    assert not Record(right, read).is_trusted


@pytest.mark.parametrize("read", [1, 4, 5, 60])
def test_a_rule_that_few_have_read_is_not_certain(read: int) -> None:
    """However right it was: a handful of readings says little."""
    assert Record(read, read).is_trusted is (read >= 5)


@pytest.mark.usefixtures("doubted")
def test_what_it_finds_is_counted_and_told_on_request(tmp_path: Path) -> None:
    """With `--possible`, or where the rule is asked for by its name or code."""
    plain = reviewed(tmp_path)
    assert "shadowed-route" not in {one.rule for one in plain.objections}
    assert plain.possible["shadowed-route"] == 1
    assert "1 shadowed-route" in " ".join(review_words.set_aside(plain))
    asked = reviewed(tmp_path, possible=True)
    one = next(o for o in asked.objections if o.rule == "shadowed-route")
    assert one.grade is Grade.POSSIBLE
    assert "2 of 5 were right" in one.finding.evidence[-1].text
    for word in ("shadowed-route", "FW105"):
        named = reviewed(tmp_path, select=(word,))
        assert [one.grade for one in named.objections] == [Grade.CERTAIN]
    by_area = reviewed(tmp_path, select=("design",))
    assert "shadowed-route" not in {one.rule for one in by_area.objections}


@pytest.mark.usefixtures("doubted")
def test_what_ran_is_proven_whatever_the_record() -> None:
    """A request and its answer need no reader."""
    ran = Evidence(EvidenceKind.HTTP, "GET /notes/latest answered the name `latest`")
    shown = Finding("shadowed-route", Span(PurePosixPath("main.py"), 0, 1), "it is so", (ran,))
    assert record.weighed(shown) is shown


@pytest.mark.usefixtures("doubted")
def test_a_page_says_what_its_rules_word_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    """And the list of rules marks those that are told on request."""
    assert main(["explain", "FW105"]) == 0
    page = capsys.readouterr().out
    assert "2 of 5 were right" in page
    assert "`--select FW105`" in page
    assert main(["explain", "FW104"]) == 0
    assert "Record" not in capsys.readouterr().out
    assert main(["rules"]) == 0
    marked = [line for line in capsys.readouterr().out.splitlines() if "(on request)" in line]
    assert [line.split()[0] for line in marked] == ["FW105"]
    assert main(["rules", "--json"]) == 0
    told = {one["code"]: one for one in json.loads(capsys.readouterr().out)}
    assert (told["FW105"]["right"], told["FW105"]["on_request"]) == (2, True)


def test_json_has_the_grade_of_each_objection(tmp_path: Path) -> None:
    """A program need not derive it."""
    document = json.loads(json_text.render(reviewed(tmp_path, possible=True)))
    assert {one["grade"] for one in document["objections"]} <= set(Grade)
    assert len(document["objections"]) > 0


@pytest.mark.parametrize(
    ("kept", "word"),
    [(Record(40, 40), "very-high"), (Record(27, 30), "high"), (Record(8, 10), "medium"),
     (Record(1, 10), "low"), (Record(), "very-high")],
)  # fmt: skip
def test_githubs_precision_is_the_record(kept: Record, word: str) -> None:
    """GitHub orders and filters alerts by it."""
    known = next(iter(every_rule().values()))
    card = Card(known.code, known.name, known.area, known.severity, known.since, known.doc, kept)
    document = json.loads(sarif.render(Review("", (), (card,))))
    (told,) = document["runs"][0]["tool"]["driver"]["rules"]
    assert told["properties"]["precision"] == word


def test_the_record_is_that_of_the_graded_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes it by hand."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    bench = importlib.import_module("graded")
    try:
        read = {rule: Record(*counts) for rule, counts in bench.latest(bench.sheets()).items()}
    finally:
        for name in ("graded", "faults"):
            sys.modules.pop(name, None)
    assert read == record.records()
    assert read.keys() <= every_rule().keys()


def test_the_published_pages_are_up_to_date() -> None:
    """``docs/rules`` and ``docs/recipes`` hold exactly what ``docs/write_pages.py`` writes."""
    for name, wanted in _writer().pages().items():
        folder = REPOSITORY / "docs" / name
        assert sorted(p.name for p in folder.glob("*.md")) == sorted(wanted)
        stale = [page for page, text in wanted.items() if (folder / page).read_text() != text]
        assert stale == []


def _writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("w", REPOSITORY / "docs" / "write_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
