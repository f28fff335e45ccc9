"""A gate: one claim about a change that running it can refute.

A gate exists because its file exists: a module of this package (or an entry point of the group
``fastwright.gates``) that binds ``GATE``. There is no list to edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence
from fastwright.model.proof import Check, Verdict
from fastwright.prove.side import Side


@dataclass(frozen=True, slots=True)
class Gate:
    """A named claim and the run that can refute it.

    Attributes:
        name: What the claim is about, in a word or two: the table's first column.
        claim: The claim as a sentence without a full stop.
        run: Judges the change; `before` and `after` are the two trees in their worlds. It may
            raise: that is recorded as a failure, never as a pass.
        after: Gates that go first; where one of them failed, this one is skipped.
        behind: Gates that go first, whatever they say; ``*`` for all others.
    """

    name: str
    claim: str
    run: Callable[[Side, Side, ChangeSet], Check]
    after: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    def waits_for(self, waiting: frozenset[str]) -> bool:
        """True where one of the gates `waiting` goes before this one."""
        others = waiting - {self.name}
        return bool(
            others.intersection(self.after + self.behind) or (others and "*" in self.behind)
        )

    def passed(self, before: str = "", after: str = "", *evidence: Evidence) -> Check:
        """The claim held; `before` and `after` are the two figures of its row."""
        return Check(self.name, Verdict.PASSED, before, after, evidence)

    def failed(self, before: str = "", after: str = "", *evidence: Evidence) -> Check:
        """The claim was refuted, by `evidence`."""
        return Check(self.name, Verdict.FAILED, before, after, evidence)

    def skipped(self, because: str, before: str = "", *evidence: Evidence) -> Check:
        """The claim was not examined; `because` is shown, and nothing counts as proven by it."""
        return Check(self.name, Verdict.SKIPPED, before, evidence=evidence, skipped_because=because)


def every_gate() -> tuple[Gate, ...]:
    """The gates that exist as files here or as third parties' entry points, in running order."""
    here = (
        getattr(importlib.import_module(f"{__package__}.{module.name}"), "GATE", None)
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    )
    elsewhere = (point.load() for point in entry_points(group="fastwright.gates"))
    return in_order(gate for gate in (*here, *elsewhere) if isinstance(gate, Gate))


def in_order(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """`gates`, each behind those it waits for, otherwise as given.

    Of two gates with one name the later replaces the earlier, in the earlier's place: that is how
    a caller configures a gate (``in_order((*every_gate(), tests.gate(budget=60)))``).
    """
    by_name = {gate.name: gate for gate in gates}
    waiting, ordered = list(by_name.values()), list[Gate]()
    while waiting:
        names = frozenset(gate.name for gate in waiting)
        ready = next((g for g in waiting if not g.waits_for(names)), waiting[0])
        waiting.remove(ready)
        ordered.append(ready)
    return tuple(ordered)


def counted(number: int, noun: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
