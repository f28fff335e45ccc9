"""Can passwords be tried without end?"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from fastwright.review.attack import Answer, Client, Needs, Strike, Target
from fastwright.review.attacks.assault import Account, Assault, says_when

WRONG = "not-the-Password-1"


def brute_force(target: Target, needs: Needs) -> Strike:
    """Failed logins meet 429 with ``Retry-After``, for each account and for each address.

    Proves that guessing at one account from ever new addresses is stopped within ``tries`` (30)
    failures, that trying many accounts from one address is, that the right password does not help
    while an account is closed, that an ``X-Forwarded-For``, ``Forwarded`` or ``X-Real-IP`` of
    the caller's making opens neither, and that another account at another address is let in.

    Needs: ``login`` and a way to make accounts; ``tries``.

    Limits: one process. Whether the count holds over several workers, and survives a restart, is
    not looked at; nor is how long the limit lasts.
    """
    assault = Assault(target, needs)
    assault.hash_quickly()
    victim, bystander = assault.account(), assault.account()
    assault.token(victim)
    return (
        _account_is_closed(assault, victim)
        or _address_is_closed(assault, bystander)
        or assault.held("guessing meets 429, for each account and for each address")
    )


def _account_is_closed(assault: Assault, victim: Account) -> Strike | None:
    met = _until_limited(assault, lambda _: victim.login, lambda _: None)
    if isinstance(met, Strike):
        return met
    right = assault.log_in(victim.login, victim.password, what="right password, account closed")
    if assault.token_in(right):
        return assault.struck("the right password is accepted while an account is closed")
    for header in _forged(1):
        answer = assault.log_in(victim.login, WRONG, what=f"forged {header[0]}", headers=(header,))
        if answer.status != 429:
            return assault.struck(f"a forged `{header[0]}` opens a closed account")
    return None


def _address_is_closed(assault: Assault, bystander: Account) -> Strike | None:
    address = assault.address()
    met = _until_limited(assault, lambda _: assault.unknown_login(), lambda _: address)
    if isinstance(met, Strike):
        return met
    for header in _forged(2):
        answer = assault.log_in(
            assault.unknown_login(),
            WRONG,
            what=f"forged {header[0]}",
            client=address,
            headers=(header,),
        )
        if answer.status != 429:
            return assault.struck(f"a forged `{header[0]}` opens a closed address")
    if assault.token_in(assault.log_in(bystander.login, bystander.password, what="a bystander")):
        return None
    return assault.struck("somebody else at another address cannot log in either")


def _until_limited(
    assault: Assault, login: Callable[[int], str], client: Callable[[int], Client | None]
) -> Answer | Strike:
    """Fail until 429; the answer that said so, or the strike where it never came or says little."""
    fixed = client(0) is not None
    over = "accounts from one address" if fixed else "addresses at one account"
    for number in range(1, assault.doors.tries + 1):
        answer = assault.log_in(login(number), WRONG, client=client(number))
        if answer.status == 429:
            assault.notes.exchange(f"failure {number}, {over}", assault.doors["login"], answer)
            return _with_retry_after(assault, answer)
        if answer.status < 400:
            return assault.struck("a wrong password is let in")
    assault.notes.exchange(f"failure {assault.doors.tries}, {over}", assault.doors["login"], answer)
    return assault.struck(f"{assault.doors.tries} failed logins over {over} meet no limit")


def _with_retry_after(assault: Assault, answer: Answer) -> Answer | Strike:
    if says_when(answer):
        return answer
    return assault.struck("429 comes without the seconds to wait")


def _forged(start: int) -> tuple[tuple[str, str], ...]:
    """Headers in which a caller may claim to be at another address."""
    addresses = (f"203.0.113.{number}" for number in itertools.count(start))
    return (
        ("x-forwarded-for", next(addresses)),
        ("x-real-ip", next(addresses)),
        ("forwarded", f"for={next(addresses)}"),
    )
