"""Which of several apps is meant, and what is said of files that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastwright.cli import main

ONE_ROUTE = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/ping')\ndef ping(): ...\n"
ANOTHER = "@app.get('/pong')\ndef pong(): ...\n"
LATIN = "# -*- coding: latin-1 -*-\n# café\n" + ONE_ROUTE


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A repository with two apps of one route each."""
    (tmp_path / "requirements.txt").write_text("fastapi\n")
    for name in ("shop", "stock"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "main.py").write_text(ONE_ROUTE)
    (tmp_path / "docs").mkdir()
    return tmp_path


def survey(*words: object, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The document of a survey of the source alone."""
    main(["survey", "--static", "--json", *map(str, words)])
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("place", ["stock", "stock/main.py"])
def test_the_app_in_the_place_that_is_pointed_at_is_meant(two: Path, place: str, capsys) -> None:
    """However many routes another app of the repository has."""
    shop = two / "shop/main.py"
    shop.write_text(ONE_ROUTE + ANOTHER)
    assert survey(two / place, capsys=capsys)["app"]["target"] == "stock.main:app"  # type: ignore[index]


def test_a_place_without_an_app_stands_for_the_repository(two: Path, capsys) -> None:
    """The app with the most routes is taken, and the other is told of."""
    (two / "shop/main.py").write_text(ONE_ROUTE + ANOTHER)
    assert main(["survey", "--static", str(two / "docs")]) == 0
    said = capsys.readouterr().out
    assert "shop.main:app: 2 routes" in said
    assert "stock.main:app\tstock/main.py:2" in said


def test_a_plan_says_which_of_several_apps_it_is_for(two: Path, capsys) -> None:
    """Whoever reads the plan can see that another one might have been meant."""
    (two / "shop/main.py").write_text(ONE_ROUTE + ANOTHER)
    assert main(["plan", "add health checks", "--app", str(two)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "`shop.main:app` was taken, with the most routes" in said


@pytest.mark.parametrize("words", [["survey", "--static"], ["plan", "add a login"], ["review"]])
def test_between_equal_apps_nobody_guesses(two: Path, words: list[str], capsys) -> None:
    """The first of two would be as wrong as the second: both are named, and nothing is done."""
    assert main([*words, "--app", str(two)]) == 2
    said = capsys.readouterr().err
    assert "2 in" in said
    assert "`shop.main:app`, `stock.main:app`" in said


def test_apps_of_one_name_are_told_apart_by_their_files(two: Path, capsys) -> None:
    """Two folders that are no packages both hold a `main:app`: a folder says which."""
    for name in ("shop", "stock"):
        (two / name / "__init__.py").unlink()
    for words in ([], ["--target", "main:app"]):
        error = survey("--app", two, *words, capsys=capsys)["error"]
        assert isinstance(error, dict)
        assert "`main:app` in `shop/main.py`, `main:app` in `stock/main.py`" in error["because"]
        assert error["do"] == f"name one, such as `--app {two}/shop/main.py`"
    found = survey("--app", two / "stock", capsys=capsys)["app"]
    assert isinstance(found, dict)
    assert found["path"] == "stock/main.py"


def test_an_app_that_is_not_there_is_answered_with_the_nearest(two: Path, capsys) -> None:
    """A mistyped target is not called an open question."""
    error = survey("--app", two, "--target", "stok.main:app", capsys=capsys)["error"]
    assert isinstance(error, dict)
    assert error["cannot"] == "cannot find the app `stok.main:app`"
    assert error["do"] == "did you mean `--target stock.main:app`?"


def test_a_file_in_another_encoding_is_named(tmp_path: Path, capsys) -> None:
    """It is Python all the same, so that nobody may say that there is none."""
    (tmp_path / "main.py").write_bytes(LATIN.encode("latin-1"))
    error = survey("--app", tmp_path, capsys=capsys)["error"]
    assert isinstance(error, dict)
    assert "`main.py` was left out: not UTF-8 at byte" in error["because"]
    (tmp_path / "app.py").write_text(ONE_ROUTE)
    assert survey("--app", tmp_path, capsys=capsys)["left_out"] == [
        {"path": "main.py", "why": "not UTF-8 at byte 31"}
    ]


def test_an_empty_folder_is_called_empty(tmp_path: Path, capsys) -> None:
    """None of *its 0 Python files*."""
    error = survey("--app", tmp_path, capsys=capsys)["error"]
    assert isinstance(error, dict)
    assert error["because"] == "it holds no Python file"
