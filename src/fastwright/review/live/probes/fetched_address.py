"""Does the app fetch from an address that the client names?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.finding import Caller
from fastwright.review.attacks.probes import listening
from fastwright.review.live.baits import baited
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_NAMES = re.compile(
    r"ur[li]|link|href|host|callback|web_?hook|image|avatar|picture|src|source|target|feed|endpoint"
    r"|address|domain|site|remote|proxy",
    re.IGNORECASE,
)


def fetched_address(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Name a server on loopback that counts its visitors wherever an address is asked for."""
    del grid
    port = stage.people.probe(listening, action="start")
    try:
        for operation in stage.routes:
            if stage.is_over:
                return
            yield from _tried(stage, operation, f"http://127.0.0.1:{port}/fw")
    finally:
        stage.people.probe(listening, action="stop")


def _tried(stage: Stage, operation: str, address: str) -> Iterator[Proof]:
    for name, request in baited(stage, operation, address, lambda n: bool(_NAMES.search(n))):
        before = stage.people.probe(listening, action="hits")
        exchange = stage.send(Caller.OWNER, operation, request)
        if stage.people.probe(listening, action="hits") > before:
            message = f"`{operation}` fetches whatever address `{name}` holds"
            seen = "a server on loopback, inside the app's own network, was called"
            yield Proof("outbound-url-from-client", operation, message, ((exchange, seen),))
            return
