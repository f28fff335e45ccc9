"""Where the app's own login falls short, and how each gap is closed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.agent.planner import LOGIN
from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.finding import Finding
from fastwright.model.plan import Presence
from fastwright.model.proof import Proof, Verdict
from fastwright.recipes.jwt_auth.presence import login_routes
from fastwright.review.engine import find_all
from fastwright.review.rule import every_rule

_RULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "brute-force": ("unlimited-login",),
        "login-enumeration": ("user-enumeration",),
        "hostile-input": ("unanswerable-body",),
        "hostile-bodies": ("unanswerable-body",),
        "token-forgery": ("unverified-token", "open-token-algorithm"),
        "written-secret": ("weak-signing-secret",),
        "secret-leak": ("leaked-secret-field", "settings-in-answer", "exception-text-to-client"),
        "open-registration": ("writable-privilege", "mass-assignment"),
    }
)
"""The rules of a review that find, in the source, what an attack shows."""

_BY_HAND: Mapping[str, str] = MappingProxyType(
    {
        "brute-force": "count failed logins by account and by address, and answer 429 with "
        "`Retry-After`",
        "login-enumeration": "verify a decoy hash where there is no such user, and answer both "
        "alike",
        "hostile-input": "bound the length of both fields, and refuse NUL and half surrogate pairs",
        "hostile-bodies": "bound the length of texts, and refuse NUL and half surrogate pairs",
        "token-forgery": "decode with one algorithm, a secret of the environment, and "
        '`options={"require": ["exp", "sub"]}`',
        "written-secret": "read it from the environment, without a default, and change it",
        "audience": "sign an `aud` of this app, and demand it where tokens are read",
        "token-after-password-change": "put a fingerprint of the stored hash into the token, and "
        "compare it at each request",
        "other-users-token": "read the caller from the token of each request alone",
        "refresh-reuse": "exchange a refresh token for a new one, and end the family at the second "
        "use of one",
        "secret-leak": "answer with a schema that has no such field",
        "open-registration": "take the fields of an account alone, compare logins in lower case, "
        "and limit registrations by address",
    }
)
_UNWRITABLE = re.compile(r"NaN|Infinity|1e999|surrogate|ud800")
"""What JSON cannot hold: the one part of hostile input that a rule mends."""

_OF_SIGN_UP = frozenset({"open-registration", "hostile-bodies"})
"""Attacks on the operations beside a login, which another login leaves as they are."""

_SIGNS = re.compile(r"(?i)secret|signing|jwt_?key")
_SEEN: tuple[tuple[str, str], ...] = (
    (r"meet no limit", "brute-force"),
    (r"tells whether there is such an account", "login-enumeration"),
    (r"expir", "token-forgery"),
    (r"audience", "audience"),
    (r"stands in the source|has a default in the source", "written-secret"),
)
"""What the source alone tells, and the attack that tries it, or a word for what none tries."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a login falls short.

    Attributes:
        text: What gets through, or what was read of the source.
        attack: The attack that showed it, or would; else a word for what none tries, or empty.
        shown: The attack was run and showed it, so that its gate tells the text.
    """

    text: str
    attack: str = ""
    shown: bool = False

    def __str__(self) -> str:
        """How a remedy names it: by its gate where that has told it, for a gap is told once."""
        return f"the gap that `{self.attack}` shows" if self.shown else f"the gap: {self.text}"


def gaps(presence: Presence | None, proof: Proof) -> tuple[Gap, ...]:
    """What got through, then what was read of the source.

    What was read and an attack has tried is told once, as the attack found it.
    """
    struck = [Gap(c.after, c.gate, True) for c in proof.checks if c.verdict is Verdict.FAILED]
    tried = {c.gate for c in proof.checks if c.verdict is not Verdict.SKIPPED}
    read = [Gap(text, _attack_on(text)) for text in (presence.gaps if presence else ())]
    return (*struck, *(gap for gap in read if gap.attack not in tried))


def borrowed(app: AppMap, proof: Proof) -> Iterator[str]:
    """Where the secrets of the run came from, where a token signed with a known one was believed.

    The value of an example or of a test need not be the one that the app is deployed with.
    """
    if not any("signed with" in c.after for c in proof.checks if c.verdict is Verdict.FAILED):
        return
    given = {s.name: s.given_by[0] for s in app.settings if s.given_by and _SIGNS.search(s.name)}
    for name, source in given.items():
        yield f"`{name}` came from {source} for the run: yours may differ"


def _attack_on(gap: str) -> str:
    return next((name for pattern, name in _SEEN if re.search(pattern, gap)), "")


def offers(app: AppMap, found: tuple[Gap, ...]) -> Iterator[str]:
    """How to close each of the gaps: a command where there is one, else what to write."""
    attacks = {gap.attack for gap in found}
    names = {rule for attack in attacks for rule in _RULES.get(attack, ())}
    rules = [rule for rule in every_rule().values() if rule.name in names]
    findings = find_all(app, rules).findings if rules else ()
    for gap in found:
        rules_of = _RULES.get(gap.attack, ())
        mine = [f for f in findings if f.rule in rules_of and _helps(f, gap.text)]
        yield f"close {gap}: {_way(gap.attack, mine, gap.text)}"
    if attacks & _RULES.keys() - _OF_SIGN_UP - {"written-secret"}:
        yield from _instead(app, "those of the login" if attacks & _OF_SIGN_UP else "all of them")


def _helps(finding: Finding, gap: str) -> bool:
    """Whether what closes the finding closes something of the gap."""
    return finding.rule != "unanswerable-body" or _UNWRITABLE.search(gap) is not None


def _way(attack: str, findings: list[Finding], gap: str) -> str:
    by_hand = _BY_HAND.get(attack, "`fastwright review --live` shows what else is open")
    for finding in findings:
        for fix in finding.fixes:
            flag = "--fix" if fix.safety is Safety.SAFE else "--fix-behaviour"
            part = _part(finding.rule, gap)
            command = f"`fastwright review --select {finding.rule} {flag}` mends {part or 'it'}"
            return f"{command}, with the proof{f'; beside it {by_hand}' if part else ''}"
    if findings:
        shows = f"`fastwright review --select {findings[0].rule}` shows the place"
        return f"{by_hand}; {shows}"
    return by_hand


def _part(rule: str, gap: str) -> str:
    """What of the gap the fix of a rule mends; empty for all of it."""
    if rule == "unanswerable-body":
        return "what JSON cannot hold"
    return "the check" if rule == "unverified-token" and "no expiry" in gap else ""


def _instead(app: AppMap, what: str) -> Iterator[str]:
    """A login of ours in the place of the app's own, which closes `what`."""
    for route in login_routes(app)[:1]:
        yield (
            f"or close {what} at once: take `{route}` and what guards by its tokens out, and "
            f"`fastwright add {LOGIN} --path {route.path}` builds one that is held to these attacks"
        )
