"""A review as one self-contained HTML page: route map, access matrix, findings by area."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.finding import Grade
from fastwright.model.review import Review
from fastwright.report import access
from fastwright.report import review_words as words
from fastwright.report.html import pages

_WIDTHS = (("2", "let-in"), ("3", "let-in"), ("401", "turned-away"), ("403", "turned-away"),
           ("404", "hidden-row"), ("5", "broken"))  # fmt: skip


def render(review: Review) -> str:
    """The whole page. Works offline, in light and in dark, and when printed."""
    environment = pages()
    environment.filters["outcome"] = outcome
    told = {one.code for one in review.objections}
    return environment.get_template("review.html.j2").render(
        review=review,
        words=words,
        grades=[grade.value for grade in Grade],
        counted=list(_counted(review)),
        by_area=list(words.by_area(review)),
        callers=access.callers_of(review),
        outcomes=list(access.cells(review).items()),
        faults=access.faults(review),
        pages={c.code: c.doc.partition("\n\n")[2] for c in review.cards if c.code in told},
    )


def _counted(review: Review) -> Iterator[tuple[str, list[int]]]:
    """Of each area how many objections there are of each grade."""
    for area, _ in words.by_area(review):
        own = [one.grade for one in review.objections if one.area == area]
        yield area, [own.count(grade) for grade in Grade]


def outcome(cell: str) -> str:
    """The style of what one caller was answered."""
    return next((style for start, style in _WIDTHS if cell.startswith(start)), "")
