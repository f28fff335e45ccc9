"""What several rules ask of one map, worked out for the first of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from fastwright.model.app import AppMap

T = TypeVar("T")

_MAPS = 2
"""Maps that are remembered: a repair looks at the tree before it and at the one after it."""


def once(make: Callable[[AppMap], T]) -> Callable[[AppMap], T]:
    """`make`, done once for all rules that look at the same map; its result is shared.

    Maps are told apart by identity, for nobody compares equal maps of two reviews. It is asked for
    every call of an app, so that a cache that hashes what it is given would cost more than it
    saves.
    """
    kept: list[tuple[AppMap, T]] = []

    @wraps(make)
    def of(app: AppMap) -> T:
        for known, made in kept:
            if known is app:
                return made
        made = make(app)
        kept[:] = [(app, made), *kept[: _MAPS - 1]]
        return made

    return of
