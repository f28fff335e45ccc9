"""A report as one self-contained HTML page: no script from elsewhere, no font, no picture."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from fastwright.model.proof import FileDiff, Report
from fastwright.report import tuning, words


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a unified diff; `kind` is ``add``, ``cut``, ``place`` or ``same``."""

    kind: str
    text: str


def render(report: Report) -> str:
    """The whole page. Works offline, in light and in dark, and when printed."""
    return pages().get_template("page.html.j2").render(report=report, words=words, tuning=tuning)


@functools.cache
def pages() -> Environment:
    """The templates of this package, with the filters that they share."""
    pages = Environment(
        loader=PackageLoader("fastwright.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["lines"] = diff_lines
    pages.filters["share"] = share
    pages.filters["prose"] = prose
    return pages


def diff_lines(diff: FileDiff) -> Iterator[DiffLine]:
    """The lines of a diff without its file headings, each with its kind."""
    for line in diff.diff.splitlines():
        if line.startswith(("--- ", "+++ ")):
            continue
        kinds = {"+": "add", "-": "cut", "@": "place"}
        yield DiffLine(kinds.get(line[:1], "same"), line)


def share(seconds: float, report: Report) -> str:
    """A phase's part of the whole time, in percent with one digit."""
    total = sum(spent for _, spent in report.timings) or 1.0
    return f"{100 * seconds / total:.1f}"


def prose(text: str) -> Markup:
    """`text` escaped, with what stands in backticks as code."""
    marked = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(marked)  # noqa: S704 - escaped a line above
