"""A whole examination of one live app: users, rows, the matrix, and every probe."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.model.finding import AccessMatrix, Caller, Finding
from fastwright.model.review import Fault
from fastwright.review.attack import Target
from fastwright.review.engine import fault_of
from fastwright.review.live import judging, matrix
from fastwright.review.live.casting import Cast
from fastwright.review.live.contract import contract_of, why_none
from fastwright.review.live.credentials import User
from fastwright.review.live.entrances import find_entrances
from fastwright.review.live.matrix import Grid
from fastwright.review.live.people import People
from fastwright.review.live.proof import Proof
from fastwright.review.live.replays import Replays, replays_of
from fastwright.review.live.stage import Stage
from fastwright.review.live.telling import Shown, findings_of, shown_of
from fastwright.review.live.unjudged import unjudged
from fastwright.review.live.writing import Written, tests_of
from fastwright.review.requests import Contract

Probe = Callable[[Stage, Grid], Iterator[Proof]]

BUDGET = 32.0
"""Seconds that an examination of up to `USUAL` operations takes at most, the boot aside."""

USUAL = 25
LONGEST = 150.0
_OF_THE_MATRIX = 0.6
_CHEAP = (
    "hash-in-answer", "forged-token", "own-promotion", "unknown-user", "endless-login",
    "foreign-origin", "failing-owner", "deactivated-caller",
)  # fmt: skip
"""Probes of a few requests; they go first, whatever the time."""

_LAST = ("lost-commit", "hostile-input", "telling-error")
"""Probes that leave odd rows behind, and the one that reads what all others were answered."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of an examination.

    Attributes:
        findings: What was proven, and questions; where a rule knew of it, its own finding.
        matrix: Who got what.
        not_tried: What was left out, with the reasons.
        proofs: What the findings were made of.
        tests: Each proof as a test, by file name.
        users: Who was on the stage, by the caller they played.
        faults: What of ours raised, and where.
        shown: Of the findings those that no rule makes, to be looked for in another tree.
        replays: The tests by the findings that they are of.
    """

    findings: tuple[Finding, ...]
    matrix: AccessMatrix
    not_tried: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    tests: Written = field(default_factory=lambda: Written(MappingProxyType({})))
    users: dict[Caller, User] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    shown: tuple[Shown, ...] = ()
    replays: Replays = field(default_factory=Replays)


def examine(
    target: Target,
    app: AppMap,
    known: Sequence[Finding] = (),
    *,
    budget: float | None = None,
    seconds: Callable[[], float] = time.monotonic,
) -> Examined:
    """Examine a live app.

    Args:
        target: The app, on a scratch database that may be written to.
        app: Its map, merged with what runs.
        known: What the rules found in it.
        budget: Seconds after which no further probe begins; by default as the app is large.
        seconds: A clock that only has to advance.
    """
    contract = contract_of(target)
    if contract is None:
        return Examined((), AccessMatrix(), (why_none(target),))
    people = People(target, app, find_entrances(app, contract), contract)
    began, allowed = seconds(), budget or _budget(contract)
    people.hash_cheaply()
    cast = Cast.of(people)
    stage = Stage(target, app, people, cast, began + allowed, seconds, known=tuple(known))
    grid = matrix.build(stage, began + _OF_THE_MATRIX * allowed)
    stage.renew()
    judged = vouched(stage, "matrix", judging.judge(stage, grid, known))
    proofs = [*judged, *_probed(stage, grid)]
    findings = findings_of(proofs, known, app, stage.routes, people.notes)
    tests = tests_of(stage, proofs)
    return Examined(
        findings,
        grid.matrix(),
        (*people.remarks, *stage.not_tried, *_refusals(stage), *unjudged(stage, grid)),
        tuple(proofs),
        tests,
        dict(stage.cast),
        tuple(stage.faults),
        tuple(shown_of(proofs, findings, stage.routes)),
        replays_of(tests, stage.routes),
    )


def _budget(contract: Contract) -> float:
    """A second more for each operation beyond the usual number."""
    beyond = max(0, sum(1 for _ in contract.operations()) - USUAL)
    return min(BUDGET + beyond, LONGEST)


def _refusals(stage: Stage) -> Iterator[str]:
    for table, because in stage.canaries.refused.items():
        yield f"no row could be put into `{table}`: {because.splitlines()[0]}"


def _probed(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """What every probe proves; one that fails says so, and the others go on."""
    for name, probe in sorted(every_probe(), key=lambda found: _turn(found[0])):
        if stage.is_over and name not in (*_CHEAP, _LAST[-1]):
            stage.not_tried[f"`{name}`: the time was up"] = None
            continue
        yield from vouched(stage, name, probe(stage, grid))


def vouched(stage: Stage, name: str, proofs: Iterator[Proof]) -> Iterator[Proof]:
    """What can be had of `proofs`; where they end before their end, why is kept on the stage."""
    try:
        yield from proofs
    except FastwrightError as error:
        stage.not_tried[f"`{name}`: {error.because}"] = None
    except Exception as error:  # noqa: BLE001 - one probe must not take the others with it
        stage.faults.append(fault_of(name, error))


def _turn(name: str) -> int:
    if name in _LAST:
        return len(_CHEAP) + 1 + _LAST.index(name)
    return _CHEAP.index(name) if name in _CHEAP else len(_CHEAP)


def every_probe() -> Iterator[tuple[str, Probe]]:
    """The probes by name: each exists because its file exists, as ``probes/<name>.py``."""
    package = importlib.import_module("fastwright.review.live.probes")
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        yield found.name.replace("_", "-"), getattr(module, found.name)
