"""From a `Run` to the engineer and back: one call, one report, one exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import click

from fastwright.agent.engineer import Engineer
from fastwright.cli.options import Run
from fastwright.cli.screen import Output, Screen
from fastwright.model.proof import Outcome, Report
from fastwright.model.review import Review
from fastwright.report import json_text
from fastwright.survey.collecting import without_collector

_EXIT = (
    (Outcome.REFUSED, 4),
    (Outcome.NOT_PROVEN, 5),
)
_AT_ONCE = 1_000
"""Parts of a map that are written together."""
_CHANGED = (Outcome.PROVEN, Outcome.UNDONE)
WOULD_CHANGE = 1
_ONLY_TOLD = "all was done, and only the telling cut short"


def run_do(request: str, options: Mapping[str, str], run: Run) -> int:
    """Do what the request says, and tell it in the form that fits: a report, or a review."""
    screen = _screen(run)
    told = Engineer(run.start, screen, run.wishes).do(request, options)
    if isinstance(told, Review):
        from fastwright.cli.reviewing import tell  # noqa: PLC0415 - its forms are slow to load

        return tell(told, "json" if run.as_json else "terminal", None)
    return _checked(run, told, _end(told, screen, as_json=run.as_json))


def run_add(recipe: str, options: Mapping[str, object], run: Run) -> int:
    """Add one recipe."""
    return work(run, lambda engineer: engineer.add(recipe, options))


def run_plan(request: str, run: Run) -> int:
    """Show what a request is taken for."""
    return work(run, lambda engineer: engineer.plan(request))


def run_undo(start: Path, entry: str | None, *, force: bool, as_json: bool) -> int:
    """Take a change back."""
    screen = Screen(_console(quiet=as_json), yes=True, quiet=as_json)
    return _end(Engineer(start, screen).undo(entry, force=force), screen, as_json=as_json)


def run_survey(run: Run, *, static: bool) -> int:
    """Show the map of an app."""
    with without_collector():
        return _show_map(run, static=static)


def _show_map(run: Run, *, static: bool) -> int:
    screen = Screen(Output(stderr=True, highlight=False), yes=run.yes, quiet=run.as_json)
    app = Engineer(run.start, screen, run.wishes).survey(static=static)
    if run.as_json:
        parts = json_text.render_map(app)
        while some := "".join(islice(parts, _AT_ONCE)):
            click.echo(some, nl=False)
    else:
        from fastwright.report.survey import show_map  # noqa: PLC0415

        show_map(app, Output(highlight=False))
    return 0


def work(run: Run, call: Callable[[Engineer], Report]) -> int:
    """Have the engineer do what `call` asks, say what came of it, and give the exit code."""
    screen = _screen(run)
    report = call(Engineer(run.start, screen, run.wishes))
    return _checked(run, report, _end(report, screen, as_json=run.as_json))


def _checked(run: Run, report: Report, code: int) -> int:
    changes = report.changes is not None and not report.changes.is_empty
    return WOULD_CHANGE if run.check and not code and changes else code


def _end(report: Report, screen: Screen, *, as_json: bool) -> int:
    try:
        if as_json:
            click.echo(json_text.render(report), nl=False)
        else:
            screen.terminal.report(report)
    except KeyboardInterrupt as interrupt:
        if report.outcome in _CHANGED:
            raise KeyboardInterrupt(_ONLY_TOLD) from interrupt
        raise
    except OSError as error:
        if report.outcome in _CHANGED:
            raise OSError(error.errno, f"{error.strerror}; {_ONLY_TOLD}") from error
        raise
    return dict(_EXIT).get(report.outcome, 0)


def _screen(run: Run) -> Screen:
    return Screen(_console(quiet=run.as_json), yes=run.yes, quiet=run.as_json)


def _console(*, quiet: bool) -> Output:
    return Output(stderr=quiet, highlight=False)
