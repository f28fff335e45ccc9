"""What is kept of a run: plan, report in three forms and the patch, redacted, in its own folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastwright.model import wire
from fastwright.model.proof import Report
from fastwright.report import html, json_text, markdown
from fastwright.workspace import runs
from fastwright.workspace.project import Project
from fastwright.workspace.redact import MASK, redact


def keep(project: Project, report: Report, at: datetime, secrets: Iterable[str] = ()) -> Report:
    """Write the folder of this run; returns the report with its name, free of secrets.

    Args:
        project: Whose run it was.
        report: What is to be said of it.
        at: When it began.
        secrets: Values that may stand nowhere in it.

    Raises:
        Refused: The system does not let us write.
    """
    run = runs.start(project, at)
    told = without_secrets(replace(report, run=run.id), secrets)
    run.write("plan.json", json.dumps(wire.to_json(told.plan), indent=2, ensure_ascii=False))
    run.write("report.json", json_text.render(told))
    run.write("report.md", markdown.render(told))
    run.write("report.html", html.render(told))
    run.write("change.patch", "".join(diff.diff for diff in told.diffs))
    return told


def without_secrets(report: Report, secrets: Iterable[str] = ()) -> Report:
    """`report` with every string redacted, and without the text of files marked secret."""
    return wire.from_json(Report, _clean(wire.to_json(report), tuple(secrets)))


def _clean(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, list):
        return [_clean(item, secrets) for item in value]
    if isinstance(value, dict):
        hidden = {"text": MASK} if value.get("secret") is True else {}
        return {name: _clean(item, secrets) for name, item in (value | hidden).items()}
    return value
