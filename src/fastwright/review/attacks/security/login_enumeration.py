"""Does a failed login tell whether there is such an account?"""

from __future__ import annotations

import statistics

from fastwright.review.attack import Answer, Needs, Strike, Target
from fastwright.review.attacks.assault import Assault
from fastwright.review.attacks.probes import verifications

PAIRS = 32
RATIO = 1.3
"""Medians further apart than this, where most pairs agree, count as telling."""

WRONG = "not-the-Password-1"
_VARYING = ("date", "x-request-id", "x-process-time", "server-timing")


def login_enumeration(target: Target, needs: Needs) -> Strike:
    """An unknown user and a wrong password get the same answer for the same work.

    Proves that status, headers and body are equal, and that both paths compute the same number of
    password hashes, counted inside the app's process (pwdlib, argon2, bcrypt, passlib, werkzeug,
    hashlib). Where none of those is seen at work, or ``clocks`` is ``yes``, times are compared as
    32 alternating pairs by the ratio of their medians.

    Needs: ``login`` and a way to make accounts.

    Limits: other statements on one path alone (a query, a write) show in the clocks only; what a
    sign-up or a password reset tells is not looked at.
    """
    assault = Assault(target, needs)
    known = assault.account()
    assault.token(known)
    with assault.watching(verifications):
        # The first failure may prepare what later ones use.
        assault.log_in(assault.unknown_login(), WRONG)
        assault.probe(verifications, action="take")
        wrong = assault.log_in(known.login, WRONG, what="wrong password")
        on_wrong = assault.probe(verifications, action="take")
        unknown = assault.log_in(assault.unknown_login(), WRONG, what="unknown user")
        on_unknown = assault.probe(verifications, action="take")
    assault.notes.measure(
        f"{on_unknown} password hashes for an unknown user, {on_wrong} for a wrong password"
    )
    let_in = [name for name, a in (("a wrong password", wrong), ("an unknown user", unknown))
              if assault.lets_in(a)]  # fmt: skip
    if let_in:
        return assault.struck(f"{' and '.join(let_in)} gets a token")
    told = _differences(wrong, unknown)
    if told:
        return assault.struck(f"an unknown user and a wrong password differ in {', '.join(told)}")
    if on_wrong != on_unknown:
        return assault.struck(
            f"an unknown user costs {on_unknown} password hashes, a wrong password {on_wrong}"
        )
    if on_wrong and assault.doors.get("clocks") != "yes":
        return assault.held(f"same answer, {on_wrong} hash computed on both paths")
    return _by_the_clock(assault)


def _differences(one: Answer, other: Answer) -> tuple[str, ...]:
    found = []
    if one.status != other.status:
        found.append(f"status ({one.status}, {other.status})")
    if one.body != other.body:
        found.append("body")
    if _told(one) != _told(other):
        found.append("headers")
    return tuple(found)


def _told(answer: Answer) -> list[tuple[str, str]]:
    return sorted(pair for pair in answer.headers if pair[0] not in _VARYING)


def _by_the_clock(assault: Assault) -> Strike:
    pairs = [_pair(assault, turned=bool(number % 2)) for number in range(PAIRS)]
    wrong, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = wrong / unknown
    agreeing = sum((w > u) == (ratio > 1) for w, u in pairs)
    assault.notes.measure(
        f"median of {PAIRS} alternating pairs: {1000 * wrong:.1f} ms for a wrong password, "
        f"{1000 * unknown:.1f} ms for an unknown user, {agreeing} of {PAIRS} pairs that way round",
        (("ratio", f"{ratio:.2f}"),),
    )
    if not 1 / RATIO < ratio < RATIO and agreeing >= 0.8 * PAIRS:
        return assault.struck(f"a wrong password takes {ratio:.2f} times as long as an unknown one")
    return assault.held(f"same answer, times alike (ratio of medians {ratio:.2f})")


def _pair(assault: Assault, *, turned: bool) -> tuple[float, float]:
    """Seconds for a wrong password and for an unknown user, in one order or the other."""
    account, nobody = assault.account().login, assault.unknown_login()
    order = (nobody, account) if turned else (account, nobody)
    seconds = {login: assault.log_in(login, WRONG).seconds for login in order}
    return seconds[account], seconds[nobody]
