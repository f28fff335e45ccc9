"""Can passwords be tried without end?"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

from fastwright.review.attack import Answer, Client, Headers, Needs, Strike, Target
from fastwright.review.attacks.assault import Account, Assault, says_when

WRONG = "not-the-Password-1"
LIMITED = 429
Guess = Callable[[Headers], Answer]
ROUNDS = 3
"""Times that something must be let through, right after a guess that was not, to count."""


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
    def guess(headers: Headers) -> Answer:
        return assault.log_in(victim.login, WRONG, what=_told(headers), headers=headers)

    def enters() -> bool:
        what = "right password, account closed"
        return bool(assault.token_in(assault.log_in(victim.login, victim.password, what=what)))

    met = _until_limited(assault, lambda _: victim.login, lambda _: None)
    if isinstance(met, Strike):
        return met
    if _opens(assault, guess, enters):
        return assault.struck("the right password is accepted while an account is closed")
    return _forged(assault, guess, "account", 1)


def _address_is_closed(assault: Assault, bystander: Account) -> Strike | None:
    address = assault.address()

    def guess(headers: Headers) -> Answer:
        login, what = assault.unknown_login(), _told(headers)
        return assault.log_in(login, WRONG, what=what, client=address, headers=headers)

    met = _until_limited(assault, lambda _: assault.unknown_login(), lambda _: address)
    if isinstance(met, Strike):
        return met
    forged = _forged(assault, guess, "address", 2)
    if forged is not None:
        return forged
    if assault.token_in(assault.log_in(bystander.login, bystander.password, what="a bystander")):
        return None
    return assault.struck("somebody else at another address cannot log in either")


def _told(headers: Headers) -> str:
    return "".join(f"forged {name}" for name, _ in headers)


def _forged(assault: Assault, guess: Guess, closed: str, start: int) -> Strike | None:
    """The strike where a header in which a caller claims another address opens what is closed."""
    addresses = (f"203.0.113.{number}" for number in itertools.count(start))
    for name, value in (("x-forwarded-for", "{}"), ("x-real-ip", "{}"), ("forwarded", "for={}")):
        header = (name, value.format(next(addresses)))
        if _opens(assault, guess, partial(_passes, guess, (header,))):
            return assault.struck(f"a forged `{name}` opens a closed {closed}")
    return None


def _opens(assault: Assault, guess: Guess, attempt: Callable[[], bool]) -> bool:
    """Whether `attempt` is let through where a plain guess is not.

    A limit lets one more through after a while: what it opens by itself was not opened by us.
    """
    tries = range(assault.doors.tries)
    return all(not all(_passes(guess) for _ in tries) and attempt() for _ in range(ROUNDS))


def _passes(guess: Guess, headers: Headers = ()) -> bool:
    return guess(headers).status != LIMITED


def _until_limited(
    assault: Assault, login: Callable[[int], str], client: Callable[[int], Client | None]
) -> Answer | Strike:
    """Fail until 429; the answer that said so, or the strike where it never came or says little."""
    fixed = client(0) is not None
    over = "ever new accounts, one address" if fixed else "one account, ever new addresses"
    for number in range(1, assault.doors.tries + 1):
        answer = assault.log_in(login(number), WRONG, client=client(number))
        if answer.status == LIMITED:
            assault.notes.exchange(f"failure {number}, {over}", assault.doors["login"], answer)
            return _with_retry_after(assault, answer)
        if assault.lets_in(answer):
            return assault.struck("a wrong password is let in")
    assault.notes.exchange(f"failure {assault.doors.tries}, {over}", assault.doors["login"], answer)
    tries = assault.doors.tries
    return assault.struck(
        f"{tries} failed logins ({over}) meet no limit: the last was answered {answer.status}"
    )


def _with_retry_after(assault: Assault, answer: Answer) -> Answer | Strike:
    if says_when(answer):
        return answer
    return assault.struck("429 comes without the seconds to wait")
