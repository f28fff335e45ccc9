"""Is a row below one that is the caller's own looked for below all others as well?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fastwright.model.finding import Caller
from fastwright.model.storage import Table
from fastwright.review.live.canaries import Canary
from fastwright.review.live.credentials import User
from fastwright.review.live.exchange import Stand
from fastwright.review.live.matrix import Grid, cell_of
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.nesting import target_of

_TURNED_AWAY = (401, 403, 404)


def crossed_parent(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Name another user's row below a row of one's own, where its own address is closed.

    That the other user is turned away at the row's own address is what shows that it is not theirs.
    """
    owner, other = stage.user(Caller.OWNER), stage.user(Caller.OTHER_USER)
    if owner is None or other is None:
        return
    for operation, cells in grid.rows.items():
        served, closed = cells.get(Caller.OWNER), cells.get(Caller.OTHER_USER)
        tables = _tables(stage, operation)
        if served is None or closed is None or not served.exchange.worked or stage.is_over:
            continue
        if closed.exchange.status in _TURNED_AWAY:
            for level in range(1, len(tables)):
                found = _crossed(stage, operation, tables, level)
                if found is not None:
                    yield found
                    break


def _tables(stage: Stage, operation: str) -> list[Table]:
    """The tables that the parameters of a path speak of, in order; none where one is not known."""
    method, _, path = operation.partition(" ")
    names = re.findall(r"\{(\w+)(?::\w+)?\}", path) if method != "POST" else []
    found = [stage.table_of(name, path) for name in names]
    known = [table for table in found if table is not None]
    return known if len(known) == len(found) else []


def _crossed(stage: Stage, operation: str, tables: Sequence[Table], level: int) -> Proof | None:
    """What the other user's call proves with rows of their own above `level`, ours below it."""
    upper, lower = tables[level - 1].name, tables[level].name
    found = _row_elsewhere(stage, tables, level)
    if found is None or stage.again(found[0]) is None:  # else who knows whether it is gone
        return None
    row, stands = found
    cell = cell_of(stage, operation, Caller.OTHER_USER, row, stage.user(Caller.OTHER_USER))
    reads = operation.startswith("GET")
    if not reads:  # also where the answer is an error: what was written stays
        cell = replace(cell, after=stage.again(row))
    if not (cell.exchange.worked and cell.heard if reads else cell.altered):
        return None
    verb = "reads" if reads else "deletes" if operation.startswith("DELETE") else "changes"
    seen = f"the row of `{lower}` is the owner's, that of `{upper}` in the path the caller's"
    message = f"`{operation}` {verb} a row of `{lower}` that is below another user's `{upper}`"
    exchange = replace(cell.exchange, stands=stands)
    return Proof("unscoped-child", operation, message, ((exchange, seen),))


def _row_elsewhere(
    stage: Stage, tables: Sequence[Table], level: int
) -> tuple[Canary, tuple[Stand, ...]] | None:
    """A row of the owner's for the end of a path that begins with rows of the other user's.

    Beside it all the rows that it takes: those that it is below, and those that the path names.
    """
    if not any(target_of(column) == tables[level - 1].name for column in tables[level].columns):
        return None
    ours, theirs = (_chain(stage, tables, stage.user(c)) for c in (Caller.OWNER, Caller.OTHER_USER))
    if ours is None or theirs is None or not {t.name for t in tables[level:]} <= ours.keys():
        return None
    above = {t.name: theirs[t.name] for t in tables[:level] if t.name in theirs}
    below = {t.name: ours[t.name] for t in tables[level:-1]}
    row = ours[tables[-1].name]
    named = (Stand(name, one.row, Caller.OTHER_USER) for name, one in theirs.items()
             if name != tables[-1].name)  # fmt: skip
    return replace(row, above={**above, **below}), (*row.stands(), *named)


def _chain(stage: Stage, tables: Sequence[Table], user: User | None) -> dict[str, Canary] | None:
    """A row of each table below that of the one before, all of one user; None if one is refused."""
    people, rows = stage.people.table, dict[str, Canary]()
    for table in tables:
        if people is not None and table.name == people.name:
            continue  # the user, whom no row stands for
        row = stage.canaries.of(table, user, rows)
        if row is None:
            return None
        rows |= {**row.above, table.name: row}
    return rows
