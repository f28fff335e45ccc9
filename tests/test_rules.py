"""The laws of rules, over every rule, every case of its specification and every sample app.

A rule is told nothing of these tests: a new one is held to them because its file exists.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.finding import Grade, Rule
from fastwright.review.rule import AREAS, every_rule, shelf
from fastwright.survey import static
from fastwright.testing.booting import Booter, booter
from fastwright.testing.samples import REPOSITORY, every_sample, python_of
from fastwright.testing.specs import HEADINGS, Case, cases, examples, fixes, places, repaired
from fastwright.workspace.project import Project

RULES = list(every_rule().values())
PAGES = REPOSITORY / "tests" / "rules"
CASES = [
    pytest.param(rule, case, id=f"{rule.name}: {case.title}")
    for rule in RULES
    if (PAGES / f"{rule.name}.md").exists()
    for case in cases(PAGES / f"{rule.name}.md")
]
NEVER_STARTS = frozenset({"unimportable-app"})
"""Rules that say of an app that it cannot be imported: then it must not be."""
TRULY_FAULTY = tomllib.loads((PAGES / "samples.toml").read_text())
every = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


@pytest.fixture(scope="module")
def boots() -> Iterator[Booter]:
    """One warm interpreter for all apps of this file."""
    with booter(python_of("newest")) as ready:
        yield ready


def test_every_rule_loads() -> None:
    """No rule's file is broken, and no two rules share a code."""
    assert shelf().broken == ()
    assert len({rule.code for rule in RULES}) == len(RULES)


@every
def test_a_rule_stands_where_its_code_says(rule: Rule) -> None:
    """File, function, name, area and code agree."""
    path = REPOSITORY / f"src/fastwright/review/rules/{rule.area}/{rule.name.replace('-', '_')}.py"
    assert path.is_file()
    assert re.fullmatch(rf"FW{AREAS.index(rule.area) + 1}\d\d", rule.code)


@every
def test_a_rule_is_a_page(rule: Rule) -> None:
    """The page has a sentence, every heading in order, and words below each of them."""
    sentence = rule.doc.partition("\n")[0]
    assert sentence.endswith(".")
    assert len(sentence) <= 100
    found = [rule.doc.find(f"\n{heading}\n") for heading in HEADINGS]
    assert -1 not in found
    assert found == sorted(found)
    parts = re.split("|".join(map(re.escape, HEADINGS)), rule.doc)
    assert all(len(part.split()) >= 4 for part in parts)


@every
def test_a_page_tells_the_truth(rule: Rule, boots: Booter, tmp_path: Path) -> None:
    """The example boots and is reported; what to use instead boots and is not."""
    bad, good = examples(rule)
    assert bool(boots.error_of(bad, tmp_path / "bad")) == (rule.name in NEVER_STARTS)
    assert boots.error_of(good, tmp_path / "good") == ""
    assert [f.rule for f in rule.check(bad)] != []
    assert [f.message for f in rule.check(good)] == []


@every
def test_a_rule_is_specified(rule: Rule) -> None:
    """There are at least three faults and three twins that look alike."""
    known = list(cases(PAGES / f"{rule.name}.md"))
    assert sum(not case.is_twin for case in known) >= 3
    assert sum(case.is_twin for case in known) >= 3


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_case_holds(rule: Rule, case: Case, boots: Booter, tmp_path: Path) -> None:
    """Exactly the marked lines are reported, and what is reported is worded as findings are."""
    app = static.read(case.files)
    found = list(rule.check(app))
    assert places(found, app, Grade.CERTAIN) == case.marked("want")
    assert places(found, app, Grade.POSSIBLE) == case.marked("possible")
    assert [f.rule for f in found if f.rule != rule.name] == []
    assert [f.message for f in found if not re.fullmatch(r"\S.*[^.!\s]", f.message)] == []
    never = rule.name in NEVER_STARTS and bool(case.marked("want"))
    assert case.not_booted or bool(boots.error_of(app, tmp_path / "app")) == never


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_repair_holds(rule: Rule, case: Case, boots: Booter, tmp_path: Path) -> None:
    """With all fixes applied the app boots, reads as the page says, and the rule is silent."""
    app = static.read(case.files)
    found = list(rule.check(app))
    chosen = fixes(found)
    assert bool(chosen) >= bool(case.fixed)
    if not any(fix.changes for fix in chosen):
        return
    after = repaired(app, chosen)
    for path, text in case.fixed.items():
        assert _plain(text) in _plain(after.files[path].decode())
    assert case.not_booted or boots.error_of(after, tmp_path / "fixed") == ""
    left = {f.fingerprint(after.text(f.at)) for f in rule.check(after)}
    mended = {f.fingerprint(app.text(f.at)) for f in found if f.fixes}
    assert left & mended == set()
    assert len(left) <= len(found) - len(mended)


def _plain(text: str) -> str:
    """Code without the marks of the specification and without trailing space."""
    return re.sub(r"(?m)\s*(# (want|possible): .*)?$", "", text)


@pytest.mark.parametrize("sample", [s.name for s in every_sample()])
def test_good_apps_are_good(sample: str) -> None:
    """On every sample app nothing is certain but what its list of true faults names."""
    app = _sample(sample)
    certain = {
        rule.name for rule in RULES for f in rule.check(app) if f.grade is not Grade.POSSIBLE
    }
    assert sorted(certain) == sorted(TRULY_FAULTY.get(sample, {}))


def _sample(name: str) -> AppMap:
    (path,) = (s.path for s in every_sample() if s.name == name)
    return static.read(Project(REPOSITORY / path).read())


def test_most_rules_can_repair() -> None:
    """At least three rules of five come with a fix for their own example."""
    able = [r for r in RULES if any(f.fixes for f in r.check(examples(r)[0]))]
    assert len(able) >= 0.6 * len(RULES)


def test_safe_fixes_change_something() -> None:
    """No fix is offered that would change nothing."""
    offered = [f for r in RULES for g in r.check(examples(r)[0]) for f in g.fixes]
    assert [fix.title for fix in offered if fix.safety is Safety.SAFE and not fix.changes] == []
