"""A review as one self-contained HTML page: route map, access matrix, findings by area."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.finding import Caller, EvidenceKind, Grade
from fastwright.model.review import Review
from fastwright.report import review_words as words
from fastwright.report.html import pages

_WIDTHS = (("2", "let-in"), ("3", "let-in"), ("401", "turned-away"), ("403", "turned-away"),
           ("404", "hidden-row"), ("5", "broken"))  # fmt: skip

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ACCESS = ("missing-owner-filter", "missing-role-guard", "unguarded-route", "unscoped-child")


def render(review: Review) -> str:
    """The whole page. Works offline, in light and in dark, and when printed."""
    environment = pages()
    environment.filters["outcome"] = outcome
    outcomes = review.matrix.outcomes if review.matrix else {}
    rows = outcomes.values()
    told = {one.code for one in review.objections}
    return environment.get_template("review.html.j2").render(
        review=review,
        words=words,
        grades=[grade.value for grade in Grade],
        counted=list(_counted(review)),
        by_area=list(words.by_area(review)),
        callers=[c.value for c in Caller if any(c.value in row for row in rows)],
        outcomes=sorted(outcomes.items(), key=lambda one: _by_path(one[0])),
        faults=dict(_faults(review)),
        pages={c.code: c.doc.partition("\n\n")[2] for c in review.cards if c.code in told},
    )


def _counted(review: Review) -> Iterator[tuple[str, list[int]]]:
    """Of each area how many objections there are of each grade."""
    for area, _ in words.by_area(review):
        own = [one.grade for one in review.objections if one.area == area]
        yield area, [own.count(grade) for grade in Grade]


def _by_path(route: str) -> tuple[str, int]:
    method, _, path = route.partition(" ")
    return path, _METHODS.index(method) if method in _METHODS else len(_METHODS)


def _faults(review: Review) -> Iterator[tuple[tuple[str, str], str]]:
    """The cells of the matrix that are proven to be wrong, as route and caller, with the status.

    It may be another than the cell's, where another row was named.
    """
    for one in review.objections:
        shown = [dict(e.values) for e in one.finding.evidence if e.kind is EvidenceKind.HTTP]
        named = re.findall(r"`([A-Z]+ /[^`]*)`", one.finding.message)
        if one.rule in _ACCESS and shown and named:
            yield (named[0], shown[0].get("caller", "")), shown[0].get("status", "")


def outcome(cell: str) -> str:
    """The style of what one caller was answered."""
    return next((style for start, style in _WIDTHS if cell.startswith(start)), "")
