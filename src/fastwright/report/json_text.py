"""A report or a map for programs."""

from __future__ import annotations

import json
from dataclasses import replace

from fastwright.model import wire
from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.model.proof import Report
from fastwright.model.review import Review

FORMAT = 1
"""Grows when a field is renamed or taken away; added fields leave it."""


def render(report: Report | Review) -> str:
    """A report or a review as one JSON document, ending in a newline."""
    return _text({"format": FORMAT, **wire.to_json(report)})


def render_map(app: AppMap) -> str:
    """`app` as one JSON document; file contents are given by size, not by text."""
    plain = wire.to_json(_without_files(app))
    sizes = {path.as_posix(): len(content) for path, content in app.files.items()}
    return _text({"format": FORMAT, **plain, "files": sizes})


def _without_files(app: AppMap) -> AppMap:

    return replace(app, files={})


def _text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_error(error: FastwrightError) -> str:
    """A failure for programs: its three parts and the exit code."""
    told = {"cannot": error.cannot, "because": error.because, "do": error.do}
    return _text({"format": FORMAT, "error": told, "exit_code": error.exit_code})
