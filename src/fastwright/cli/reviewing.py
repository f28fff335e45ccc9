"""``review``, ``rules`` and the page of a rule: from options to one call, and its exit code."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fastwright.agent.reviewing import Choices, review
from fastwright.cli.options import Run
from fastwright.cli.screen import Output, Screen
from fastwright.cli.unwritten import is_of_the_device
from fastwright.model.change import Safety
from fastwright.model.errors import DoesNotLoad, UsageError
from fastwright.model.finding import Rule
from fastwright.model.review import Review
from fastwright.review import record
from fastwright.review.rule import every_rule
from fastwright.survey.collecting import without_collector

FINDINGS = 1
_WIDTH = 100
"""Columns of a report that is written to a file."""
BROKEN = 70
"""A rule of ours raised and nothing else failed: the run cannot vouch for the app."""


def choices(given: Mapping[str, Any]) -> Choices:
    """The choices that the options of ``review`` add up to."""
    repair = {"fix": Safety.SAFE, "fix_behaviour": Safety.CHANGES_BEHAVIOUR}
    wanted = [safety for name, safety in repair.items() if given[name]]
    return Choices(
        diff=given["diff"] or "",
        possible=given["possible"],
        select=_words(given["select"]),
        ignore=_words(given["ignore"]),
        fail_on=given["fail_on"] or "",
        baseline=Path(given["baseline"]) if given["baseline"] else None,
        write_baseline=given["write_baseline"],
        live=given["live"] or given["matrix"] or bool(given["write_tests"]),
        write_tests=Path(given["write_tests"]) if given["write_tests"] else None,
        repair=wanted[-1] if wanted else None,
    )


def _words(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for text in given for word in text.split(",") if word)


def run_review(
    run: Run, wanted: Choices, form: str, output: str | None, *, matrix: bool = False
) -> int:
    """Review, and print or write the result in the form asked for, with who may call what."""
    quiet = run.as_json or form != "terminal"
    screen = Screen(Output(stderr=True, highlight=False), yes=run.yes, quiet=quiet)
    reads_once = not wanted.live and wanted.repair is None
    with without_collector() if reads_once else contextlib.nullcontext():
        found = review(run.start, screen, run.wishes, wanted)
        return tell(found, "json" if run.as_json else form, output, matrix=matrix)


def tell(found: Review, form: str, output: str | None, *, matrix: bool = False) -> int:
    """Print the review in `form`, or write it to the file `output`; the exit code that it has."""
    text = _rendered(found, form)
    if output is not None:
        _write(output, text or _plain(found, matrix=matrix))
    elif text:
        click.echo(text, nl=False)
    if text == "" or output is not None:
        from fastwright.report.review_terminal import show  # noqa: PLC0415

        console = Output(highlight=False, stderr=output is not None)
        show(found, console, matrix=matrix)
    if not found.loads:
        return DoesNotLoad.exit_code
    return FINDINGS if found.failing else BROKEN if found.faults else 0


def _plain(found: Review, *, matrix: bool) -> str:
    """What the terminal is told, as text for a file."""
    from fastwright.report.review_terminal import show  # noqa: PLC0415

    told = io.StringIO()
    show(found, Output(file=told, highlight=False, width=_WIDTH), matrix=matrix)
    return told.getvalue()


def _write(output: str, text: str) -> None:
    try:
        Path(output).write_text(text, "utf-8")
    except OSError as error:
        if is_of_the_device(error):
            raise OSError(error.errno, error.strerror, output) from error
        raise UsageError(f"cannot write `{output}`", error.strerror or str(error)) from error


def _rendered(found: Review, form: str) -> str:
    """The text of a form; empty for the terminal, which is printed as it is made."""
    from importlib import import_module  # noqa: PLC0415 - one form a run is loaded

    modules = {
        "json": "json_text",
        "sarif": "sarif",
        "html": "review_html",
        "markdown": "review_markdown",
        "github": "github",
    }
    if form not in modules:
        return ""
    return str(import_module(f"fastwright.report.{modules[form]}").render(found))


def show_rules(*, as_json: bool) -> int:
    """Print every rule with its code and first sentence."""
    rules = every_rule().values()
    if as_json:
        import json  # noqa: PLC0415

        click.echo(json.dumps([described(rule) for rule in rules], indent=2))
        return 0
    width = max((len(rule.name) for rule in rules), default=0)
    for rule in rules:
        summary = rule.doc.partition("\n")[0]
        asked = "" if record.of(rule.name).is_trusted else " (on request)"
        click.echo(f"{rule.code}  {rule.severity.value:6}  {rule.name:{width}}  {summary}{asked}")
    return 0


def described(rule: Rule) -> dict[str, str | int | bool]:
    """What programs are told of one rule."""
    kept = record.of(rule.name)
    return {
        "code": rule.code,
        "name": rule.name,
        "area": rule.area,
        "severity": rule.severity.value,
        "since": rule.since,
        "summary": rule.doc.partition("\n")[0],
        "right": kept.right,
        "read": kept.read,
        "on_request": not kept.is_trusted,
    }


def show_rule(rule: Rule) -> None:
    """Print one rule's page."""
    click.echo(f"{rule.code} {rule.name} ({rule.area}, {rule.severity.value})\n\n{rule.doc}")
    kept = record.of(rule.name)
    if kept.read:
        click.echo(
            f"\n## Record\nOf its latest findings on apps that it had not seen, {kept} were right."
        )
    if not kept.is_trusted:
        click.echo(f"So it is told on request: `--possible` or `--select {rule.code}`.")
