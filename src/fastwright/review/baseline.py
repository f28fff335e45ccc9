"""A baseline: what is known of an old project already, so that only what is new is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastwright.model.errors import UsageError
from fastwright.model.review import Objection

FORMAT = 1


def render(objections: Iterable[Objection]) -> str:
    """The file that makes these objections known: JSON, in the order of the source."""
    rows = [
        {"fingerprint": o.fingerprint, "rule": o.rule, "path": o.path, "message": o.finding.message}
        for o in sorted(objections, key=lambda o: (o.path, o.at, o.rule))
    ]
    return json.dumps({"format": FORMAT, "known": rows}, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Counter[str]:
    """How often each fingerprint is known.

    Raises:
        UsageError: The text is not a baseline.
    """
    try:
        document: Any = json.loads(text)
        return Counter(str(row["fingerprint"]) for row in document["known"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            "cannot read the baseline",
            f"it is not one: {error}",
            "write it with `fastwright review --write-baseline`",
        ) from error


def unknown(
    objections: Iterable[Objection], known: Counter[str]
) -> tuple[tuple[Objection, ...], int]:
    """The objections that are not known, and how many entries are found no more."""
    left = Counter(known)
    new: list[Objection] = []
    for objection in objections:
        if left[objection.fingerprint] > 0:
            left[objection.fingerprint] -= 1
        else:
            new.append(objection)
    return tuple(new), left.total()
