"""May a page of any other site call the app with its visitor's cookies?"""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.finding import Caller
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

ORIGINS = ("https://fastwright.invalid", "https://localhost.fastwright.invalid", "null")


def foreign_origin(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Call one operation from foreign origins, and look at what the browser is told."""
    del grid
    operation = next((o for o in stage.routes if o.startswith("GET") and "{" not in o), None)
    if operation is None:
        return
    request = stage.ready(operation, stage.user(Caller.OWNER))
    for origin in ORIGINS:
        exchange = stage.send(Caller.ANONYMOUS, operation, request, headers=(("origin", origin),))
        told = dict(exchange.headers)
        allowed = told.get("access-control-allow-origin") == origin
        if allowed and told.get("access-control-allow-credentials") == "true":
            message = "pages of any origin may call the app with the cookies of their visitor"
            seen = f"`{origin}` is allowed, with credentials"
            yield Proof("credentials-for-any-origin", operation, message, ((exchange, seen),))
            return
