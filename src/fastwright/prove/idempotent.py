"""The recipe, built again on the new tree, has nothing left to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastwright.model.change import AddDependency, ChangeSet, Edit, NewFile
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side

NAME = "idempotent"
CLAIM = "building the change again yields nothing"


def gate(rebuild: Callable[[Side], ChangeSet]) -> Gate:
    """The gate for one change; `rebuild` computes it again, from the map of the new tree."""

    def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
        again = rebuild(after)
        if again.is_empty:
            return judged.passed("", "a second run changes nothing")
        left = tuple(_left_to_do(again))
        return judged.failed("", f"a second run makes {len(left)} changes", *left)

    judged = Gate(NAME, CLAIM, run, after=("parses",))
    return judged


def _left_to_do(again: ChangeSet) -> Iterator[Evidence]:
    for change in again.changes:
        if isinstance(change, Edit):
            text = f"`{change.span.path}` would be edited again: {change.why}"
        elif isinstance(change, NewFile):
            text = f"`{change.path}` would be written: {change.why}"
        elif isinstance(change, AddDependency):
            text = f"`{change.requirement}` would be added again: {change.why}"
        else:
            continue
        yield Evidence(EvidenceKind.SOURCE, text)


def unasked(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Without a way to build the change again there is nothing to ask."""
    return GATE.skipped("no recipe made this change, so that it cannot be built again")


GATE = Gate(NAME, CLAIM, unasked)
