"""How often each rule was right on apps that it had not seen, and what its word is worth for that.

What a rule is sure of follows from the source as its author understood it. Whether that was enough
is known only from findings that somebody has read: ``record.json`` keeps of each rule how many of
them were right. ``benchmarks/graded.py --record`` writes it from the sheets beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from fastwright.model.finding import Evidence, EvidenceKind, Finding, Grade
from fastwright.model.review import Record


@cache
def records() -> Mapping[str, Record]:
    """The record of each rule of which findings were read, by name."""
    kept = json.loads((files(__package__) / "record.json").read_text("utf-8"))
    return MappingProxyType({rule: Record(*counts) for rule, counts in kept.items()})


def of(rule: str) -> Record:
    """The record of a rule by name; of one of which nothing was read, an empty one."""
    return records().get(rule, Record())


def weighed(finding: Finding) -> Finding:
    """`finding`, no longer certain where its rule was wrong too often; what ran stays proven."""
    record = of(finding.rule)
    if finding.grade is not Grade.CERTAIN or record.is_trusted:
        return finding
    why = f"of such findings on apps that the rule had not seen, {record} were right"
    evidence = (*finding.evidence, Evidence(EvidenceKind.SOURCE, why, (("record", str(record)),)))
    return replace(finding, structural=False, evidence=evidence)
