"""Does an upload land wherever its name says?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.finding import Caller
from fastwright.review import multipart
from fastwright.review.attacks.probes import finding
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready


def climbing_upload(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Upload files whose names lead into the temporary folder, and look whether they came there.

    By climbing out of the folder that they are put into, and by an absolute path.
    """
    del grid
    outside = ""
    for operation in stage.routes:
        if stage.is_over:
            return
        request = stage.ready(operation, stage.user(Caller.OWNER, operation))
        if dict(request.headers).get("content-type") != multipart.CONTENT_TYPE:
            continue
        outside = outside or str(stage.people.probe(finding, name="", folder=True))
        found = _tried(stage, operation, request, outside)
        if found is not None:
            yield found


def _tried(stage: Stage, operation: str, request: Ready, outside: str) -> Proof | None:
    parts = multipart.parts_of(request.body)
    for number, part in enumerate(parts):
        for lead in ("../" * 12, "/") if part.filename is not None else ():
            _, dot, ending = (part.filename or "").rpartition(".")
            place = f"{outside}/{stage.text()}{dot}{ending}"
            other = replace(part, filename=f"{lead}{place.lstrip('/')}")
            body = multipart.encoded((*parts[:number], other, *parts[number + 1 :]))
            exchange = stage.send(Caller.OWNER, operation, replace(request, body=body))
            if stage.people.probe(finding, name=place):
                message = f"`{operation}` writes a file wherever the name of `{part.name}` says"
                seen = f"`{place}`, outside of every folder that the app keeps, is there afterwards"
                return Proof("path-from-client", operation, message, ((exchange, seen),))
    return None
