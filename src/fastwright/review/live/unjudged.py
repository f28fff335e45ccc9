"""Operations of which the matrix says nothing, because their owner was not served either."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.finding import Caller
from fastwright.review.live.matrix import Grid
from fastwright.review.live.reasons import reason
from fastwright.review.live.stage import Stage

_NAMED = 3


def unjudged(stage: Stage, grid: Grid) -> Iterator[str]:
    """A note for each reason why owners were not served, with the operations that it is of."""
    found: dict[str, list[tuple[str, str]]] = {}
    for operation, cells in grid.rows.items():
        cell = cells.get(Caller.OWNER)
        if cell is not None and cell.exchange.status >= 400:
            why = stage.people.notes.mask(reason(cell.exchange, stage.app))
            told, _, place = why.partition(" (")
            found.setdefault(told, []).append((operation, f" ({place}" if place else ""))
    for told, operations in found.items():
        named = ", ".join(f"`{one}`" for one, _ in operations[:_NAMED])
        more = len(operations) - _NAMED
        all_ = f"{named} and {more} more" if more > 0 else named
        place = operations[0][1]
        yield f"only who is turned away is known of {all_}: the owner is answered {told}{place}"
