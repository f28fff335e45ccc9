from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fastwright.cli import failures, main
from fastwright.cli.commands import cli
from fastwright.cli.options import to_run
from fastwright.model.errors import DoesNotLoad, NotProven, Refused, UsageError
from fastwright.recipes.recipe import choices, registry

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
    assert told["error"] == {"cannot": "cannot a", "because": "b", "do": "c"}
    assert told["exit_code"] == 4


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
