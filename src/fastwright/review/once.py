"""What several rules ask of one map, worked out for the first of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TypeVar

from fastwright.model.app import AppMap

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A map by its identity: equal maps of two reviews are compared by nobody."""

    app: AppMap

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.app is self.app

    def __hash__(self) -> int:
        return id(self.app)


def once(make: Callable[[AppMap], T]) -> Callable[[AppMap], T]:
    """`make`, done once for all rules that look at the same map; its result is shared."""

    @lru_cache(maxsize=2)
    def kept(same: _Same) -> T:
        return make(same.app)

    @wraps(make)
    def of(app: AppMap) -> T:
        return kept(_Same(app))

    return of
