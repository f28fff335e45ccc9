"""Who may call what, as rows of a table that every form of a review shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastwright.model.finding import Caller, EvidenceKind
from fastwright.model.review import Review

MOST = 40
"""Rows that a table of text has at most; a page has them all."""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_RULES = ("missing-owner-filter", "missing-role-guard", "unguarded-route", "unscoped-child")


@dataclass(frozen=True, slots=True)
class Table:
    """The matrix in short: the callers, a row of cells for each operation, and what was left out.

    A cell is a status, with ``!`` where it is proven to be wrong, ``-`` where there was no call.
    """

    callers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    left: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said below the table."""
        cells = [cell for _, row in self.rows for cell in row]
        wrong = "! is proven to be wrong" if any(c.endswith("!") for c in cells) else ""
        none = "- was not called" if "-" in cells else ""
        marks = "; ".join(filter(None, (wrong, none)))
        whole = f"and {self.left} more operations: `--format html` and `--json` have them all"
        return tuple(filter(None, (marks, whole if self.left else "")))


def table(review: Review, most: int = MOST) -> Table:
    """The matrix of a review by path; where there are too many rows, what is wrong stays."""
    outcomes, wrong = cells(review), faults(review)
    faulty = {route for route, _ in wrong}
    chosen = {*sorted(outcomes, key=lambda route: route not in faulty)[:most]}
    callers = callers_of(review)
    rows = tuple(
        (route, tuple(_cell(row.get(c, ""), wrong.get((route, c))) for c in callers))
        for route, row in outcomes.items()
        if route in chosen
    )
    return Table(tuple(callers), rows, len(outcomes) - len(rows))


def cells(review: Review) -> Mapping[str, Mapping[str, str]]:
    """The outcomes by path and method."""
    outcomes = review.matrix.outcomes if review.matrix else {}
    return dict(sorted(outcomes.items(), key=lambda one: _by_path(one[0])))


def callers_of(review: Review) -> list[str]:
    """Those who called anything, in their usual order."""
    rows = cells(review).values()
    return [c.value for c in Caller if any(c.value in row for row in rows)]


def faults(review: Review) -> Mapping[tuple[str, str], str]:
    """The cells that are proven to be wrong, as route and caller, with the status.

    It may be another than the cell's, where another row was named.
    """
    return dict(_faults(review))


def _faults(review: Review) -> Iterator[tuple[tuple[str, str], str]]:
    for one in review.objections:
        shown = [dict(e.values) for e in one.finding.evidence if e.kind is EvidenceKind.HTTP]
        named = re.findall(r"`([A-Z]+ /[^`]*)`", one.finding.message)
        if one.rule in _RULES and shown and named:
            yield (named[0], shown[0].get("caller", "")), shown[0].get("status", "")


def _cell(outcome: str, wrong: str | None) -> str:
    status = re.match(r"\d{3}\b", outcome)
    plain = status[0] if status else "-"
    return f"{wrong or plain}!" if wrong is not None else plain


def _by_path(route: str) -> tuple[str, int]:
    method, _, path = route.partition(" ")
    return path, _METHODS.index(method) if method in _METHODS else len(_METHODS)
