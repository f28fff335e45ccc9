"""What a change made of a file is left as tidy as the file was, and no tidier."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.formatter import Style, tidied
from fastwright.source import edits

PATH = PurePosixPath("shop/main.py")
CLEAN = """\
import os
import random
from fastapi import FastAPI

app = FastAPI()


def code() -> str:
    return random.choice(os.environ["CODES"])
"""
CALL = 'secrets.choice(os.environ["CODES"], of="what is long enough", and_=("more", "of", "it"))'


def written(before: str | None, after: str, width: int = 88) -> str:
    """`after` as it is left, where the file was `before`."""
    old = {} if before is None else {PATH: before.encode()}
    new = {PATH: after.encode()}
    made = tidied(old, new, Style(width, ("shop",)))
    return edits.apply(new, made)[PATH].decode()


def test_an_import_that_lost_its_last_use_goes() -> None:
    """Only what the change left behind is taken away: an older leftover is the project's."""
    before = CLEAN.replace("import os\n", "import json\nimport os\n")
    after = before.replace("random.choice", "secrets.choice").replace(
        "import random", "import secrets"
    )
    assert written(before, after) == after
    left = before.replace("random.choice", "max")
    assert written(before, left) == left.replace("import random\n", "")
    several = left.replace("import random\n", "from random import choice, randint, seed\n")
    used = f"{several}\n\nprint(seed, choice, randint)\n"
    for now, kept in (("seed", "from random import seed\n"), ("0", "")):
        after = used.replace("seed, choice, randint)", f"{now})")
        line = "from random import choice, randint, seed\n"
        assert written(used, after) == after.replace(line, kept)


def test_a_file_in_the_layout_of_ruff_stays_so() -> None:
    """A call that outgrew its line is broken as the formatter breaks it, in the file's quotes."""
    for mark in ('"', "'"):
        before = CLEAN.replace('"', mark)
        call = 'random.choice(os.environ["CODES"])'.replace('"', mark)
        after = before.replace(call, CALL).replace("import random", "import secrets")
        words = 'os.environ["CODES"], of="what is long enough", and_=("more", "of", "it")'
        laid_out = f"    return secrets.choice(\n        {words}\n    )\n".replace('"', mark)
        assert written(before, after).endswith(laid_out)


def test_what_is_written_by_hand_stays_so() -> None:
    """In a file of another layout only the statement that outgrew its line is laid out."""
    by_hand = "TABLE = {'a':  1,\n         'b': 22}\n\n" + CLEAN
    after = by_hand.replace('random.choice(os.environ["CODES"])', CALL)
    told = written(by_hand, after)
    assert told.startswith("TABLE = {'a':  1,\n         'b': 22}\n\n")
    assert "    return secrets.choice(\n        os.environ" in told
    assert written(by_hand, by_hand + "b = 1\n") == by_hand + "b = 1\n"


@pytest.mark.parametrize("indent", ["\t", "  "])
def test_the_indentation_is_the_projects(indent: str) -> None:
    """Tabs stay tabs, and two blanks stay two."""
    before = CLEAN.replace("    ", indent)
    after = before.replace('random.choice(os.environ["CODES"])', CALL)
    assert f"\n{indent}return secrets.choice(\n{indent}{indent}os.environ" in written(before, after)


def test_line_ends_are_kept() -> None:
    """A file with carriage returns has them in what is laid out as well."""
    before = CLEAN.replace("\n", "\r\n")
    told = written(before, before.replace('random.choice(os.environ["CODES"])', CALL))
    assert "choice(\r\n" in told
    assert "\n" not in told.replace("\r\n", "")


def test_a_new_file_is_laid_out_whole() -> None:
    """Nobody wrote it in another way; its quotes are the project's."""
    text = "x = [1,'2']\ndef f(): ...\n"
    assert written(None, text) == 'x = [1, "2"]\n\n\ndef f(): ...\n'
    new = {PATH: text.encode()}
    (edit,) = tidied({}, new, Style(88, quotes="single"))
    assert edit.text == "x = [1, '2']\n\n\n"


def test_imports_in_order_stay_in_order() -> None:
    """The project's own packages come last, as they did; imports out of order are left so."""
    used = "print(os, FastAPI, db)\n"
    before = f"import os\n\nfrom fastapi import FastAPI\n\nfrom shop import db\n\n{used}"
    after = "import secrets\n" + before.replace("print(", "print(secrets, ")
    assert written(before, after).startswith("import os\nimport secrets\n\nfrom fastapi")
    mixed = (
        "from shop import db\nimport os\nfrom fastapi import FastAPI\n\nprint(os, FastAPI, db)\n"
    )
    assert written(mixed, "import secrets\n" + mixed).startswith("from shop import db\nimport os\n")


def test_what_cannot_be_read_is_left() -> None:
    """A file that is no Python, before or after, is as the change made it."""
    for broken in ("def f(:\n", "x = (\n", "\x00"):
        assert written(broken, broken + "y  = 1\n") == broken + "y  = 1\n"
        assert written(CLEAN, broken) == broken


def test_the_persons_settings_of_ruff_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a file of settings nor the environment changes what is written, or where to."""
    (tmp_path / "ruff.toml").write_text("line-length = 40\n[lint]\nselect = []\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(tmp_path / "told"))
    before = CLEAN + "\n\nNAMES = ['of', 'this', 'and', 'that', 'and', 'more']\n".replace("'", '"')
    after = before.replace("random.choice", "max")
    assert written(before, after) == after.replace("import random\n", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ruff.toml"]
