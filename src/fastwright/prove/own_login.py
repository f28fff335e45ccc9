"""The attacks on a login that the app brought itself: one check an attack, nothing changed."""

from __future__ import annotations

from dataclasses import replace

from fastwright.model.change import fingerprint
from fastwright.model.errors import DoesNotLoad
from fastwright.model.proof import Check, Proof, Verdict
from fastwright.prove.attacks import SHOWN, carry_out
from fastwright.prove.judge import Tell, silence
from fastwright.prove.side import Side
from fastwright.review.attack import Strike, every_attack
from fastwright.review.live.approach import Approach, approach


def attack_own_login(side: Side, *, tell: Tell = silence) -> Proof:
    """Find the way into the app of `side`, and try every attack that fits it.

    An attack that cannot be carried out is skipped, with the reason, and counts as nothing.
    """
    way = _approached(side)
    side.empty()
    lacking = {name: way.because or way.lacks(name) for name in every_attack()}
    checks = {
        name: Check(name, Verdict.SKIPPED, skipped_because=why)
        for name, why in lacking.items()
        if why
    }
    for name, check in checks.items():
        tell(name, check)
    wanted = [(name, way.needs or {}) for name, why in lacking.items() if not why]

    def ended(name: str, strike: Strike, seconds: float) -> None:
        checks[name] = replace(_judged(name, strike), seconds=seconds)
        tell(name, checks[name])

    if wanted:
        carry_out(side, wanted, ended)
    in_order = tuple(checks[name] for name in lacking)
    return Proof(fingerprint(side.files), in_order, side.world.enforced)


def _approached(side: Side) -> Approach:
    try:
        return approach(side.app, side.map)
    except DoesNotLoad as error:
        return Approach(because=f"the app did not survive a login: {error.because}")


def _judged(name: str, strike: Strike) -> Check:
    if strike.could_not:
        return Check(name, Verdict.SKIPPED, skipped_because=strike.could_not)
    if strike.held:
        return Check(name, Verdict.PASSED, after=strike.because)
    statuses = [(dict(e.values).get("status", ""), e) for e in strike.evidence]
    seen = [e for status, e in statuses if status[:1] == "5" and status in strike.because]
    shown = tuple(seen[:SHOWN]) or strike.evidence[-SHOWN:]
    return Check(name, Verdict.FAILED, after=strike.because, evidence=shown)
