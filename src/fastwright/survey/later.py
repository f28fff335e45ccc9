"""Values that are read when the first of them is asked for.

The calls of a large app are a hundred thousand values, and whoever shows its routes wants none of
them: they stay text until then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

from fastwright.survey.collecting import without_collector

T = TypeVar("T")


class Later(Sequence[T]):
    """Equal to the tuple of its values, and as unchanging; its length is known before they are."""

    __slots__ = ("_count", "_read", "_text", "_values")

    def __init__(self, count: int, text: str, read: Callable[[Any], tuple[T, ...]]) -> None:
        self._count = count
        self._text = text
        self._read = read
        self._values: tuple[T, ...] | None = None

    def values(self) -> tuple[T, ...]:
        """All values, read now if they were not before."""
        if self._values is None:
            with without_collector():
                self._values = self._read(json.loads(self._text))
            self._text = ""
        return self._values

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...

    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        return self.values()[place]

    def __iter__(self) -> Iterator[T]:
        return iter(self.values())

    def __eq__(self, other: object) -> bool:
        known = other.values() if isinstance(other, Later) else other
        return self.values() == known if isinstance(known, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.values())

    def __repr__(self) -> str:
        return repr(self.values())

    def __reduce__(self) -> tuple[Any, ...]:
        return (tuple, (self.values(),))
