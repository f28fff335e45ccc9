"""The bench of planted faults: its own part holds, and every rule has what it must have."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fastwright.review.rule import every_rule
from fastwright.testing.samples import REPOSITORY

FAULTS = REPOSITORY / "benchmarks" / "faults"
BORROWED = tomllib.loads((FAULTS / "apps.toml").read_text())
MUTATION = """\
[[mutation]]
app = "somebody/shop"
path = "main.py"
pattern = ': it is old'
replace = ''
"""
SHOP = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/")  # fastwright: allow shadowed-route: it is old
def root() -> int:
    return 1
"""


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    """The bench as a module."""
    spec = importlib.util.spec_from_file_location("faults", REPOSITORY / "benchmarks" / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["faults"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["faults"]


def run(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of one run of the bench."""
    monkeypatch.setattr(sys, "argv", ["faults.py", *arguments])
    return int(bench.main())


def test_every_own_fault_is_found_and_every_own_twin_passes(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The part on own samples exits with 0, and its table has a row a rule, and the totals."""
    assert run(bench, monkeypatch, "--own") == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[1] for row in rows[:-1]] == [rule.name for rule in every_rule().values()]
    assert rows[-1][1] == f"{len(every_rule())} rules"
    faults = [tuple(map(int, row[2].split("/"))) for row in rows[:-1]]
    assert rows[-1][2] == f"{sum(f for f, _ in faults)}/{sum(t for _, t in faults)}"


@pytest.mark.parametrize("name", list(every_rule()))
def test_a_rule_has_mutations_of_real_apps(bench: ModuleType, name: str) -> None:
    """There are three or more, none twice, each of an app that can be fetched."""
    planted = [str(mutation) for mutation in bench.mutations(name)]
    assert len(set(planted)) == len(planted) >= 3
    assert {mutation.app for mutation in bench.mutations(name)} <= BORROWED.keys()


def test_no_mutations_are_left_of_a_rule_that_is_gone() -> None:
    """Every file of mutations is named like a rule."""
    assert {page.stem for page in FAULTS.glob("*.toml")} - {"apps"} <= every_rule().keys()


def test_apps_that_are_missing_are_named_with_the_way_to_get_them(
    bench: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Without the real apps nothing is counted, and the exit code is 2."""
    assert run(bench, monkeypatch, "--apps", str(tmp_path)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert all(app in said.err for app in BORROWED)
    assert f"python benchmarks/faults.py --fetch --apps {tmp_path}" in said.err


def test_a_mutation_is_found_and_its_twin_is_silent(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A planted fault is found; an app that has such a fault already is an alarm."""
    (tmp_path / "shop-somebody").mkdir()
    main = tmp_path / "shop-somebody" / "main.py"
    main.write_text(SHOP)
    row = bench.Mutation.read("allow-without-reason", tomllib.loads(MUTATION)["mutation"][0])
    monkeypatch.setattr(bench, "mutations", lambda _: iter([row]))
    monkeypatch.setattr(bench, "KEPT", tmp_path / "kept")
    rule = every_rule()["allow-without-reason"]
    tally = bench.of_mutations(rule, tmp_path)
    assert (tally.mutations_found, tally.alarms) == (1, 0)
    main.write_text(
        SHOP.replace(row.pattern, "") + "# fastwright: allow unbounded-list: it is old\n"
    )
    bench.sources.cache_clear()
    bench.mapped.cache_clear()
    assert bench.of_mutations(rule, tmp_path).alarms == 1


def test_what_cannot_be_planted_is_no_find(
    bench: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A pattern that no longer occurs is told, and counts as a fault that was missed."""
    (tmp_path / "shop-somebody").mkdir()
    (tmp_path / "shop-somebody" / "main.py").write_text(SHOP.replace("old", "new"))
    row = bench.Mutation.read("allow-without-reason", tomllib.loads(MUTATION)["mutation"][0])
    monkeypatch.setattr(bench, "mutations", lambda _: iter([row]))
    monkeypatch.setattr(bench, "KEPT", tmp_path / "kept")
    bench.sources.cache_clear()
    bench.mapped.cache_clear()
    tally = bench.of_mutations(every_rule()["allow-without-reason"], tmp_path)
    assert (tally.mutations, tally.mutations_found) == (1, 0)
    assert tally.lacks(own=False) == "too few, misses"
    assert "cannot plant somebody/shop main.py" in capsys.readouterr().err
