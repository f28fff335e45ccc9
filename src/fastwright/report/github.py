"""A review as workflow commands, which GitHub shows as annotations beside the lines."""

from __future__ import annotations

from fastwright.model.finding import Severity
from fastwright.model.review import Objection, Review
from fastwright.report import review_words as words

_LEVELS = ((Severity.HIGH, "error"), (Severity.MEDIUM, "warning"), (Severity.LOW, "notice"))


def render(review: Review) -> str:
    """One ``::error`` line an objection, and a last line for people."""
    lines = [_command(one) for one in review.objections]
    lines += [
        f"::warning title=fastwright::{_text(f'rule {f.rule} did not run: {f.because}')}"
        for f in review.faults
    ]
    return "\n".join((*lines, f"{words.headline(review)}  {words.figures(review)}")) + "\n"


def _command(one: Objection) -> str:
    fields = {
        "file": one.path,
        "line": one.at.line,
        "endLine": one.end.line,
        "title": f"{one.code} {one.rule}",
    }
    told = ",".join(f"{name}={_property(str(value))}" for name, value in fields.items())
    evidence = [e.text for e in one.finding.evidence[:1]]
    message = "\n".join((one.finding.message, *evidence, f"fastwright explain {one.code}"))
    return f"::{dict(_LEVELS)[one.severity]} {told}::{_text(message)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
