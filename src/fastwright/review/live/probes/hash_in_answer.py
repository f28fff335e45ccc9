"""Does any answer hold the stored hash of a password?"""

from __future__ import annotations

import json
from collections.abc import Iterator

from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage


def hash_in_answer(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Look for the hashes of the users, as they are stored, in every answer of the matrix."""
    column = stage.people.secret_column
    hashes = {u.row.get(column) for u in stage.company.everybody() if column} - {None, ""}
    stored = {text for text in hashes if isinstance(text, str) and len(text) > 16}
    stage.people.notes.hide(*stored)
    for cell in grid.cells():
        text = cell.exchange.text
        found = next((h for h in stored if h in text or json.dumps(h)[1:-1] in text), None)
        if found is None or not cell.exchange.worked:
            continue
        message = f"`{cell.exchange.route}` answers with the stored hash of a password"
        seen = f"`{column}` is in the answer"
        yield Proof("leaked-secret-field", cell.exchange.route, message,
                    ((cell.exchange, seen),), forbidden=f'"{column}"')  # fmt: skip
