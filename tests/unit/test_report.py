from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import PurePosixPath

import pytest
from rich.console import Console

from fastwright.model import wire
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, Decision, Manual, NewFile, Notice
from fastwright.model.errors import DoesNotLoad
from fastwright.model.finding import AccessMatrix, Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Position, Span
from fastwright.model.plan import Candidate, Option, Plan, Presence, State, Step
from fastwright.model.proof import Check, FileDiff, Outcome, Proof, Report, Verdict
from fastwright.model.review import Objection, Review
from fastwright.recipes.recipe import choices, registry
from fastwright.report import (
    html,
    json_text,
    markdown,
    review_html,
    review_markdown,
    review_terminal,
    words,
)
from fastwright.report.terminal import Terminal
from fastwright.survey import static

SEEN = Evidence(EvidenceKind.HTTP, "POST /auth/token answered", (("status", "200"),))
CHECKS = (
    Check("parses", Verdict.PASSED, "31 files", "35 files", (SEEN,), 0.1),
    Check("tests", Verdict.PASSED, "12 pass", "19 pass", (SEEN, SEEN, SEEN), 6.25),
    Check("access", Verdict.FAILED, "0 differ", "1 differs", (SEEN,), 2.0),
    Check("migrations", Verdict.SKIPPED, skipped_because="the app has no Alembic"),
)
PLAN = Plan(
    "add login",
    (Step("jwt-auth", "asked for with `login`", {"path": "/auth/token", "refresh": False}),),
    unsure=("which table holds users",),
    choices=(Option("refresh", "no", "not asked for", ("yes",), "2 files, 1 table"),),
    files=("shop/auth.py",),
    tables=("users",),
)
FULL = Report(
    asked="add login <b>now</b>",
    outcome=Outcome.PROVEN,
    did=("added `POST /auth/token`",),
    not_done=("no registration: it was not asked for",),
    why=(Decision("argon2", "bcrypt", "it resists GPUs", "19 MiB a login"),),
    plan=PLAN,
    presence=Presence(State.PARTIAL, "a login is there", ("shop.auth.login",), ("no limit",)),
    changes=ChangeSet(
        "f" * 64,
        (
            NewFile(
                PurePosixPath(".env"), "SECRET_KEY=do-not-tell-anyone", "a secret", secret=True
            ),
            Manual("shop/main.py", "app.include_router(auth)", "two apps are built there"),
            Notice("the docs page can log in"),
        ),
        "login",
    ),
    diffs=(
        FileDiff("shop/auth.py", "--- a\n+++ b\n@@ -0,0 +1 @@\n+x = 1\n", ("a login",), 1, 0),
        FileDiff("shop/main.py", "@@ -1 +1 @@\n-a\n+b\n", ("a login",), 1, 1),
        FileDiff(".env", "", ("a secret",), 1, 0),
    ),
    proof=Proof("a" * 64, CHECKS, ("network", "files")),
    deploy=("set SECRET_KEY",),
    next=("put a limit on GET /books",),
    run="20261123-1",
    seconds=12.5,
    timings=(("survey", 2.5), ("prove", 10.0)),
)


def shown(report: Report, width: int = 120) -> str:
    """What the terminal prints for `report`."""
    console = Console(file=io.StringIO(), width=width)
    Terminal(console).report(report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


RENDERERS = {"markdown": markdown.render, "html": html.render, "terminal": shown}


@pytest.mark.parametrize("form", RENDERERS)
@pytest.mark.parametrize(
    "words_of_it",
    [
        "no registration: it was not asked for",
        "set SECRET_KEY",
        "put a limit on GET /books",
        "added `POST /auth/token`",
        "12 pass → 19 pass",
        "the app has no Alembic",
        "skipped",
        "failed",
        "argon2",
        "19 MiB a login",
        "no limit",
        "app.include_router(auth)",
        "the docs page can log in",
        "3 files, +3 −1",
        "2 passed, 1 failed, 1 skipped",
    ],
)
def test_every_form_tells_the_whole_story(form: str, words_of_it: str) -> None:
    """Whatever the report holds is said in the terminal, in Markdown and in HTML."""
    text = RENDERERS[form](FULL)
    assert words_of_it in re.sub(r"</?code>", "`", text)


@pytest.mark.parametrize("form", RENDERERS)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_word(form: str, outcome: Outcome) -> None:
    """No outcome renders without its own title, and an almost empty report renders too."""
    bare = Report("x", outcome, did=(), not_done=())
    assert words.title(bare) in RENDERERS[form](bare)


@pytest.mark.parametrize("form", RENDERERS)
def test_a_refusal_says_cannot_because_and_do(form: str) -> None:
    """The three parts of a refusal stand in every form."""
    report = Report("x", Outcome.REFUSED, (), (), refusal=("cannot fly", "no wings", "grow some"))
    text = RENDERERS[form](report)
    assert all(part in text for part in ("cannot fly", "because no wings", "do: grow some"))


class Page(HTMLParser):
    """Collects what a page would fetch, and whether its elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element, and every attribute that names something elsewhere."""
        self.tags.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "data")]
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element closes what was opened last."""
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_formed() -> None:
    """The page fetches nothing, runs no script, closes every element and escapes the request."""
    text = html.render(FULL)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "script" not in page.tags
    assert re.search(r"url\(|@import|https?://", text) is None
    assert "add login &lt;b&gt;now&lt;/b&gt;" in text


def test_the_page_knows_light_and_dark() -> None:
    """One page serves both schemes."""
    text = html.render(FULL)
    assert "prefers-color-scheme: dark" in text
    assert 'name="color-scheme" content="light dark"' in text


def test_the_diff_is_grouped_by_reason() -> None:
    """Files with the same reasons form one group, in the order of the diff."""
    groups = words.groups(FULL.diffs)
    assert [(g.reasons, [f.path for f in g.files]) for g in groups] == [
        (("a login",), ["shop/auth.py", "shop/main.py"]),
        (("a secret",), [".env"]),
    ]


def test_what_several_reasons_say_is_said_once() -> None:
    """A remark that each edit of a file makes stands behind the first of them alone."""
    reasons = ("signs tokens; as all packages are", "hashes passwords; as all packages are")
    (group,) = words.groups([FileDiff("Pipfile", "+", reasons)])
    assert "; ".join(group.reasons) == "signs tokens; as all packages are; hashes passwords"


def test_json_reads_back_to_the_same_report() -> None:
    """A program that reads the JSON has the report, whole."""
    document = json.loads(json_text.render(FULL))
    assert document.pop("format") == json_text.FORMAT
    assert wire.from_json(Report, document) == FULL


def test_a_map_as_json_gives_sizes_instead_of_contents() -> None:
    """The source of the app is not poured into the JSON of its survey."""
    app = AppMap({PurePosixPath("a.py"): b"import os"}, None)
    document = json.loads("".join(json_text.render_map(app)))
    assert document["files"] == {"a.py": 9}
    assert document["routes"] == []


def test_a_map_as_json_in_parts_is_the_document_that_it_is_as_a_whole() -> None:
    """No element is lost, and the text is indented as that of every other document."""
    content = b"import os\n\n\ndef f(x):\n    os.remove(x)\n    f('a\\n')\n"
    app = static.read({PurePosixPath("a.py"): content})
    plain = {name: wire.to_json(value) for name, value in wire.told(app)}
    whole = {"format": json_text.FORMAT, **plain, "files": {"a.py": len(content)}}
    written = "".join(json_text.render_map(app))
    assert app.calls
    assert written == json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def test_an_app_that_does_not_load_shows_its_own_error() -> None:
    """The app's own traceback stands under the refusal."""
    console = Console(file=io.StringIO(), width=100)
    error = DoesNotLoad("cannot import `shop`", "no module `x`", "install it", traceback="Boom: 1")
    Terminal(console).error(error)
    assert isinstance(console.file, io.StringIO)
    assert "Boom: 1" in console.file.getvalue()


def test_the_plan_shows_options_with_reasons_and_costs() -> None:
    """Steps, options, what is touched and what is unsure all stand in the printed plan."""
    console = Console(file=io.StringIO(), width=140)
    Terminal(console).plan(PLAN)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for part in ("path=/auth/token", "2 files, 1 table", "table users", "which table holds users"):
        assert part in text


def test_candidates_are_numbered() -> None:
    """A request that was not clear is answered with numbered readings."""
    console = Console(file=io.StringIO(), width=140)
    Terminal(console).candidates("tokens", (Candidate("jwt-auth", "a login", 0.4, "`tokens`"),))
    assert isinstance(console.file, io.StringIO)
    assert "1. a login (jwt-auth)" in console.file.getvalue()


def test_square_brackets_are_text_in_the_terminal() -> None:
    """What looks like terminal markup in a report is printed as it stands."""
    report = replace(FULL, did=("listed dict[str, int] and [bold]this[/bold]",))
    assert "dict[str, int] and [bold]this[/bold]" in shown(report)


def proven(matrix: AccessMatrix) -> Review:
    """A review with a proof of one cell, in which the row was another user's."""
    sent = (("request", "GET /a/1"), ("caller", "other user"), ("status", "200"))
    finding = Finding(
        "missing-owner-filter", Span(PurePosixPath("a.py"), 0, 1), "`GET /a/{id}` reads a row",
        (Evidence(EvidenceKind.HTTP, "other user: GET /a/1 → 200", sent),),
    )  # fmt: skip
    told = Objection(finding, "FW501", "security", Severity.HIGH, "A row.", "a.py", Position(1, 1),
                     Position(1, 2), ("x",), "f")  # fmt: skip
    return Review("main:app", (told,), matrix=matrix)


def test_a_proven_cell_stands_out_in_a_matrix_by_path() -> None:
    """Callers stand in their usual order, rows by path and method, and what is wrong is marked."""
    row = {"anonymous": "401", "other user": "200", "owner": "200"}
    matrix = AccessMatrix({"DELETE /a/{id}": row, "GET /b": row, "GET /a/{id}": row})
    page = review_html.render(proven(matrix))
    heads = re.findall(r"<th>(anonymous|owner|other user)</th>", page)
    assert heads == ["anonymous", "owner", "other user"]
    named = re.findall(r"<code>((?:GET|DELETE) /[^<]*)</code></th>", page)
    assert named == ["GET /a/{id}", "DELETE /a/{id}", "GET /b"]
    assert page.count('<td class="cell fault">200</td>') == 1


def terminal_of(review: Review, *, matrix: bool) -> list[str]:
    """The lines that the terminal is told of a review."""
    told = io.StringIO()
    review_terminal.show(review, Console(file=told, width=100), matrix=matrix)
    return told.getvalue().splitlines()


def test_the_matrix_is_told_in_text_where_it_is_asked_for() -> None:
    """A line for each operation, what is wrong marked, and what was not called said; else none."""
    row = {"anonymous": "401", "owner": "200", "other user": "no row could be made"}
    review = proven(AccessMatrix({"GET /b": row, "GET /a/{id}": row | {"other user": "200"}}))
    lines = terminal_of(review, matrix=True)
    first = next(n for n, line in enumerate(lines) if line.startswith("who may call what"))
    assert [line.split() for line in lines[first + 1 : first + 3]] == [
        ["GET", "/a/{id}", "401", "200", "200!"],
        ["GET", "/b", "401", "200", "-"],
    ]
    assert "! is proven to be wrong; - was not called" in lines[first + 3]
    assert not any("who may call what" in line for line in terminal_of(review, matrix=False))
    page = review_markdown.render(review)
    assert "| route | anonymous | owner | other user |" in page
    assert "| `GET /a/{id}` | 401 | 200 | 200! |" in page


def test_a_long_matrix_is_cut_in_text_and_says_where_the_whole_is() -> None:
    """Of 100 operations 40 are told, what is wrong among them, and the page has all."""
    row = {"anonymous": "401", "other user": "200", "owner": "200"}
    many = {f"GET /0/{n}": row for n in range(99)}
    review = proven(AccessMatrix(many | {"GET /a/{id}": row}))
    page = review_markdown.render(review)
    assert page.count("| `GET /0/") == 39
    assert "| `GET /a/{id}` | 401 | 200 | 200! |" in page
    said = "nd 60 more operations: `--format html` and `--json` have them all"
    assert said in page
    assert any(said in line for line in terminal_of(review, matrix=True))
    assert review_html.render(review).count("<code>GET /0/") == 99


def test_one_cause_of_a_failing_gate_is_told_once() -> None:
    """What fails alike is folded into the first line, with the names of some of the others."""
    said = "failed: AttributeError: module `shop` has no attribute `x` at 0x7f{n}"
    seen = [f"`tests/test_a.py::test_{n}` {said.format(n=n)}" for n in range(5)]
    seen.append("`tests/test_a.py::test_other` failed by assertion: assert 404 == 200")
    evidence = tuple(Evidence(EvidenceKind.PROCESS, text) for text in seen)
    failed = words.row(Check("new-tests", Verdict.FAILED, evidence=evidence))
    assert failed.evidence == (
        f"{seen[0]}; the same of `tests/test_a.py::test_1`, `tests/test_a.py::test_2` and 2 more",
        seen[-1],
    )
    passed = words.row(Check("new-tests", Verdict.PASSED, evidence=evidence))
    assert passed.evidence == tuple(seen)


def test_what_recipes_say_of_their_options_holds_no_emphasis() -> None:
    """It is shown in terminals and tables, where an asterisk is an asterisk."""
    said = {f"{n} {c.name}": c.doc for n, r in registry().items() for c in choices(r)}
    assert [name for name, doc in said.items() if re.search(r"\*\w[^*]*\*", doc)] == []
