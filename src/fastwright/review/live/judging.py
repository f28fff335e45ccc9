"""What the cells of an access matrix prove, where the intent is shown or declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastwright.model.finding import Caller, Finding, Grade
from fastwright.review.guarding import permissions
from fastwright.review.live.matrix import Cell, Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_CHANGES = ("PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one operation on rows of one owned table."""

    operation: str
    owner: Cell
    other: Cell

    @property
    def reads(self) -> bool:
        """It is a reading operation."""
        return self.operation.startswith("GET")

    @property
    def is_list(self) -> bool:
        """It names no row."""
        return "{" not in self.operation

    @property
    def works(self) -> bool:
        """The owner gets what is theirs, so that it says something that another does not."""
        return self._reached(self.owner)

    @property
    def is_open(self) -> bool:
        """Another user gets it too."""
        return self._reached(self.other)

    def _reached(self, cell: Cell) -> bool:
        return cell.exchange.worked and (cell.heard if self.reads else cell.altered)


def judge(stage: Stage, grid: Grid, known: Iterable[Finding]) -> Iterator[Proof]:
    """Everything that the matrix proves; `known` are the findings of the rules."""
    certain = {(f.rule, f.symbol) for f in known if f.grade is not Grade.POSSIBLE}
    for operation, cells in grid.rows.items():
        route = stage.routes.get(operation)
        if route is None or stage.intent.is_public(route):
            continue
        if ("unguarded-route", route.handler) in certain:
            yield from _called(cells.get(Caller.ANONYMOUS), operation, "unguarded-route")
        if ("missing-role-guard", route.handler) in certain:
            lower = cells.get(Caller.LOWER_ROLE) or cells.get(Caller.OTHER_USER)
            yield from _called(lower, operation, "missing-role-guard")
    for table in dict.fromkeys(c.canary.table for c in grid.cells() if c.canary):
        yield from _owned(stage, table, _rows_of(stage, grid, table), certain)


def _called(cell: Cell | None, operation: str, rule: str) -> Iterator[Proof]:
    if cell is not None and cell.exchange.worked:
        message = f"`{operation}` answers {cell.exchange.caller.value} with {cell.exchange.status}"
        yield Proof(rule, operation, message, ((cell.exchange, "is not turned away"),))


def _rows_of(stage: Stage, grid: Grid, table: str) -> tuple[Row, ...]:
    """The operations on rows of a table; where a role is demanded, the other has none of it."""
    found = []
    for operation, cells in grid.rows.items():
        route = stage.routes.get(operation)
        demands = route is not None and permissions(route) and stage.staff
        other = cells.get(Caller.LOWER_ROLE if demands else Caller.OTHER_USER)
        owner = cells.get(Caller.OWNER)
        named = owner is not None and owner.canary is not None and owner.canary.table == table
        if named and owner is not None and other is not None:
            found.append(Row(operation, owner, other))
    return tuple(found)


def _owned(
    stage: Stage, table: str, rows: tuple[Row, ...], certain: set[tuple[str, str]]
) -> Iterator[Proof]:
    """What other users get of the rows of one table."""
    if table in stage.intent.shared:
        rows = tuple(row for row in rows if not row.reads)
    closed = [r for r in rows if r.works and not r.is_open]
    for row in rows:
        route = stage.routes.get(row.operation)
        if route is None or row.is_list or not row.is_open or stage.intent.is_public(route):
            continue
        if not row.reads and not row.operation.startswith(_CHANGES):
            continue
        is_known = ("missing-owner-filter", route.handler) in certain
        is_meant = is_known or table in stage.intent.owned or _is_shown(row, rows, closed)
        if is_meant or not row.reads:
            yield _proof(stage, table, row, closed, is_meant=is_meant)


def _is_shown(row: Row, rows: tuple[Row, ...], closed: list[Row]) -> bool:
    """Whether siblings show that a row is for its owner alone, by what they answered."""
    if row.reads:
        lists = [r for r in rows if r.reads and r.is_list]
        return any(r in closed for r in lists) and not any(r.is_open for r in lists)
    return len(closed) > 1


def _proof(stage: Stage, table: str, row: Row, closed: list[Row], *, is_meant: bool) -> Proof:
    verb = "reads" if row.reads else "deletes" if row.operation.startswith("DELETE") else "changes"
    people = stage.people.table
    whose = "an account" if people and table == people.name else f"a row of `{table}`"
    message = f"`{row.operation}` {verb} {whose} that is another user's"
    if not is_meant:
        message += f": declare `{table}` as `owned` or `shared` in `[tool.fastwright.access]`"
    seen = {
        "reads": "the row of the owner is in the answer",
        "deletes": "the row of the owner is gone",
        "changes": "the row of the owner is not what it was",
    }[verb]
    shown = [(row.other.exchange, seen)]
    shown += [(r.other.exchange, "the same user is turned away here") for r in closed[:2]]
    song = row.other.canary.songs[0] if row.reads and row.other.canary else ""
    return Proof("missing-owner-filter", row.operation, message, tuple(shown),
                 is_meant=is_meant, forbidden=song)  # fmt: skip
