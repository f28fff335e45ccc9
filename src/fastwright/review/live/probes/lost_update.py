"""Does each of many requests at once count?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import Caller, Finding, Grade
from fastwright.model.storage import Column, Table
from fastwright.review.attack import Answer
from fastwright.review.attacks.probes import rows
from fastwright.review.live.canaries import Canary
from fastwright.review.live.credentials import as_stored
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import PATIENCE, Stage

AT_ONCE = 12
"""Requests that are sent at the same moment."""

START = 1000
"""What the column holds at first, so that all of them may be served."""

_ROUTE = re.compile(r"`([A-Z]+ /[^`]*)`")


@dataclass(frozen=True, slots=True)
class _Number:
    """A column of one row, and the operation that counts on from it."""

    operation: str
    table: Table
    column: Column
    key: object
    symbol: str

    @property
    def place(self) -> str:
        """The column that says which row it is."""
        return next((c.name for c in self.table.columns if c.primary_key), "")


def lost_update(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Send what counts on from a row many times at once, and see what the row holds then."""
    del grid
    for finding in stage.known:
        if finding.rule != "lost-update" or finding.grade is Grade.POSSIBLE or stage.is_over:
            continue
        found = _raced(stage, finding)
        if found is not None:
            yield found


def _raced(stage: Stage, finding: Finding) -> Proof | None:
    said = _ROUTE.search(finding.evidence[0].text) if finding.evidence else None
    table, _, name = finding.symbol.rpartition(":")[2].partition(".")
    found = stage.app.table(table)
    column = found.column(name) if found is not None else None
    if said is None or said[1] not in stage.routes or found is None or column is None:
        return None
    row, key = _row(stage, found)
    number = _Number(said[1], found, column, key, finding.symbol)
    return _counted(stage, number, row) if key is not None and _set(stage, number) else None


def _row(stage: Stage, table: Table) -> tuple[Canary | None, object]:
    """A row of the table with its key: the owner's own, where it is that of accounts."""
    owner, people = stage.user(Caller.OWNER), stage.people
    if people.table is not None and table.name == people.table.name:
        return None, as_stored(owner.row.get(people.key or "")) if owner else None
    row = stage.canaries.of(table, owner)
    key = next((c.name for c in table.columns if c.primary_key), "")
    return row, row.row.get(key) if row is not None else None


def _set(stage: Stage, number: _Number) -> bool:
    try:
        changed = stage.people.probe(
            rows, table=number.table.name, key_column=number.place, key=number.key,
            column=number.column.name, value=START,
        )  # fmt: skip
    except FastwrightError:
        return False
    return int(changed) == 1


def _read(stage: Stage, number: _Number) -> float | None:
    told = stage.people.found(number.table.name, number.place, number.key).get(number.column.name)
    try:
        return float(told) if told is not None else None
    except ValueError:
        return None


def _counted(stage: Stage, number: _Number, row: Canary | None) -> Proof | None:
    """By how much one request moves the number, and by how much many at once do."""
    caller = Caller.OWNER if stage.user(Caller.OWNER) else Caller.ANONYMOUS
    request = stage.ready(number.operation, stage.user(caller), row)
    one = stage.send(caller, number.operation, request, row=row.row if row else None)
    before = _read(stage, number)
    step = before - START if before is not None else 0
    if not one.worked or not step or before is None:
        return None
    answers = stage.target.together(
        AT_ONCE, one.method, one.request.path, headers=one.request.headers, body=one.request.body,
        timeout=PATIENCE,
    )  # fmt: skip
    after = _read(stage, number)
    served = [answer for answer in answers if 200 <= answer.status < 300]
    if after is None or len(served) < 2 or abs(after - before) >= abs(step) * len(served):
        return None
    return _proof(number, one, served, (step, after - before))


def _proof(
    number: _Number, one: Exchange, served: list[Answer], moved: tuple[float, float]
) -> Proof:
    step, whole = (f"{by:+g}" for by in moved)
    name = f"{number.table.name}.{number.column.name}"
    last = replace(one, status=served[-1].status, body=served[-1].body)
    shown = (
        (one, f"`{name}` moves by {step}"),
        (
            last,
            f"{len(served)} of {AT_ONCE} at the same moment are served, and it moves by {whole}",
        ),
    )
    message = f"`{number.operation}` loses what others write to `{name}` meanwhile"
    return Proof("lost-update", number.operation, message, shown, subject=number.symbol)
