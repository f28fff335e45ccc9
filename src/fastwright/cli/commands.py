"""Every command: its arguments, its help with examples, and the one call that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastwright import __version__
from fastwright.cli.adding import RecipeCommands
from fastwright.cli.nearest import NearestGroup, examples
from fastwright.cli.options import pairs, review_options, to_run, where_options, work_options
from fastwright.cli.tuning import run_tune, tune_options

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(
    cls=NearestGroup,
    context_settings=dict(max_content_width=100, help_option_names=["-h", "--help"]),  # noqa: C408
    epilog=examples(
        'fastwright do "add a login endpoint that returns a JWT"',
        'fastwright do "add health checks" --app services/shop --dry-run',
        "fastwright survey",
        "fastwright undo",
    ),
)
@click.version_option(__version__, prog_name="fastwright")
def cli() -> None:
    """A FastAPI backend engineer: reads an app, changes it, and proves the change by running it."""


@cli.command(
    "do",
    epilog=examples(
        'fastwright do "I need a login endpoint that returns a JWT" --app examples/bookshop',
        'fastwright do "add login with refresh tokens" --yes',
        'fastwright do "check my app for security problems"',
        'fastwright do "my user profile endpoint is slow"',
        'fastwright do "add login" -o path=/auth/token -o access_minutes=30 --dry-run',
    ),
)
@click.argument("request", nargs=-1, required=True)
@click.option("--option", "-o", metavar="NAME=VALUE", multiple=True, help="An option of the plan.")
@work_options
def do_request(request: tuple[str, ...], option: tuple[str, ...], **given: Any) -> int:
    """Do what REQUEST says: plan, change, prove, ask, apply.

    Exit codes: 0 done, planned or there already, 1 would change (--check) or findings of a
    review, 2 wrong usage or no app, 3 the app does not load, 4 refused or not understood, 5 not
    proved and not applied, 70 a fault of fastwright's own, 74 the output could not be written, 130
    interrupted. With --json each of 2 to 130 prints `error`.
    """
    from fastwright.cli.running import run_do  # noqa: PLC0415

    return run_do(" ".join(request), pairs(option, "--option"), to_run(given))


@cli.command(
    "plan",
    epilog=examples(
        'fastwright plan "add login and health checks"',
        'fastwright plan "rate limit the login" --json',
    ),
)
@click.argument("request", nargs=-1, required=True)
@where_options
def plan_request(request: tuple[str, ...], **given: Any) -> int:
    """Show what REQUEST is taken for.

    It reads alone: nothing runs, and nothing is written.
    """
    from fastwright.cli.running import run_plan  # noqa: PLC0415

    return run_plan(" ".join(request), to_run(given))


@cli.group(
    "add",
    cls=RecipeCommands,
    epilog=examples(
        "fastwright add jwt-auth --refresh",
        "fastwright add health-checks --app services/shop --yes",
        "fastwright add jwt-auth --help",
    ),
)
def add_recipe() -> None:
    """Add one recipe by its name; each has its own flags."""


@cli.command(
    "survey",
    epilog=examples(
        "fastwright survey",
        "fastwright survey services/shop --static",
        "fastwright survey --json > map.json",
    ),
)
@click.argument("path", required=False)
@click.option("--static", is_flag=True, help="Read the source alone; run nothing.")
@where_options
def survey_app(path: str | None, *, static: bool, **given: Any) -> int:
    """Show what is known of an app, and who saw it."""
    from fastwright.cli.running import run_survey  # noqa: PLC0415

    return run_survey(to_run(given | ({"app": path} if path else {})), static=static)


@cli.command(
    "review",
    epilog=examples(
        "fastwright review",
        "fastwright review services/shop --diff main",
        "fastwright review --format sarif --output review.sarif",
        "fastwright review --live --write-tests tests/review",
        "fastwright review --fix",
    ),
)
@click.argument("path", required=False)
@review_options
@where_options
def review_app(path: str | None, *, form: str, output: str | None, **given: Any) -> int:
    """Find what a senior engineer would object to.

    It reads the source alone, unless `--live` or a fix is asked for.

    Exit codes: 0 nothing to object to, 1 findings, 2 wrong usage or no app, 3 the app does not
    load (--live, --fix), 4 refused, 5 a repair was not proved, 70 a rule broke, 74 the
    output could not be written, 130 interrupted.
    """
    from fastwright.cli.reviewing import choices, run_review  # noqa: PLC0415

    run = to_run(given | ({"app": path} if path else {}))
    return run_review(run, choices(given), form, output, matrix=given["matrix"])


@cli.command(
    "tune",
    epilog=examples(
        "fastwright tune",
        'fastwright tune "GET /users/{user_id}/profile" --apply',
        "fastwright tune --all --budget 120 --json",
    ),
)
@click.argument("route", nargs=-1)
@tune_options
@where_options
def tune_routes(route: tuple[str, ...], **given: Any) -> int:
    """Make slow routes fast, and prove that nothing else changed.

    Without a ROUTE the worst five are taken.

    Exit codes: 0 done, 2 wrong usage or no app, 3 the app does not load, 4 refused, 5 not proved,
    70 a fault of fastwright's own, 74 the output could not be written, 130 interrupted.
    """
    return run_tune(to_run(given), route, given)


@cli.command("undo", epilog=examples("fastwright undo", "fastwright undo 0003 --app services/shop"))
@click.argument("entry", required=False)
@click.option("--app", metavar="PATH", default=".", help="The project, or a folder in it.")
@click.option("--force", is_flag=True, help="Drop edits made since, where they collide.")
@_AS_JSON
def undo_change(entry: str | None, app: str, *, force: bool, as_json: bool) -> int:
    """Take back the last change, or ENTRY, to the byte."""
    from fastwright.cli.running import run_undo  # noqa: PLC0415

    return run_undo(Path(app), entry, force=force, as_json=as_json)


@cli.command("recipes", epilog=examples("fastwright recipes"))
@_AS_JSON
def list_recipes(*, as_json: bool) -> int:
    """List what can be added."""
    from fastwright.cli.listing import show_recipes  # noqa: PLC0415

    return show_recipes(as_json=as_json)


@cli.command("rules", epilog=examples("fastwright rules", "fastwright rules --json"))
@_AS_JSON
def list_rules(*, as_json: bool) -> int:
    """List what a review looks for."""
    from fastwright.cli.reviewing import show_rules  # noqa: PLC0415

    return show_rules(as_json=as_json)


@cli.command(
    "explain",
    epilog=examples("fastwright explain jwt-auth", "fastwright explain FW105"),
)
@click.argument("name")
@_AS_JSON
def explain_name(name: str, *, as_json: bool) -> int:
    """Show the page of a recipe, or of a rule by its name or code."""
    from fastwright.cli.listing import show_page  # noqa: PLC0415

    return show_page(name, as_json=as_json)
