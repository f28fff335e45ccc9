from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fastwright.cli import failures, main
from fastwright.cli.commands import cli
from fastwright.cli.options import to_run
from fastwright.model.errors import DoesNotLoad, NotProven, Refused, UsageError
from fastwright.recipes.recipe import choices, registry
from fastwright.review.rule import every_rule
from fastwright.testing.samples import sample_app

GIVEN = {
    "app": ".",
    "target": None,
    "python": None,
    "env": (),
    "env_file": (),
    "unsandboxed": False,
    "yes": False,
    "as_json": False,
}
SOURCE = Path(failures.__file__).parents[1]
SHAPE = ["cannot", "because", "do", "missing", "traceback"]
HELP = click.Command("help", params=[click.Option(["--help"]), click.Option(["--version"])])
COMMANDS = ["do", "plan", "add", "survey", "review", "tune", "undo", "recipes", "rules", "explain"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str, capsys) -> None:
    """The help of each command shows lines to copy."""
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Examples:" in shown
    assert f"fastwright {command}" in shown


def test_help_lists_the_commands_in_the_order_of_use(capsys) -> None:
    """The first command on the help page is the one that does the work."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"\n  {command} ") for command in COMMANDS]
    assert list(cli.commands) == [*COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("typed", "meant"), [("surey", "survey"), ("ad", "add"), ("recipe", "recipes")]
)
def test_an_unknown_command_is_answered_with_the_nearest(typed: str, meant: str, capsys) -> None:
    """A slip of the finger costs exit code 2 and is told the command that was meant."""
    assert main([typed]) == 2
    assert f"did you mean `{meant}`?" in capsys.readouterr().err


def test_an_unknown_recipe_is_answered_with_the_nearest(capsys) -> None:
    """`explain` and `add` name the recipe that was meant."""
    for command in ("explain", "add"):
        assert main([command, "jwt-aut"]) == 2
        assert "did you mean `jwt-auth`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("login", "jwt-auth"), ("auth", "jwt-auth"), ("health", "health-checks"), ("db", "database")],
)
def test_a_recipe_is_found_by_what_it_means(typed: str, meant: str, capsys) -> None:
    """What people call a thing leads to the recipe that builds it, though no letter is alike."""
    assert main(["add", typed]) == 2
    assert f"did you mean `{meant}`?" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(registry()))
def test_every_field_of_a_recipe_is_a_flag(name: str, capsys) -> None:
    """The flags of `add` are the recipe's fields, each told by the recipe's own docstring."""
    assert main(["add", name, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for choice in choices(registry()[name]):
        assert choice.flag in shown
        assert choice.doc, f"{name}: the field {choice.name} is not described"


def test_a_setting_needs_a_name_and_a_value(capsys) -> None:
    """`--env NAME` without a value is a usage error that says so."""
    assert main(["survey", "--env", "NAME"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_app_takes_a_path_or_a_target() -> None:
    """`--app module:name` picks an app in this folder; anything else is a path."""
    picked = to_run({**GIVEN, "app": "shop.main:app"})
    assert (picked.start, picked.wishes.target) == (Path(), "shop.main:app")
    assert to_run({**GIVEN, "app": "services/shop"}).start == Path("services/shop")


def test_check_never_writes() -> None:
    """`--check` implies `--dry-run`."""
    assert to_run({**GIVEN, "check": True}).wishes.dry_run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("cannot a", "b", "c"), 2),
        (DoesNotLoad("cannot a", "b", "c"), 3),
        (Refused("cannot a", "b", "c"), 4),
        (NotProven("cannot a", "b", "c"), 5),
    ],
)
def test_expected_errors_end_with_their_code_and_no_traceback(error, code: int, capsys) -> None:
    """An expected failure is three lines: cannot, because, do."""

    def fail() -> int:
        raise error

    assert failures.guarded(fail, as_json=False) == code
    said = capsys.readouterr().err
    assert [line.strip() for line in said.splitlines()] == ["cannot a", "because b", "do: c"]


def test_an_expected_error_is_one_document_for_programs(capsys) -> None:
    """With `--json` a failure is JSON on standard output, with its exit code."""

    def fail() -> int:
        raise Refused("cannot a", "b", "c")

    assert failures.guarded(fail, as_json=True) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == {
        "cannot": "cannot a",
        "because": "b",
        "do": "c",
        "missing": "",
        "traceback": "",
    }
    assert told["exit_code"] == 4


@pytest.mark.parametrize(
    ("words", "code", "because"),
    [
        (["do", "--json"], 2, "Missing argument 'REQUEST...'."),
        (["survey", "--json", "--nope"], 2, "No such option"),
        (["review", "--format", "json", "--fail-on", "x"], 2, "is not one of"),
        (["surey", "--json"], 2, "no command has this name"),
        (["survey", "--json", "--app", "/nowhere"], 2, "no such file"),
    ],
)
def test_wrong_usage_is_one_document_too(words: list[str], code: int, because: str, capsys) -> None:
    """What click itself turns away has the same shape on standard output, and nothing beside."""
    assert main(words) == code
    told = json.loads(capsys.readouterr().out)
    assert because in told["error"]["because"]
    assert list(told["error"]) == SHAPE
    assert told["exit_code"] == code


@pytest.mark.parametrize(
    ("error", "code", "because"),
    [
        (ZeroDivisionError("by nought"), 70, "ZeroDivisionError: by nought"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was changed"),
    ],
)
def test_a_fault_and_an_interrupt_are_documents_too(
    error: BaseException, code: int, because: str, capsys
) -> None:
    """Exit codes 70 and 130 come with the same document."""

    def fail() -> int:
        raise error

    assert failures.guarded(fail, as_json=True) == code
    told = json.loads(capsys.readouterr().out)
    assert (list(told["error"]), told["exit_code"]) == (SHAPE, code)
    assert told["error"]["because"] == because
    if code == failures.BROKEN:
        Path(told["error"]["do"].rsplit(" ", 1)[1]).unlink()


def test_an_app_that_does_not_load_carries_its_traceback(capsys) -> None:
    """Programs get the end of the app's own traceback, and the name that it missed."""

    def fail() -> int:
        raise DoesNotLoad("cannot a", "b", "c", missing="DB_URL", traceback="Traceback: x")

    assert failures.guarded(fail, as_json=True) == 3
    told = json.loads(capsys.readouterr().out)["error"]
    assert (told["missing"], told["traceback"]) == ("DB_URL", "Traceback: x")


def test_a_refused_request_is_told_in_the_same_shape(tmp_path: Path, capsys) -> None:
    """The report of a refused request has `error` and `exit_code` as any other failure."""
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    assert main(["plan", "do we have a login?", "--json", "--app", str(tmp_path)]) == 4
    told = json.loads(capsys.readouterr().out)
    assert (list(told["error"]), told["exit_code"]) == (SHAPE, 4)


def test_a_review_may_be_asked_for_in_words(tmp_path: Path, capsys) -> None:
    """`do` carries it out, with the area that was named, and ends as `review` does."""
    source = (
        "import os\n\nfrom fastapi import FastAPI, Response\n\napp = FastAPI()\n\n\n"
        "@app.get('/things/{name}')\ndef thing(name: str) -> int:\n    return os.system(name)\n"
    )
    (tmp_path / "main.py").write_text(source)
    for words in (["do", "is my app secure?"], ["review", "--select", "security"]):
        assert main([*words, "--json", "--app", str(tmp_path)]) == 1
        told = json.loads(capsys.readouterr().out)
        assert [found["finding"]["rule"] for found in told["objections"]] == ["command-from-client"]
        assert {card["area"] for card in told["cards"]} == {"security"}


def test_a_job_without_a_recipe_has_no_options(tmp_path: Path, capsys) -> None:
    """An option that a review or tuning would ignore is wrong usage, and named."""
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    assert main(["do", "review my code", "-o", "path=/x", "--app", str(tmp_path)]) == 2
    assert "`path`" in capsys.readouterr().err


def test_every_flag_that_a_message_names_is_one() -> None:
    """No message sends a person to an option that no command has."""
    known = {flag for command in every_command() for p in command.params for flag in p.opts}
    known |= {
        flag for command in every_command() for p in command.params for flag in p.secondary_opts
    }
    named = {
        (path.name, flag)
        for path in sorted(SOURCE.rglob("*.py"))
        if "payload" not in path.parts
        for ticked in re.findall(r"`((?:--|fastwright )[^`\n]*)`", path.read_text())
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", ticked)
    }
    assert len(named) >= 20
    assert {(name, flag) for name, flag in named if flag not in known} == set()


def every_command() -> list[click.Command]:
    """All commands, those that add a recipe included."""
    add = cli.commands["add"]
    assert isinstance(add, click.Group)
    context = click.Context(add)
    recipes = [add.get_command(context, name) for name in add.list_commands(context)]
    return [*cli.commands.values(), *(command for command in recipes if command), HELP]


@pytest.mark.parametrize(
    ("words", "step"),
    [
        (["explain", "jwtauth"], "did you mean `jwt-auth`?"),
        (["explain", "zzzz"], "list them with `fastwright recipes` and `fastwright rules`"),
        (["undo", "--app", "HERE"], "name another project with `--app`"),
        (["undo", "0009", "--app", "HERE"], "`fastwright undo` without a name"),
    ],
)
def test_a_miss_has_a_next_step(words: list[str], step: str, tmp_path: Path, capsys) -> None:
    """Where nothing is found, what there is to do instead is a command that exists."""
    (tmp_path / "pyproject.toml").write_text("")
    assert main([str(tmp_path) if word == "HERE" else word for word in words]) in {2, 4}
    assert step in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", ["jwt-auth", "FW105"])
def test_a_page_is_one_document_for_programs(name: str, capsys) -> None:
    """Every command takes ``--json``, as the README says."""
    assert main(["explain", name, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["page"]
    assert all("as_json" in {p.name for p in c.params} for c in every_command() if is_leaf(c))


def is_leaf(command: click.Command) -> bool:
    """True for a command that does something itself."""
    return command is not HELP and not isinstance(command, click.Group)


@pytest.mark.parametrize("path", ["/x/../y", "/..", "/./login", "/auth/."])
def test_a_path_that_leads_out_of_itself_is_no_option(path: str, capsys) -> None:
    """As it is refused in the words of a request: no client would ask for it as it stands."""
    assert main(["add", "jwt-auth", "--path", path, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["do"] == "give a path such as `/auth/login`"


def test_the_exit_codes_of_do_are_on_its_help_page(capsys) -> None:
    """Every code that `do` can end with is told, and *not understood* under the code it has."""
    assert main(["do", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "4 refused or not understood" in shown
    assert all(f" {code} " in shown for code in (0, 1, 2, 3, 4, 5, 70, 130))


def test_a_fault_of_ours_is_short_and_keeps_its_traceback(capsys) -> None:
    """An unexpected error says where its traceback was written, and does not print it."""

    def fail() -> int:
        raise ZeroDivisionError("by nought")

    assert failures.guarded(fail, as_json=False) == failures.BROKEN
    said = capsys.readouterr().err
    assert "Traceback" not in said
    kept = Path(said.rsplit(" ", 1)[1].strip())
    assert "ZeroDivisionError: by nought" in kept.read_text()
    kept.unlink()


def test_an_interrupt_says_that_nothing_was_changed(capsys) -> None:
    """Ctrl-C ends with 130 and one clean line."""

    def fail() -> int:
        raise KeyboardInterrupt

    assert failures.guarded(fail, as_json=False) == 130
    assert capsys.readouterr().err.strip() == "interrupted; nothing was changed"


def test_help_imports_nothing_heavy() -> None:
    """`--help` loads neither a parser nor a renderer, and of the layers below only the model."""
    program = (
        "import sys; from fastwright.cli import main; main(['--help']);"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    ours = {name for name in loaded if name.startswith("fastwright")}
    assert loaded & {"tree_sitter", "rich", "jinja2", "yaml", "packaging"} == set()
    assert {name.split(".")[1] for name in ours if "." in name} <= {"cli", "model"}


_EARLY = """
import sys

class Interrupted:
    def find_spec(self, name, *_):
        if name == "fastwright.cli.commands":
            sys.meta_path.remove(self)
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from fastwright.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_interrupt_during_the_imports_is_a_clean_end(form: list[str]) -> None:
    """Ctrl-C before the command has begun ends with 130 and a line, or the document, alone."""
    command = [sys.executable, "-c", _EARLY, "survey", *form]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr
    assert "interrupted; nothing was changed" in (ended.stdout if form else ended.stderr)


def test_undo_leaves_nothing_where_nothing_was_done(tmp_path: Path, capsys) -> None:
    """A refusal to undo makes no folder of ours."""
    assert main(["undo", "--app", str(tmp_path)]) == 4
    assert "no change of fastwright's" in capsys.readouterr().err
    assert main(["undo", "0001", "--app", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "code"), [(["rules", "--json"], 0), (["explain", "nothing"], 2)])
def test_the_process_ends_with_all_that_was_said(words: list[str], code: int) -> None:
    """All output through a pipe arrives, and the exit code is the command's."""
    command = [sys.executable, "-m", "fastwright", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "rules" not in words or len(json.loads(done.stdout)) == len(every_rule())


@pytest.mark.parametrize("words", [["rules", "--json"], ["survey", "--static"], ["review"]])
def test_a_reader_that_is_gone_is_no_finding(words: list[str], tmp_path: Path) -> None:
    """What is cut short by its reader ends as a shell says that it does, not with 1."""
    command = [sys.executable, "-m", "fastwright", *words]
    app = sample_app("shop_async").copy(tmp_path)
    with subprocess.Popen(
        command, cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert "Traceback" not in running.stderr.read()
    assert running.returncode == 128 + signal.SIGPIPE


def test_a_survey_for_other_programs_has_a_line_for_each_row(tmp_path, capsys) -> None:
    """Away from a terminal nothing is folded: a route is found by its path, and cut by tabs."""
    copy = sample_app("bookshop").copy(tmp_path)
    assert main(["survey", str(copy), "--static"]) == 0
    shown = capsys.readouterr()
    assert "reading the source" in shown.err
    (row,) = [line for line in shown.out.splitlines() if line.startswith("GET /books/{book_id}\t")]
    assert row.split("\t")[1:] == ["bookshop.books.router.read_book", "–", "source"]


def test_a_review_written_to_a_file_is_what_the_terminal_is_told(tmp_path, capsys) -> None:
    """Without a form of its own the file holds the findings as text."""
    copy, report = sample_app("createall").copy(tmp_path), tmp_path / "report.txt"
    assert main(["review", str(copy), "-O", str(report)]) == 1
    assert "FW571 late-commit" in capsys.readouterr().err
    assert "FW571 late-commit" in report.read_text("utf-8")
