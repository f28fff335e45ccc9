"""Where the time of one run goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastwright.agent.person import Person

Seconds = Callable[[], float]


class Stopwatch:
    """Tells the person of each phase and keeps how long it took.

    `seconds` is the clock: it only has to advance.
    """

    def __init__(self, person: Person, seconds: Seconds = time.monotonic) -> None:
        self._person = person
        self._seconds = seconds
        self._started = seconds()
        self._kept: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """The time spent inside counts for `name`, also where it ends in an error."""
        self._person.phase(name)
        began = self._seconds()
        try:
            yield
        finally:
            self._kept.append((name, self._seconds() - began))

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        """Seconds by phase, in order."""
        return tuple(self._kept)

    @property
    def total(self) -> float:
        """Seconds since the beginning, questions to the person included."""
        return self._seconds() - self._started
