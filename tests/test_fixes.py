"""The laws of what fixes write, over every rule and every case of its specification."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import pytest
from ruff.__main__ import find_ruff_bin

from fastwright.agent.fixing import fix
from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.finding import Rule
from fastwright.model.review import Objection
from fastwright.review.engine import objection
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY
from fastwright.testing.specs import cases, examples

Files = Mapping[PurePosixPath, bytes]

WIDTH = 88
SETTINGS = PurePosixPath("pyproject.toml")
COUNTED = "F,E1,E2,E3,E5,E7,E9,W,I,B,UP,SIM,RET,PIE,C4,PERF"


@pytest.mark.parametrize("rule", every_rule().values(), ids=lambda rule: rule.name)
def test_a_repaired_file_is_as_tidy_as_it_was(rule: Rule) -> None:
    """What was laid out by ruff still is, imports are in use and in order, and no lint is new."""

    def found(files: Files) -> tuple[AppMap, tuple[Objection, ...]]:
        app = static.read(files)
        return app, tuple(objection(files, one, rule) for one in rule.check(app))

    for before in _trees(rule):
        after = fix(before, found, Safety.CHANGES_BEHAVIOUR).files
        for path in (p for p in after if p.suffix == ".py" and after[p] != before.get(p)):
            old, new = before.get(path, b""), after[path]
            assert _laid_out(new).decode() == new.decode()
            assert _lint(new) - _lint(old) == Counter()


def _trees(rule: Rule) -> Iterator[Files]:
    """The apps of a rule's page and specification, tidy before anything is repaired."""
    page = REPOSITORY / "tests" / "rules" / f"{rule.name}.md"
    for tree in (examples(rule)[0].files, *(case.files for case in cases(page))):
        tidy = {path: _tidy(path, content) for path, content in tree.items()}
        yield {SETTINGS: f"[tool.ruff]\nline-length = {WIDTH}\n".encode(), **tidy}


def _tidy(path: PurePosixPath, content: bytes) -> bytes:
    if path.suffix != ".py":
        return content
    plain = re.sub(rb"(?m)[ \t]*# (want|possible): .*$", b"", content)
    return _laid_out(_ruff("check", "--select", "I,F401", "--fix", "--exit-zero", text=plain))


def _laid_out(content: bytes) -> bytes:
    return _ruff("format", text=content)


def _lint(content: bytes) -> Counter[tuple[str, str]]:
    words = ("check", "--preview", "--select", COUNTED, "--output-format", "json", "--exit-zero")
    rows = json.loads(_ruff(*words, text=content))
    return Counter((row["code"], re.sub(r"\d+", "N", row["message"])) for row in rows)


def _ruff(*words: str, text: bytes) -> bytes:
    own = (
        'lint.isort.known-first-party = ["shop"]' if words[0] == "check" else f"line-length={WIDTH}"
    )
    command = (find_ruff_bin(), *words, "--isolated", "--no-cache", "--quiet",
               "--line-length", str(WIDTH), "--config", own, "-")  # fmt: skip
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout
