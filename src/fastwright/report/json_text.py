"""A report or a map for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from fastwright.model import wire
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad, FastwrightError, Refused
from fastwright.model.proof import Report
from fastwright.model.review import Review

FORMAT = 1
"""Grows when a field is renamed or taken away; added fields leave it."""


def render(report: Report | Review) -> str:
    """A report or a review as one JSON document, ending in a newline."""
    return _text({"format": FORMAT, **wire.to_json(report), **_graded(report), **_failure(report)})


def _graded(report: Report | Review) -> dict[str, object]:
    """The objections of a review with the grade of each, which follows from its evidence."""
    if not isinstance(report, Review):
        return {}
    told = [{**wire.to_json(one), "grade": one.grade.value} for one in report.objections]
    return {"objections": told}


def render_map(app: AppMap) -> Iterator[str]:
    """`app` as one JSON document, in parts; file contents are given by size, not by text.

    The whole of a large project would take a gigabyte: no more than one element is held at once.
    """
    yield f'{{\n  "format": {FORMAT}'
    for name, value in wire.told(app):
        yield f',\n  "{name}": '
        if name == "files":
            sizes = {path.as_posix(): len(content) for path, content in app.files.items()}
            yield _inner(sizes, 2)
        elif isinstance(value, Sequence) and not isinstance(value, str) and value:
            yield from _elements(value)
        else:
            yield _inner(wire.to_json(value), 2)
    yield "\n}\n"


def _elements(values: Sequence[object]) -> Iterator[str]:
    for place, value in enumerate(values):
        yield ("," if place else "[") + "\n    "
        yield _inner(wire.to_json(value), 4)
    yield "\n  ]"


def _inner(document: object, indent: int) -> str:
    """A part of a document, as it stands `indent` columns deep in the whole."""
    written = json.dumps(document, indent=2, ensure_ascii=False)
    return written.replace("\n", "\n" + " " * indent)


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
