"""Does any answer hold the stored hash of a password?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_LONG = 17
"""Characters of the shortest text that is taken for a hash."""


def hash_in_answer(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Look for the hashes of the users, as they are stored, in every answer of the matrix.

    An account that an answer was the first to tell of is known by the column's own name.
    """
    column = stage.people.secret_column
    if not column:
        return
    hashes = {user.row.get(column) for user in stage.company.everybody()}
    stored = {text for text in hashes if text and len(text) >= _LONG}
    named = re.compile(rf'"{re.escape(column)}"\s*:\s*"([^"]{{{_LONG},}})"')
    for cell in grid.cells():
        text = cell.exchange.text
        shown = [h for h in stored if h in text or json.dumps(h)[1:-1] in text]
        shown += named.findall(text)
        stage.people.notes.hide(*shown)
        if not shown or not cell.exchange.worked:
            continue
        message = f"`{cell.exchange.route}` answers with the stored hash of a password"
        seen = f"`{column}` is in the answer"
        yield Proof("leaked-secret-field", cell.exchange.route, message,
                    ((cell.exchange, seen),), forbidden=f'"{column}"')  # fmt: skip
