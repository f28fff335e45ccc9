"""``tune``: its options, and the one call that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from fastwright.cli.options import Run

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--all", "every", is_flag=True, help="Every route, not the worst five."),
    click.option(
        "--budget",
        metavar="SECONDS",
        type=click.FloatRange(min=1),
        default=300.0,
        show_default=True,
        help="Begin nothing more after so many seconds.",
    ),
    click.option(
        "--seed",
        metavar="PATH.py:FUNCTION|DUMP.sql",
        default="",
        help="Yours, in the project: (table, number) to values of that row, or a SQL dump.",
    ),
    click.option("--apply", "applies", is_flag=True, help="Write what was kept."),
    click.option(
        "--tests",
        type=click.Choice(["all", "affected", "none"]),
        default="all",
        show_default=True,
        help="Which of the project's own tests run.",
    ),
)


def tune_options(command: Command) -> Command:
    """The options of ``tune`` beside those that say which app."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def run_tune(run: Run, routes: tuple[str, ...], given: Mapping[str, Any]) -> int:
    """Tune `routes` of an app as the given options say; takes them by their names."""
    from fastwright.agent.ordering import Order  # noqa: PLC0415
    from fastwright.cli.running import work  # noqa: PLC0415

    every = given["every"]
    asked = " ".join(("tune", *routes)) if routes else "tune every route" if every else "tune"
    applies = given["applies"] or run.yes
    order = Order(asked, routes, every, given["budget"], applies=applies, seed=given["seed"])
    return work(run, lambda engineer: engineer.tune(order))
