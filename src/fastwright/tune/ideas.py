"""All hypotheses about what was seen, the most promising first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.app import AppMap
from fastwright.tune import loading, loops
from fastwright.tune.idea import Idea
from fastwright.tune.seen import Visit
from fastwright.tune.symptoms import Symptom


def every(app: AppMap, symptoms: Sequence[Symptom], visits: Mapping[str, Visit]) -> Iterator[Idea]:
    """Every idea, computed on the tree as it is now.

    Args:
        app: Its map.
        symptoms: What grows with the data.
        visits: Every route at the largest size.
    """
    yield from loading.ideas(app, symptoms, visits)
    yield from loops.ideas(app, symptoms)
