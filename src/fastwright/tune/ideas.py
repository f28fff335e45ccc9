"""All hypotheses about what was seen, the most promising first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastwright.model.app import AppMap
from fastwright.tune import loading, loops, proposals, scopes, waiting
from fastwright.tune.idea import Idea
from fastwright.tune.seen import Observation
from fastwright.tune.symptoms import Symptom


def every(
    app: AppMap, symptoms: Sequence[Symptom], observed: Sequence[Observation]
) -> Iterator[Idea]:
    """Every idea, computed on the tree as it is now; what can only be proposed stands last.

    Args:
        app: Its map.
        symptoms: What grows with the data.
        observed: Every route at each size.
    """
    yield from loading.ideas(app, symptoms, observed[-1].visits)
    yield from loops.ideas(app, symptoms)
    yield from waiting.ideas(app, observed)
    yield from scopes.ideas(app, observed)
    yield from proposals.proposals(app, symptoms, observed)
