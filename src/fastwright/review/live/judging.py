"""What the cells of an access matrix prove, where the intent is shown or declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.finding import Caller, Finding, Grade
from fastwright.review.guarding import permissions
from fastwright.review.live.matrix import Cell, Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_CHANGES = ("PUT", "PATCH", "DELETE")
SEEN = MappingProxyType({
    "reads": "the row of the owner is in the answer",
    "deletes": "the row of the owner is gone",
    "changes": "the row of the owner is not what it was",
})  # fmt: skip


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
        if cell.canary is None:  # an owner who was called on by their own account
            return cell.exchange.worked
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


def closed_tables(stage: Stage, grid: Grid) -> frozenset[str]:
    """The tables of which another user is shown no row of the owner's, wherever it was asked."""
    found = set()
    for table in {c.canary.table for c in grid.cells() if c.canary} - {*stage.intent.shared}:
        reading = [row for row in _rows_of(stage, grid, table) if row.reads and row.works]
        if table in stage.intent.owned or (reading and not any(row.is_open for row in reading)):
            found.add(table)
    people = stage.people.table
    return frozenset(found - {people.name if people else ""})


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
        named = other is not None and other.canary is not None and other.canary.table == table
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
    asked: list[Row] = []
    for row in filter(lambda r: _is_at_stake(stage, r), rows):
        is_known = ("missing-owner-filter", stage.routes[row.operation].handler) in certain
        if is_known or table in stage.intent.owned or _is_shown(row, rows, closed):
            yield _proof(stage, table, row, closed)
        elif not row.reads:
            asked.append(row)
    if asked:
        yield _question(stage, table, asked)


def _is_at_stake(stage: Stage, row: Row) -> bool:
    """Whether another user got one row that is not theirs, or changed it."""
    route = stage.routes.get(row.operation)
    if route is None or row.is_list or not row.is_open or stage.intent.is_public(route):
        return False
    return row.reads or row.operation.startswith(_CHANGES)


def _is_shown(row: Row, rows: tuple[Row, ...], closed: list[Row]) -> bool:
    """Whether siblings show that a row is for its owner alone, by what they answered.

    Rows that are listed for their owner alone are for nobody else to read, nor to change at their
    own address; whoever may not change a row there was not meant to delete it.
    """
    lists = [r for r in rows if r.reads and r.is_list]
    if any(r in closed for r in lists) and not any(r.is_open for r in lists):
        return row.reads or row.operation.rstrip("/").endswith("}")
    return not row.reads and (len(closed) > 1 or bool(_at_its_address(row, closed)))


def _at_its_address(row: Row, closed: list[Row]) -> list[Row]:
    """The operations that change the row where a `DELETE` deletes it, and are closed."""
    method, _, path = row.operation.partition(" ")
    changing = {f"PUT {path}", f"PATCH {path}"} if method == "DELETE" else set()
    return [r for r in closed if r.operation in changing]


def _question(stage: Stage, table: str, rows: list[Row]) -> Proof:
    """What the person has to say of a table whose rows others may change, as far as is seen."""
    named = " and ".join(f"`{row.operation}`" for row in rows)
    verb = "change" if len(rows) > 1 else _verb(rows[0])
    message = (
        f"{named} {verb} {_thing(stage, table)} that is another user's: declare `{table}` as "
        "`owned`, or the operation as `public`, in `[tool.fastwright.access]`"
    )
    shown = tuple((row.other.exchange, SEEN[_verb(row)]) for row in rows)
    beside = tuple(row.operation for row in rows[1:])
    return Proof("missing-owner-filter", rows[0].operation, message, shown, is_meant=False,
                 beside=beside)  # fmt: skip


def _verb(row: Row) -> str:
    return "reads" if row.reads else "deletes" if row.operation.startswith("DELETE") else "changes"


def _thing(stage: Stage, table: str) -> str:
    people = stage.people.table
    return "an account" if people and table == people.name else f"a row of `{table}`"


def _proof(stage: Stage, table: str, row: Row, closed: list[Row]) -> Proof:
    verb = _verb(row)
    message = f"`{row.operation}` {verb} {_thing(stage, table)} that is another user's"
    shown = [(row.other.exchange, SEEN[verb])]
    shown += [(r.other.exchange, _closed_to(r)) for r in closed[:2]]
    song = row.other.canary.songs[0] if row.reads and row.other.canary else ""
    return Proof(_rule(stage, row, closed), row.operation, message, tuple(shown), forbidden=song)


def _closed_to(row: Row) -> str:
    """What another user meets where the app does ask whose a row is."""
    if row.other.exchange.worked:
        return "the row is not in what the same user is shown here"
    return "the same user is turned away here"


def _rule(stage: Stage, row: Row, closed: list[Row]) -> str:
    """A role is missing, and no owner, where what changes the row at its address demands one."""
    beside = (stage.routes.get(r.operation) for r in _at_its_address(row, closed))
    demanded = any(route is not None and permissions(route) for route in beside)
    own = permissions(stage.routes[row.operation])
    return "missing-role-guard" if demanded and not own else "missing-owner-filter"
