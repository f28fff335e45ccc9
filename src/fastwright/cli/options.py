"""The options that several commands share, and the `Wishes` that they add up to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fastwright.agent.person import Wishes

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as the shared options describe it."""

    start: Path
    wishes: Wishes
    yes: bool
    check: bool
    as_json: bool


_WHERE = (
    click.option(
        "--app",
        "app",
        metavar="PATH",
        default=".",
        help="The project, or a file or folder in it. `module:name` picks an app in this folder.",
    ),
    click.option("--target", metavar="MODULE:NAME", help="The app, where there are several."),
    click.option("--python", metavar="PATH", help="The app's own interpreter."),
    click.option("--env", metavar="NAME=VALUE", multiple=True, help="A setting. Repeatable."),
    click.option("--env-file", metavar="FILE", multiple=True, help="A file of settings."),
    click.option(
        "--unsandboxed", is_flag=True, help="Accept to run where the kernel refuses isolation."
    ),
    click.option("--yes", "-y", is_flag=True, help="Agree to the plan, to running and applying."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
)
_WORK = (
    click.option("--dry-run", is_flag=True, help="Plan, change and prove; write nothing."),
    click.option("--check", is_flag=True, help="As --dry-run; exit 1 where it would change."),
    click.option(
        "--tests",
        type=click.Choice(["all", "affected", "none"]),
        default="all",
        show_default=True,
        help="Which of the project's own tests run.",
    ),
)
_FORMS = ("terminal", "json", "sarif", "html", "markdown", "github")
_REVIEW = (
    click.option("--live", is_flag=True, help="Run the app too, and try what was found."),
    click.option("--write-tests", metavar="DIR", help="With --live: each proof as a pytest."),
    click.option("--matrix", is_flag=True, help="With --live: show who may call what."),
    click.option("--fix", is_flag=True, help="Apply the safe fixes, proved as a batch."),
    click.option(
        "--fix-behaviour", is_flag=True, help="Also those that change behaviour, one by one."
    ),
    click.option("--dry-run", is_flag=True, help="With --fix: prove the fixes, write nothing."),
    click.option("--diff", metavar="BASE", help="Tell only what stands on changes since BASE."),
    click.option(
        "--possible", is_flag=True, help="Tell also what is not certain, by rule or record."
    ),
    click.option("--select", metavar="RULES", multiple=True, help="Only these rules or areas."),
    click.option("--ignore", metavar="RULES", multiple=True, help="All but these."),
    click.option(
        "--fail-on",
        type=click.Choice(["high", "medium", "low", "never"]),
        help="The least severity that ends in exit code 1.",
    ),
    click.option("--baseline", metavar="FILE", help="What is known already, and not told."),
    click.option("--write-baseline", is_flag=True, help="Make all that is found known."),
    click.option(
        "--format",
        "form",
        type=click.Choice(_FORMS),
        default="terminal",
        show_default=True,
        help="How the result is told.",
    ),
    click.option("--output", "-O", metavar="FILE", help="Write the result there."),
)


def where_options(command: Command) -> Command:
    """The options that say which app, and how it may be run."""
    return _with(command, _WHERE)


def work_options(command: Command) -> Command:
    """Those of `where_options`, and those that say how far to go."""
    return _with(command, _WHERE + _WORK)


def review_options(command: Command) -> Command:
    """The options of ``review`` beyond `where_options`."""
    return _with(command, _REVIEW)


def _with(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def to_run(given: Mapping[str, Any]) -> Run:
    """The run that the given options describe; takes them by their names."""
    from fastwright.agent.person import Wishes  # noqa: PLC0415

    start, target = _app_and_target(given["app"], given["target"])
    check = bool(given.get("check"))
    wishes = Wishes(
        target=target,
        python=Path(given["python"]) if given["python"] else None,
        env=pairs(given["env"], "--env"),
        env_files=tuple(map(Path, given["env_file"])),
        tests=given.get("tests", "all"),
        dry_run=check or bool(given.get("dry_run")),
        unsandboxed=given["unsandboxed"],
    )
    return Run(start, wishes, yes=given["yes"], check=check, as_json=given["as_json"])


def _app_and_target(app: str, target: str | None) -> tuple[Path, str | None]:
    if target is None and ":" in app and not Path(app).exists():
        return Path(), app
    return Path(app), target


def pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a mapping.

    Raises:
        UsageError: One of them has no name or no equals sign.
    """
    from fastwright.model.errors import UsageError  # noqa: PLC0415

    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"cannot use `{flag} {text}`", "it is not NAME=VALUE")
        found[name] = value
    return found
