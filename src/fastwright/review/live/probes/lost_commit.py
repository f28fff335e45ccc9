"""Is somebody told of a success that is decided only after the answer?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import Caller
from fastwright.review.attacks.probes import committing
from fastwright.review.live.canaries import Canary
from fastwright.review.live.created import created
from fastwright.review.live.exchange import UNCOMMITTED, Exchange
from fastwright.review.live.matrix import Cell, Grid, alters, canary_for, leaves
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.live.variations import fresh
from fastwright.review.requests import Ready

_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_LATER = 202
"""The one success that promises nothing."""

_HABIT = 3
"""From this many operations on, it is a habit of the app."""


def lost_commit(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Call what writes while every commit fails, as when the database is lost at that moment.

    A proof is a success that was answered before the commit was tried, whose rows are not in the
    table then, and are there after the same request with a commit that does not fail.
    """
    try:
        if not stage.people.probe(committing, action="start"):
            return
    except FastwrightError as error:
        stage.not_tried[f"a commit that fails: {error.because.splitlines()[0]}"] = None
        return
    found: list[Proof] = []
    try:
        for operation, cell in _writing(stage, grid):
            if stage.is_over:
                stage.not_tried["a commit that fails, of every operation: the time was up"] = None
                break
            found += _tried(stage, operation, cell)
    finally:
        stage.people.probe(committing, action="stop")
    yield from _folded(found)


def _writing(stage: Stage, grid: Grid) -> Iterator[tuple[str, Cell]]:
    for operation, cells in grid.rows.items():
        cell = cells.get(Caller.OWNER) or cells.get(Caller.ANONYMOUS)
        is_meant = operation.startswith(_WRITES) and operation in stage.routes
        is_left = leaves(operation) or operation == stage.people.login
        if cell is not None and is_meant and cell.exchange.worked and not is_left:
            yield operation, cell


def _tried(stage: Stage, operation: str, cell: Cell) -> Iterator[Proof]:
    owner = stage.user(Caller.OWNER, operation)
    canary = _row(stage, operation, cell)
    request = stage.ready(operation, owner, canary, full=operation.startswith(("PUT", "PATCH")))
    row = canary.row if canary is not None else None
    first, seen = _sent(stage, operation, request, "fail", row)
    if not _is_hasty(first) or not any(seen["commits"]) or not seen["tables"]:
        return
    before = stage.people.probe(committing, action="contents")
    failed, _ = _sent(stage, operation, fresh(stage, request), "fail", row)
    between = stage.people.probe(committing, action="contents")
    control, _ = _sent(stage, operation, fresh(stage, request), "let", row)
    after = stage.people.probe(committing, action="contents")
    lost = [t for t in map(_plain, seen["tables"]) if before.get(t) == between.get(t)]
    kept = [t for t in lost if after.get(t) != between.get(t)]
    if _is_hasty(failed) and control.worked and kept:
        yield _proof(operation, failed, control, kept)
    else:
        note = "the commit comes after the answer, but was not seen to lose a row"
        stage.not_tried[f"`{operation}`: {note}"] = None
    if alters(operation):
        stage.renew()


def _row(stage: Stage, operation: str, cell: Cell) -> Canary | None:
    """A new row for an operation that names one: that of the matrix may be gone."""
    if cell.canary is not None and not cell.canary.fills:
        return canary_for(stage, operation)
    return created(stage, operation) if "{" in operation else None


def _sent(
    stage: Stage, operation: str, request: Ready, action: str, row: Mapping[str, Any] | None
) -> tuple[Exchange, dict[str, Any]]:
    """One call with commits that fail or hold; afterwards they hold again."""
    stage.people.probe(committing, action=action)
    staging = UNCOMMITTED if action == "fail" else ""
    exchange = stage.send(Caller.OWNER, operation, request, row=row, staging=staging)
    seen = stage.people.probe(committing, action="seen")
    stage.people.probe(committing, action="let")
    return exchange, seen


def _is_hasty(exchange: Exchange) -> bool:
    return exchange.worked and exchange.status != _LATER


def _plain(table: str) -> str:
    return table.rpartition(".")[2]


def _proof(operation: str, failed: Exchange, control: Exchange, kept: list[str]) -> Proof:
    table = kept[0]
    shown = (
        (failed, f"its commit fails after the answer, and `{table}` is what it was"),
        (control, f"the same with a commit that holds is in `{table}`"),
    )
    told = f"`{operation}` answers {failed.status} before its commit"
    message = f"{told}: `{table}` may never hold what it says"
    return Proof("late-commit", operation, message, shown)


def _folded(found: list[Proof]) -> Iterator[Proof]:
    """One of many: what commits late is one dependency, in most apps."""
    if len(found) < _HABIT:
        yield from found
        return
    first, others = found[0], found[1:]
    verb = f"` and {len(others)} more answer before their commit: "
    message = first.message.partition("` answers")[0] + verb + "what they say may never be there"
    yield replace(first, message=message, beside=tuple(proof.operation for proof in others))
