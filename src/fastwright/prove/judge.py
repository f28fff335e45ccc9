"""Gate by gate, to a verdict.

A gate that fails, fails the proof. One that could not be asked is skipped, with the reason, and
never counts as passed. One that raises is our own fault and fails too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from fastwright.model.change import ChangeSet, fingerprint
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check, Proof, Verdict
from fastwright.prove.gate import Gate, every_gate, in_order
from fastwright.prove.side import Side

Tell = Callable[[str, Check | None], None]
"""Called with a gate's name and ``None`` when it starts, and with its check when it has ended."""


def silence(name: str, check: Check | None) -> None:
    """The listener that does not care."""


def prove(
    changes: ChangeSet,
    before: Side,
    after: Side,
    *,
    gates: Iterable[Gate] | None = None,
    tell: Tell = silence,
    clock: Callable[[], float] = time.perf_counter,
) -> Proof:
    """Run every gate on a change, and bind the verdict to the bytes of the new tree.

    Args:
        changes: What was changed, and what is promised of it.
        before: The old tree in its world.
        after: The new tree in its world.
        gates: Which gates; all that exist, as they stand, when none are given.
        tell: Hears of each gate as it starts and as it ends.
        clock: Seconds, for the length of each check.

    Returns:
        A proof with one check for each gate. An interrupt (Ctrl-C) is passed on: there is no
        verdict then.
    """
    checks: dict[str, Check] = {}
    for gate in in_order(every_gate() if gates is None else gates):
        tell(gate.name, None)
        started = clock()
        failed = next((n for n in gate.after if n in checks and _failed(checks[n])), None)
        check = (
            gate.skipped(f"`{failed}` failed") if failed else _judge(gate, changes, before, after)
        )
        checks[gate.name] = replace(check, gate=gate.name, seconds=clock() - started)
        tell(gate.name, checks[gate.name])
    return Proof(fingerprint(after.files), tuple(checks.values()), after.world.enforced)


def attack(changes: ChangeSet, side: Side, *, tell: Tell = silence) -> Proof:
    """Run the attacks that `changes` promises to withstand on a tree as it is."""
    chosen = [gate for gate in every_gate() if gate.name == "attacks"]
    alone = [replace(gate, after=(), behind=()) for gate in chosen]
    return prove(changes, side, side, gates=alone, tell=tell)


def _failed(check: Check) -> bool:
    return check.verdict is Verdict.FAILED


def _judge(gate: Gate, changes: ChangeSet, before: Side, after: Side) -> Check:
    try:
        return gate.run(before, after, changes)
    except Exception as error:  # noqa: BLE001 - whatever a gate raises is a failed gate, not a pass
        last = f"{type(error).__name__}: {error}"
        seen = Evidence(EvidenceKind.PROCESS, f"the gate itself raised {last}", _where(error))
        return gate.failed("", "the gate itself failed", seen)


def _where(error: BaseException) -> tuple[tuple[str, str], ...]:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ()
    return (("at", f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"),)
