"""Reviews from the source: what is told, what is set aside, and how a run ends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.person import Wishes
from fastwright.agent.reviewing import Choices, Terms, judge, review
from fastwright.cli import main
from fastwright.cli.reviewing import tell
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad, UnknownName, UsageError
from fastwright.model.finding import AccessMatrix, Finding, Grade, Rule, Severity
from fastwright.model.places import Span
from fastwright.model.review import Objection, Review
from fastwright.report import github, json_text, review_html, review_markdown, sarif
from fastwright.review import allowing, baseline, engine
from fastwright.review.rule import every_rule, find_rule, rule
from fastwright.review.settings import Settings, read_settings
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, sample_app

pytestmark = pytest.mark.usefixtures("believed")

MAIN = PurePosixPath("main.py")
FAULTY = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{item_id}")
def read_item(item_id: int) -> int:
    return item_id


@app.get("/items/latest")
def latest() -> int:
    return 0
"""
ALLOWED = FAULTY.replace('latest")', 'latest")  # fastwright: allow shadowed-route: kept for now')


class Nobody:
    """Is told everything and asked nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def written(tmp_path: Path, main_text: str = FAULTY, **files: str) -> Path:
    """A project on disk; further files by name, ``__`` for the dot."""
    (tmp_path / "main.py").write_text(main_text)
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return tmp_path


def reviewed(root: Path, **choices: object) -> Review:
    """The review of a project."""
    return review(root, Nobody(), Wishes(), Choices(**choices))  # type: ignore[arg-type]


def rules_of(found: Review) -> list[str]:
    """The names of the rules that object, in order."""
    return [one.rule for one in found.objections]


def fails(app: AppMap) -> Iterator[Finding]:
    """A rule that finds one thing and then raises."""
    yield Finding("raising", Span(MAIN, 0, 4), "something is found first", structural=True)
    raise RuntimeError("no more")


RAISING = Rule("FW799", "raising", "quality", Severity.LOW, "0.1.0", "Raises.", fails)


def test_a_finding_fails_the_run_and_says_where(tmp_path: Path, capsys) -> None:
    """The terminal names path, line, column, code and rule, and the exit code is 1."""
    assert main(["review", str(written(tmp_path))]) == 1
    assert "main.py:11:1 FW105 shadowed-route " in capsys.readouterr().out


def test_nothing_of_the_app_runs(tmp_path: Path) -> None:
    """A module that writes a file when imported has not written it after a review."""
    trap = f"{FAULTY}\nopen({str(tmp_path / 'ran')!r}, 'w').close()\n"
    reviewed(written(tmp_path, trap))
    assert not (tmp_path / "ran").exists()


def test_a_rule_that_raises_is_our_fault_and_the_rest_goes_on(tmp_path: Path) -> None:
    """The rule and its file are named, and other rules still report."""
    app = static.read({MAIN: FAULTY.encode()})
    terms = Terms(Settings(), (RAISING, find_rule("shadowed-route")), ())
    judged = judge(app, terms)
    assert [o.rule for o in judged.objections] == ["shadowed-route", "raising"]
    (fault,) = judged.faults
    assert fault.rule == "raising"
    assert Path(__file__).name in fault.where
    assert "no more" in fault.because


def test_a_permission_with_a_reason_is_counted_and_not_told(tmp_path: Path) -> None:
    """The finding is gone from the report and stands in the count of what is allowed."""
    found = reviewed(written(tmp_path, ALLOWED))
    assert rules_of(found) == []
    assert found.counts["allowed"] == 1


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("allow shadowed-route", ["shadowed-route", "allow-without-reason"]),
        ("allow no-such-rule: why", ["shadowed-route", "allow-of-nothing"]),
        ("allow unbounded-list: why", ["shadowed-route"]),
    ],
)
def test_other_permissions_permit_nothing(comment: str, told: list[str], tmp_path: Path) -> None:
    """Without a reason, for no rule or for another rule, the finding stays."""
    text = FAULTY.replace('latest")', f'latest")  # fastwright: {comment}')
    assert rules_of(reviewed(written(tmp_path, text))) == told


@pytest.mark.parametrize("place", ["above", "decorator", "def"])
def test_a_permission_stands_at_the_head_of_what_it_permits(place: str, tmp_path: Path) -> None:
    """On a line of its own above, at the decorator or at the ``def`` line."""
    sign = "# fastwright: allow shadowed-route: kept for now"
    text = {
        "above": FAULTY.replace('@app.get("/items/latest', f'{sign}\n@app.get("/items/latest'),
        "decorator": ALLOWED,
        "def": FAULTY.replace("latest() -> int:", f"latest() -> int:  {sign}"),
    }[place]
    assert rules_of(reviewed(written(tmp_path, text))) == []


def test_a_permission_in_the_body_is_for_its_line_alone(tmp_path: Path) -> None:
    """A finding of the whole handler is not permitted from inside of it."""
    text = f"{FAULTY.rstrip()}  # fastwright: allow shadowed-route: too late\n"
    assert rules_of(reviewed(written(tmp_path, text))) == ["shadowed-route"]


def test_a_baseline_makes_what_is_there_known(tmp_path: Path) -> None:
    """What was written is not told again, also when lines move; what is new is."""
    root = written(tmp_path)
    place = tmp_path / "known.json"
    reviewed(root, baseline=place, write_baseline=True)
    moved = FAULTY.replace("app = FastAPI()", "X = 1\n\n\napp = FastAPI()")
    more = '\n\n@app.get("/items/first")\ndef first() -> int:\n    return 1\n'
    written(tmp_path, moved)
    assert rules_of(reviewed(root, baseline=place)) == []
    written(tmp_path, moved + more)
    assert [o.finding.symbol for o in reviewed(root, baseline=place).objections] == ["main.first"]


@pytest.mark.parametrize("named", ["{outside}", "../outside.json", "link/outside.json"])
def test_a_clone_cannot_have_a_file_outside_it_written(named: str, tmp_path: Path) -> None:
    """A baseline that the settings name lies in the project, whatever links lead out of it."""
    outside = tmp_path / "outside.json"
    root = tmp_path / "clone"
    root.mkdir()
    written(root)
    (root / "link").symlink_to(tmp_path)
    name = named.format(outside=outside)
    (root / "pyproject.toml").write_text(f'[tool.fastwright]\nbaseline = "{name}"\n')
    with pytest.raises(UsageError, match="names a file outside the project"):
        reviewed(root, write_baseline=True)
    assert not outside.exists()


def test_a_file_that_is_no_baseline_is_not_overwritten(tmp_path: Path) -> None:
    """Not even where the person names it: it is more likely a slip than a wish."""
    place = tmp_path / "main.py"
    root = written(tmp_path)
    before = place.read_bytes()
    with pytest.raises(UsageError, match="cannot write the baseline"):
        reviewed(root, baseline=place, write_baseline=True)
    assert place.read_bytes() == before


def test_a_baseline_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file of another kind is not read as one that knows nothing."""
    with pytest.raises(UsageError):
        baseline.read('{"known": [1]}')
    with pytest.raises(UsageError):
        reviewed(written(tmp_path), baseline=tmp_path / "absent.json")


def test_a_fingerprint_does_not_know_lines_or_other_code(tmp_path: Path) -> None:
    """Moving the handler and changing its body leaves the fingerprint as it is."""
    (one,) = reviewed(written(tmp_path)).objections
    (two,) = reviewed(written(tmp_path, "\n\n" + FAULTY.replace("return 0", "return 7"))).objections
    assert one.fingerprint == two.fingerprint
    assert one.at != two.at


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('select = ["design"]', ["shadowed-route"]),
        ('select = ["FW1"]', ["shadowed-route"]),
        ('select = ["security"]', []),
        ('ignore = ["FW105"]', []),
        ('select = ["FW105"]\nignore = ["FW1"]', ["shadowed-route"]),
    ],
)
def test_settings_choose_the_rules(settings: str, told: list[str], tmp_path: Path) -> None:
    """Names, codes, beginnings of codes and areas; the more exact word wins."""
    root = written(tmp_path, pyproject__toml=f"[tool.fastwright]\n{settings}\n")
    assert rules_of(reviewed(root)) == told


def test_an_unknown_setting_or_rule_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """Neither is passed over in silence."""
    root = written(tmp_path, pyproject__toml="[tool.fastwright]\nselct = []\n")
    with pytest.raises(UnknownName) as caught:
        reviewed(root)
    assert caught.value.nearest == ("select",)
    (root / "pyproject.toml").unlink()
    with pytest.raises(UnknownName) as caught:
        reviewed(root, select=("shadowed-rout",))
    assert "shadowed-route" in caught.value.nearest


def test_an_app_that_was_to_run_and_does_not_is_no_success(capsys) -> None:
    """Nothing was tried, so that nothing can be vouched for, whatever the source shows."""
    assert tell(Review("main:app", (), loads=False), "json", None) == DoesNotLoad.exit_code
    assert json.loads(capsys.readouterr().out)["loads"] is False


def test_a_result_that_cannot_be_written_is_no_fault_of_ours(tmp_path: Path) -> None:
    """The file that the person named is named again, with the reason."""
    with pytest.raises(UsageError, match="cannot write"):
        tell(Review("main:app", ()), "json", str(tmp_path / "nowhere/found.json"))


@pytest.mark.parametrize(("word", "code"), [("high", 1), ("low", 1), ("never", 0)])
def test_fail_on_decides_the_exit_code(word: str, code: int, tmp_path: Path) -> None:
    """The finding is told all the same."""
    assert main(["review", str(written(tmp_path)), "--fail-on", word]) == code


def test_what_is_possible_neither_fails_nor_is_told_unasked() -> None:
    """A finding without structure or exchange is possible, whatever its severity."""
    finding = Finding("shadowed-route", Span(MAIN, 0, 4), "something may be so")
    app = static.read({MAIN: FAULTY.encode()})
    one = engine.objection(app.files, finding, find_rule("shadowed-route"))
    assert one.grade is Grade.POSSIBLE
    assert not engine.fails(one, Severity.LOW)


def git(root: Path, *words: str) -> None:
    """Run git in a repository of its own."""
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    subprocess.run(("git", *who, *words), cwd=root, check=True, capture_output=True)


def committed(tmp_path: Path, text: str = FAULTY) -> Path:
    """A repository with one commit."""
    root = written(tmp_path, text)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


def test_a_diff_tells_only_of_functions_that_changed(tmp_path: Path) -> None:
    """Untouched code is silent; one changed line of a handler makes its finding told."""
    root = committed(tmp_path)
    assert rules_of(reviewed(root, diff="HEAD")) == []
    written(tmp_path, FAULTY.replace("return 0", "return 7"))
    assert rules_of(reviewed(root, diff="HEAD")) == ["shadowed-route"]


def test_a_diff_sees_lines_that_were_taken_away(tmp_path: Path) -> None:
    """A function from which a line was deleted has changed."""
    text = FAULTY.replace("    return 0", "    x = 1\n    return 0")
    root = committed(tmp_path, text)
    written(tmp_path)
    assert rules_of(reviewed(root, diff="HEAD")) == ["shadowed-route"]


def test_a_diff_takes_new_files_whole(tmp_path: Path) -> None:
    """A file that git does not know yet counts as changed."""
    root = committed(tmp_path, "from fastapi import FastAPI\n\napp = FastAPI()\n")
    (root / "main.py").unlink()
    (root / "other.py").write_text(FAULTY)
    assert rules_of(reviewed(root, diff="HEAD")) == ["shadowed-route"]


def test_a_diff_with_no_such_revision_is_refused(tmp_path: Path) -> None:
    """Neither an unknown revision nor an option is handed to git as one."""
    root = committed(tmp_path)
    for base in ("no-such-branch", "--output=/tmp/x"):
        with pytest.raises(UsageError):
            reviewed(root, diff=base)


def many(count: int, severity: Severity) -> tuple[Objection, ...]:
    """Objections of one rule to one file."""
    made = Rule("FW798", "many", "quality", severity, "0.1.0", "Many.", lambda _: ())
    app = AppMap({MAIN: b"x = 1\n" * count}, None)
    spans = (Span(MAIN, 6 * n, 6 * n + 5) for n in range(count))
    return tuple(
        engine.objection(app.files, Finding("many", s, f"`{s}` is so", structural=True), made)
        for s in spans
    )


def test_a_habit_of_the_house_is_one_line(capsys) -> None:
    """Ten mild findings of one rule are told as one; grave ones never are."""
    assert engine.habits(many(engine.HABIT, Severity.LOW)) == ("many",)
    assert engine.habits(many(engine.HABIT - 1, Severity.LOW)) == ()
    assert engine.habits(many(40, Severity.HIGH)) == ()


def test_sarif_is_what_github_takes(tmp_path: Path) -> None:
    """Every result has a rule by index, a message, a relative path, a region and a fingerprint."""
    document = json.loads(sarif.render(reviewed(written(tmp_path))))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(r["id"] and r["shortDescription"]["text"] and r["help"]["text"] for r in rules)
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "FW105"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "main.py"
    region = place["region"]
    assert (region["startLine"], region["startColumn"]) == (11, 1)
    assert (region["endLine"], region["endColumn"]) >= (11, 1)
    assert result["partialFingerprints"]
    assert result["level"] in ("error", "warning", "note")


def test_sarif_scores_security_alone() -> None:
    """GitHub orders alerts by the score of security rules; others have none."""
    cards = reviewed(REPOSITORY / "tests/apps/notebook").cards
    document = json.loads(sarif.render(Review("", (), cards)))
    rules = document["runs"][0]["tool"]["driver"]["rules"]
    scored = {r["name"] for r in rules if "security-severity" in r["properties"]}
    assert scored == {card.name for card in cards if card.area == "security"}


def test_github_gets_one_annotation_a_finding(tmp_path: Path) -> None:
    """Line breaks, percent signs, colons and commas cannot end a command."""
    lines = github.render(reviewed(written(tmp_path))).splitlines()
    assert lines[0].startswith("::error file=main.py,line=11,")
    assert "%0A" in lines[0]
    assert len([line for line in lines if line.startswith("::")]) == 1


def test_the_html_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """No address of another host, no script; the matrix and the finding are in it, escaped."""
    found = reviewed(written(tmp_path, FAULTY.replace("latest", "<b>late")))
    cells = {"GET /items/{item_id}": {"anonymous": "200", "owner": "<i>"}}
    page = review_html.render(
        Review(found.app, found.objections, found.cards, matrix=AccessMatrix(cells))
    )
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page
    assert "<i>" not in page
    assert "GET /items/{item_id}" in page


def test_markdown_and_json_hold_the_finding(tmp_path: Path) -> None:
    """Each form names the rule and the place."""
    found = reviewed(written(tmp_path))
    assert "### FW105 shadowed-route" in review_markdown.render(found)
    assert json.loads(json_text.render(found))["objections"][0]["path"] == "main.py"


def test_a_rule_is_found_by_name_and_code_and_explained(capsys) -> None:
    """``explain`` shows a rule's page, and a recipe's still."""
    assert find_rule("fw105") is find_rule("shadowed_route")
    assert main(["explain", "FW105"]) == 0
    assert "## Why is this bad?" in capsys.readouterr().out
    assert main(["explain", "jwt-auth"]) == 0
    assert main(["explain", "shadowd-route"]) == 2


def test_the_rules_are_listed(capsys) -> None:
    """Every rule stands on a line of its own, in the order of codes."""
    assert main(["rules"]) == 0
    codes = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert codes == [found.code for found in every_rule().values()]


def test_the_decorator_makes_a_rule_of_its_area() -> None:
    """The first digit of a code is its area, the function's name its own."""

    @rule(code="FW342", severity=Severity.LOW)
    def some_smell(app: AppMap) -> Iterator[Finding]:
        """Smells."""
        yield from ()

    assert (some_smell.name, some_smell.area, some_smell.doc) == (
        "some-smell", "database", "Smells.")  # fmt: skip


def test_settings_are_those_nearest_to_the_app() -> None:
    """A manifest beside the app wins over that of the repository."""
    files = {
        PurePosixPath("pyproject.toml"): b'[tool.fastwright]\nselect = ["FW1"]\n',
        PurePosixPath("shop/pyproject.toml"): b'[tool.fastwright]\nselect = ["FW5"]\n',
        PurePosixPath("shop/main.py"): FAULTY.encode(),
    }
    assert read_settings(files, PurePosixPath("shop")).select == ("FW5",)
    assert read_settings(files, PurePosixPath("other")).select == ("FW1",)


def test_permissions_in_strings_are_none() -> None:
    """Only comments permit."""
    text = b'X = "# fastwright: allow shadowed-route: no"\n'
    assert list(allowing.allowances({MAIN: text})) == []


@pytest.mark.parametrize("name", ["bookshop", "legacy_forum", "shop_async"])
def test_rules_that_are_shared_out_find_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings, faults and the order of both are those of one process, whoever ran which rule."""

    @rule(code="FW799", severity=Severity.LOW)
    def half_broken(app: AppMap) -> Iterator[Finding]:
        """Finds one thing and raises."""
        yield Finding("half-broken", Span(next(iter(app.files)), 0, 1), "found before it broke")
        raise ZeroDivisionError("by nought")

    app = static.read(sample_app(name).read())
    rules = [*every_rule().values(), half_broken] * 2
    alone = engine.find_all(app, rules)
    monkeypatch.setattr(engine, "WORTH_SHARING", 0)
    shared = engine.find_all(app, rules)
    assert alone == shared
    assert [fault.rule for fault in shared.faults] == ["half-broken"] * 2
    assert any(finding.rule == "half-broken" for finding in shared.findings)
