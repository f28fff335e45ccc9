"""Bodies in another shape, where an app refuses the one that its contract asks for.

Contracts tell which fields there are, and not what a validator demands beside: one of two fields,
a host that is known, a word of a few. What the refusal says is tried, then what is optional is left
out or sent alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fastwright.review.live.exchange import Exchange
from fastwright.review.multipart import CONTENT_TYPE, TEXT, UPLOADS, Upload, parts_of

if TYPE_CHECKING:
    from fastwright.review.live.stage import Stage

Place = tuple[str, ...]
"""The names that lead to a field of a body."""

REFUSED = (400, 415, 422)
_OFFERED = re.compile(r"(?:either|one of|be in|expected)\b:?\s+(.+)", re.IGNORECASE)
_JOINING = frozenset({"or", "and", "a", "an", "the", "of"})
_MOST = 6
TRIES = 12
"""Shapes that are tried of one operation."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the body of one operation is made.

    Attributes:
        full: With what is optional.
        without: Fields that are left out.
        values: What single fields hold.
        upload: What files hold.
    """

    full: bool
    without: frozenset[Place] = frozenset()
    values: Mapping[Place, str] = field(default_factory=dict)
    upload: Upload = TEXT

    @property
    def is_special(self) -> bool:
        """Whether it says more than how much is sent."""
        return bool(self.without or self.values)

    def applied(self, body: bytes) -> bytes:
        """A body in this shape; as it is where it is no JSON."""
        try:
            whole = json.loads(body) if body else None
        except ValueError:
            return body
        return json.dumps(self._shaped(whole, ())).encode() if whole is not None else body

    def _shaped(self, value: Any, at: Place) -> Any:
        if at in self.values:
            return self.values[at]
        if not isinstance(value, dict):
            return value
        kept = {k: v for k, v in value.items() if (*at, k) not in self.without}
        return {k: self._shaped(v, (*at, k)) for k, v in kept.items()}


def shapes(stage: Stage, operation: str, refused: Exchange, base: Shape) -> Iterator[Shape]:
    """Other shapes for an operation that refused `base`, the likeliest first."""
    if _has_files(refused):
        yield from (replace(base, upload=one) for one in UPLOADS if one != base.upload)
        return
    optional = _optional(stage, operation)
    blamed = dict(places_blamed(refused))
    spared = optional & blamed.keys()
    if base.full and spared:
        yield replace(base, without=base.without | spared)
    for place, message in list(blamed.items())[:_MOST]:
        for word in _words(message)[:_MOST]:
            yield replace(base, values={**base.values, place: word})
    if optional and not base.without:
        yield replace(base, full=not base.full)
    for place in sorted(optional)[:_MOST]:
        yield replace(base, full=True, without=frozenset(optional - {place}))


def _has_files(exchange: Exchange) -> bool:
    kind = dict(exchange.request.headers).get("content-type", "")
    return kind == CONTENT_TYPE and any(
        part.filename is not None for part in parts_of(exchange.request.body)
    )


def is_full(operation: str) -> bool:
    """Whether requests for an operation carry what is optional: what is left out is not changed."""
    return operation.startswith(("PUT", "PATCH"))


def _optional(stage: Stage, operation: str) -> frozenset[Place]:
    """Fields of a full body that a sparse one has not."""
    method, _, path = operation.partition(" ")
    whole, sparse = (
        frozenset(_places(one.request(method, path, lambda _name, _path: None).body))
        for one in (stage.full, stage.sparse)
    )
    new = whole - sparse
    return frozenset(p for p in new if p[:-1] not in new)


def _places(body: bytes) -> Iterator[Place]:
    try:
        waiting: list[tuple[Place, Any]] = [((), json.loads(body) if body else None)]
    except ValueError:
        return
    while waiting:
        at, value = waiting.pop()
        for name, inner in value.items() if isinstance(value, dict) else ():
            yield (*at, name)
            waiting.append(((*at, name), inner))


def places_blamed(refused: Exchange) -> Iterator[tuple[Place, str]]:
    """The fields that a refusal names in FastAPI's way, each with its message."""
    answer = refused.json()
    detail = answer.get("detail") if isinstance(answer, dict) else None
    for one in detail if isinstance(detail, list) else ():
        place = one.get("loc") if isinstance(one, dict) else None
        if isinstance(place, list) and place[:1] == ["body"] and len(place) > 1:
            yield tuple(str(part) for part in place[1:]), str(one.get("msg", ""))


def _words(message: str) -> list[str]:
    """The words that a message offers in place of what it refuses."""
    found = _OFFERED.search(message)
    words = re.findall(r"[\w-]+", found[1]) if found else []
    return [word for word in words if word.lower() not in _JOINING]
