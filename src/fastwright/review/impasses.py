"""What the functions of routes come to and cannot get past, told once for each mistake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Function, Mistake
from fastwright.model.finding import Evidence, EvidenceKind, Finding
from fastwright.model.places import Span
from fastwright.review.failing import mistakes
from fastwright.review.raising import catching
from fastwright.review.reach import reach


def impassable(app: AppMap, told: Collection[Span]) -> Iterator[Finding]:
    """A finding for each mistake in what runs for routes, those at the places `told` aside.

    All that a function reads of one model, and that this does not have, is one mistake.
    """
    found: dict[str, list[tuple[Mistake, Function, Route]]] = defaultdict(list)
    for ran in reach(app).ran():
        for mistake in mistakes(app).get(ran.function.span, ()):
            what = f"{ran.function.name} {mistake.owner}" if mistake.owner else mistake.why
            found[what].append((mistake, ran.function, ran.route))
    for rows in found.values():
        left = sorted((row for row in rows if row[0].at not in told), key=lambda row: row[0].at)
        is_told = bool(rows[0][0].owner) and len(left) < len(rows)
        if left and not is_told:
            yield _finding(app, left)


def _finding(app: AppMap, rows: Sequence[tuple[Mistake, Function, Route]]) -> Finding:
    (mistake, function, route), *others = rows
    written = app.text(mistake.at)
    tried = catching(function, mistake.at.start, mistake.error)
    swallowed = f", which `{_net(function, tried.group)}` hides" if tried is not None else ""
    return Finding(
        "failing-route",
        mistake.at,
        f"`{route}` fails wherever it comes to `{written}`: "
        f"that raises `{mistake.error}`{swallowed}",
        evidence=(Evidence(EvidenceKind.SOURCE, mistake.why),),
        related=tuple(other.at for other, _, _ in others),
        fixes=_meant([row[0] for row in rows]),
        symbol=function.name,
        structural=True,
    )


def _net(function: Function, group: int) -> str:
    caught = [b for b in function.blocks if b.group == group and b.kind == "except"]
    return f"except {caught[-1].words}".partition(" as ")[0].strip()


def _meant(rows: Sequence[Mistake]) -> tuple[Fix, ...]:
    meant = [row for row in rows if row.instead]
    if len(meant) < len(rows):
        return ()
    edits = tuple(Edit(row.at, row.instead, row.why) for row in meant)
    return (Fix(f"Read `{meant[0].instead}`", Safety.CHANGES_BEHAVIOUR, edits),)
