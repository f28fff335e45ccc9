"""Does a name that climbs out of its folder reach a file?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.finding import Caller
from fastwright.review.attacks.probes import planting
from fastwright.review.live.baits import baited
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_NAMES = re.compile(
    r"file|path|name|doc(ument)?|template|page|report|image|asset|key|folder|dir|log|backup",
    re.IGNORECASE,
)
_SONG = "fastwright-canary-that-no-route-may-show"


def climbing_path(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Ask for a file in the temporary folder, by climbing there and by its absolute path."""
    del grid
    place = str(stage.people.probe(planting, name="fw-canary.txt", text=_SONG))
    for operation in stage.routes:
        if stage.is_over:
            return
        if operation.startswith("GET"):
            yield from _tried(stage, operation, place)


def _tried(stage: Stage, operation: str, place: str) -> Iterator[Proof]:
    for value in ("../" * 12 + place.lstrip("/"), place):
        for name, request in baited(stage, operation, value, lambda n: bool(_NAMES.search(n))):
            exchange = stage.send(Caller.OWNER, operation, request)
            if _SONG in exchange.text:
                message = f"`{operation}` shows any file that `{name}` names"
                seen = "a file outside of every folder that the app serves is in the answer"
                yield Proof("path-from-client", operation, message, ((exchange, seen),),
                            forbidden=_SONG)  # fmt: skip
                return
