"""A report or a map for programs."""

from __future__ import annotations

import json
from dataclasses import replace

from fastwright.model import wire
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad, FastwrightError, Refused
from fastwright.model.proof import Report
from fastwright.model.review import Review

FORMAT = 1
"""Grows when a field is renamed or taken away; added fields leave it."""


def render(report: Report | Review) -> str:
    """A report or a review as one JSON document, ending in a newline."""
    return _text({"format": FORMAT, **wire.to_json(report), **_failure(report)})


def render_map(app: AppMap) -> str:
    """`app` as one JSON document; file contents are given by size, not by text."""
    plain = wire.to_json(_without_files(app))
    sizes = {path.as_posix(): len(content) for path, content in app.files.items()}
    return _text({"format": FORMAT, **plain, "files": sizes})


def _without_files(app: AppMap) -> AppMap:

    return replace(app, files={})


def _text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_error(error: FastwrightError, exit_code: int | None = None) -> str:
    """A failure for programs: `error`, always of the same five texts, and the exit code.

    Args:
        error: The failure.
        exit_code: The code that the process ends with, where it is not that of the error's kind.
    """
    told = _told(error.cannot, error.because, error.do)
    if isinstance(error, DoesNotLoad):
        told |= {"missing": error.missing, "traceback": error.traceback}
    code = error.exit_code if exit_code is None else exit_code
    return _text({"format": FORMAT, "error": told, "exit_code": code})


def _failure(report: Report | Review) -> dict[str, object]:
    """The same `error` and code in a report that refuses."""
    if not isinstance(report, Report) or report.refusal is None:
        return {}
    return {"error": _told(*report.refusal), "exit_code": Refused.exit_code}


def _told(cannot: str, because: str, do: str) -> dict[str, str]:
    return {"cannot": cannot, "because": because, "do": do, "missing": "", "traceback": ""}
