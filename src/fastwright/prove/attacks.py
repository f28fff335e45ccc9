"""The attacks that the change promises to withstand fail on the new tree."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from fastwright.model.change import ChangeSet
from fastwright.model.errors import DoesNotLoad, UnknownName
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side, with_twin
from fastwright.review.attack import Needs, Strike, find_attack

Ended = Callable[[str, Strike, float], None]

SHOWN = 3
"""Exchanges that are shown of an attack that was not withstood: its last ones."""


def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Carry them out on the running app; one that cannot be carried out is not withstood."""
    promised = changes.promise.attacks
    if not promised:
        return GATE.skipped("the change promises to withstand none")
    if after.refusal is not None:
        return GATE.skipped(f"the new tree does not boot: {after.refusal.because}")
    went = carry_out(after, promised)
    strikes = [(name, went[name]) for name, _ in promised]
    held = sum(strike.held for _, strike in strikes)
    figure = f"{held} of {len(strikes)} withstood"
    strikes.sort(key=lambda went: went[1].held)  # what is to be mended is read first
    seen = tuple(evidence for name, strike in strikes for evidence in _told(name, strike))
    judged = GATE.passed if held == len(strikes) else GATE.failed
    return judged("", figure, *seen)


def carry_out(
    side: Side, attacks: Sequence[tuple[str, Needs]], ended: Ended = lambda *_: None
) -> Mapping[str, Strike]:
    """How each attack on the app of `side` went; `ended` hears of each, with its seconds."""
    waiting = deque(attacks)
    try:
        ends = with_twin(side, len(attacks), lambda one: _carried_out(one, waiting, ended))
    finally:
        waiting.clear()  # an interrupt leaves nothing to go on with
    side.empty()
    return {name: strike for end in ends for name, strike in end.items()}


def _carried_out(
    side: Side, waiting: deque[tuple[str, Needs]], ended: Ended
) -> Mapping[str, Strike]:
    """Take attacks until none waits; how each of them went."""
    went: dict[str, Strike] = {}
    with suppress(IndexError):
        while True:
            name, needs = waiting.popleft()
            began = time.perf_counter()
            went[name] = _strike(side, name, needs)
            ended(name, went[name], time.perf_counter() - began)
    return went


def _strike(side: Side, name: str, needs: Needs) -> Strike:
    """How one attack went. The app's death under it is a strike too."""
    try:
        return find_attack(name).run(side.app, needs)
    except UnknownName as error:
        return Strike(False, str(error), could_not=str(error))
    except DoesNotLoad as error:
        side.close()
        return Strike(False, f"the app did not survive it: {error.because}")


def _told(name: str, strike: Strike) -> Iterator[Evidence]:
    words = "could not be carried out" if strike.could_not else "was not withstood"
    verdict = "withstood" if strike.held else words
    count = sum(evidence.kind is EvidenceKind.HTTP for evidence in strike.evidence)
    values = (("exchanges", str(count)),) if count else ()
    yield Evidence(EvidenceKind.HTTP, f"`{name}` {verdict}: {strike.because}", values)
    if not strike.held:
        yield from strike.evidence[-SHOWN:]


GATE = Gate(
    "attacks",
    "attacks on what was built fail",
    run,
    after=("boots",),
    behind=("access", "contract", "tests", "new-tests"),
)
