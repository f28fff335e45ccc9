"""What grows with the data, read from observations at several sizes. Pure."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastwright.tune.seen import Broken, Group, Observation, Visit


class Cause(enum.StrEnum):
    """Why a route asks its database too often."""

    LAZY = "lazy load for each row"
    DIED = "lazy load that nothing awaits"
    LOOP = "query for each row"
    REPEATED = "the same statement again"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One statement of one route that is sent too often.

    Attributes:
        cause: Why.
        route: ``METHOD /path``.
        counts: Executions at each size, ascending; 0 for one that died before it was sent.
        group: The statement at the largest size; ``None`` for one that died.
        broken: The load that died, where it did.
        capped: It stopped growing before the largest size: a page has so many rows.
    """

    cause: Cause
    route: str
    counts: tuple[int, ...]
    group: Group | None = None
    broken: Broken | None = None
    capped: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The relationships from the root to what is loaded row by row."""
        if self.broken is not None:
            return self.broken.path
        return self.group.path if self.group is not None else ()


def find(observations: Sequence[Observation]) -> tuple[Symptom, ...]:
    """Every symptom of every route, the most statements at the largest size first.

    Growth proves it: a count of executions that is larger on a larger database, whatever the
    number. A route that fails is looked at only for loads that died.
    """
    found: list[Symptom] = []
    for route in observations[-1].visits:
        visits = [o.visits[route] for o in observations if route in o.visits]
        if len(visits) == len(observations):
            found += _of_route(route, visits)
    return tuple(sorted(found, key=lambda s: -s.counts[-1]))


def _of_route(route: str, visits: Sequence[Visit]) -> Iterator[Symptom]:
    largest = visits[-1]
    if largest.status >= 500:
        for broken in largest.broken:
            yield Symptom(Cause.DIED, route, (0,) * len(visits), broken=broken)
        return
    tables = [_counts(visit) for visit in visits]
    for key, group in _by_key(largest).items():
        counts = tuple(table.get(key, 0) for table in tables)
        if counts[-1] >= 2 and _grows(counts):
            cause = Cause.LAZY if group.kind == "lazy" else Cause.LOOP
            yield Symptom(cause, route, counts, group, capped=counts[-1] <= counts[-2])
        elif counts[-1] >= 2 and group.distinct < group.count:
            yield Symptom(Cause.REPEATED, route, counts, group)


def _grows(counts: Sequence[int]) -> bool:
    return any(later > earlier for earlier, later in itertools.pairwise(counts))


def _counts(visit: Visit) -> Mapping[tuple[object, ...], int]:
    found: dict[tuple[object, ...], int] = {}
    for group in visit.groups:
        found[group.key] = found.get(group.key, 0) + group.count
    return found


def _by_key(visit: Visit) -> Mapping[tuple[object, ...], Group]:
    return {group.key: group for group in reversed(visit.groups)}
