"""What the tokens of an app are for, who signs and who reads them, and what a reader looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.once import once
from fastwright.review.reach import Step, last, reach
from fastwright.review.signing import signing_of
from fastwright.survey.codebase import of_tests

SIGN_UP = "sign-up"
"""Of what a sign-up signs the signing function tells more: a login, or the link of a mail."""

_LOGIN = re.compile(r"(?i)log_?in|sign_?in|authenticat|access_?token|session|jwt")
_WORDS = (
    ("reset", re.compile(r"(?i)reset|forgot|recover")),
    ("invitation", re.compile(r"(?i)invit")),
    ("refresh", re.compile(r"(?i)refresh|renew")),
    ("login", re.compile(r"(?i)verif\w*[-_](access[-_])?token")),
    ("verification", re.compile(r"(?i)verif|confirm|activat")),
    (SIGN_UP, re.compile(r"(?i)sign_?up|register|create_?(user|account)")),
    ("login", _LOGIN),
)
_CHECKS = re.compile(r"(?i)(?:verify|confirm|activate|check|validate)(?:_|$)")
"""What checks a code or an address, and signs a login token for whoever has proved it."""

_KEY = re.compile(r"\w+(\.\w+)+(\(\))?|[A-Z][A-Z0-9_]*")
_READS = re.compile(r"(?:[\w)\]]\[\s*|\.get\(\s*)[\"'](\w+)[\"']")
_WRITES = re.compile(r"[\"'](\w+)[\"']\s*(?::|\]\s*=(?!=))\s*([^,}\n]+)")
_NAMED = re.compile(
    r"(?:(?:str|int)\()?(?P<name>\w+(?:\.\w+)*)(?:\[[\"'](?P<item>\w+)[\"']\])?\)*\s*\}?\)*"
)
_TELLS = re.compile(
    r"(?:\[\s*|\.get\(\s*)[\"'](?:type|typ|token_type|token_use|kind|use|purpose|scopes?|action|aud"
    r"|mode|for|refresh)[\"']|\.(?:type|typ|token_type|kind|purpose|scopes?|action)\b"
    r"|(?:\[\s*|\.get\(\s*)[\"']\w+[\"']\s*[\])]\s*(?:[=!]=|not in\b|in\b)|\bsalt\s*="
)
"""How code asks what a token is for: by a claim that tells it, or by comparing one."""

_STORED = re.compile(
    r"(?i)\b(?!\w*(?:black|revok|deny|invalid|used))"
    r"\w+\.\w*(?:token|code|hash|jti|nonce)\w*\s*[!=]="
    r"\s*(?![\"'\d]|None\b|True\b|False\b)[\w.]*(?:token|code|hash|jti|nonce)"
)
"""A row of ours holds the token that is meant: no other is taken, whatever it says."""

_EQUALS = re.compile(r"([\w.]+)(?:\(\))?\s*[!=]=\s*([\w.]+)")
_CACHED = re.compile(r"(?i)\.(?:get|getdel|hget|getex|get_value|fetch)\(")

_REFRESH = re.compile(r"(?i)refresh")
_TELLING = frozenset({"audience", "issuer", "salt", "subject"})
_OF_TIME = frozenset({"exp", "iat", "nbf", "jti"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One handler or dependency that reads a token.

    Attributes:
        purpose: What it takes the token for.
        key: What the token is verified with, as written.
        root: The handler or dependency; `route` is one that it runs for.
        step: The call that reads, and the way there.
        claims: The claims that the code reads by name, those of time aside.
        asks: Whether it looks at what the token is for.
    """

    purpose: str
    key: str
    root: Function
    route: Route
    step: Step
    claims: frozenset[str]
    asks: bool


@dataclass(frozen=True, slots=True)
class Minting:
    """One place that has a token signed.

    Attributes:
        purpose: What it is signed for.
        key: What it is signed with, as written.
        function: The function that asks for it.
        at: The call there.
        claims: What each claim holds: the last name of its value, empty where that is not seen.
        refreshes: Whether it is a refresh token, by what signs it or what it is bound to.
        given: What the signing function is given first.
    """

    purpose: str
    key: str
    function: str
    at: Span
    claims: MappingProxyType[str, str]
    refreshes: bool = False
    given: str = ""


def purpose_of(*names: str) -> str:
    """What the first of these names that tells a purpose tells; empty for none."""
    for word, pattern in _WORDS:
        if any(pattern.search(name) for name in names):
            return word
    return ""


@once
def readings(app: AppMap) -> tuple[Reading, ...]:
    """Every reading of a token whose key is known by name, once for each that it runs for."""
    return tuple(_readings(app))


def _readings(app: AppMap) -> Iterator[Reading]:
    signing, reached = signing_of(app), reach(app)
    calls = {c.span: signing.secret_of(c) for c in signing.decodings}
    calls |= {c.span: _serializer(c) for c in _links(app, "loads")}
    if not calls:
        return
    people = {name for p in app.principals for name in (p.dependency, f"{p.dependency}.__call__")}
    for root, routes in reached.every_root().values():
        for step in reached.below(root):
            key = calls.get(step.call.span, "")
            if not _KEY.fullmatch(key):
                continue
            handled = (r for r in routes if r.handler == root.name)
            route = next(handled, routes[0])
            told = purpose_of(route.path, last(root.name)) if route.handler == root.name else ""
            told = "login" if root.name in people else told
            texts = [app.text(f.span) for f in step.functions]
            claims = frozenset(n for t in texts for n in _READS.findall(t)) - _OF_TIME
            asks = _is_told(step.call) or any(
                pattern.search(text) for text in texts for pattern in (_TELLS, _STORED)
            )
            asks = asks or any(_is_kept(app, f) for f in step.functions)
            yield Reading(told, key, root, route, step, claims, asks)


def _is_kept(app: AppMap, function: Function) -> bool:
    """Whether a token must equal what a cache was asked for, which is kept for one purpose."""
    text = app.text(function.span)
    sides = [(m[1], m[2]) for m in _EQUALS.finditer(text)]
    for one, other in (*sides, *((right, left) for left, right in sides)):
        held = [b for b in function.bindings if b.name == one.partition(".")[0]]
        kept = (app.text(Span(function.span.path, b.start, b.end)) for b in held)
        if re.search(r"(?i)token|code", other) and any(map(_CACHED.search, kept)):
            return True
    return False


def _is_told(call: Call) -> bool:
    """Whether a reading call is given what the token must be for; the fourth may be options."""
    return bool(_TELLING & set(dict(call.keywords))) or len(call.arguments) > 3


def _links(app: AppMap, method: str) -> Iterator[Call]:
    """Calls of a serializer of itsdangerous."""
    for call in app.calls:
        if call.text.endswith(f".{method}") and (call.callee or "").startswith("itsdangerous."):
            yield call


def _serializer(call: Call) -> str:
    """The serializer as a key: by the file and the name that it is called by."""
    return f"{call.span.path.stem}.{call.text.rpartition('.')[0]}".replace("self.", "")


@once
def mintings(app: AppMap) -> tuple[Minting, ...]:
    """Every place that has a token signed whose key is known by name."""
    return tuple(_mintings(app))


def _mintings(app: AppMap) -> Iterator[Minting]:
    signing, functions = signing_of(app), reach(app).functions
    calls = [(c, signing.secret_of(c)) for c in signing.encodings]
    calls += [(c, _serializer(c)) for c in _links(app, "dumps")]
    for call, written in calls:
        signer = functions.get(call.caller)
        key = _by_default(app, signer, written) if signer is not None else written
        if signer is None or not _KEY.fullmatch(key):
            continue
        own = dict(_WRITES.findall(app.text(signer.span)))
        callers = [c for c in app.calls if c.callee == signer.name and not of_tests(c.span.path)]
        for one in callers:
            told = _signed_for(last(signer.name), last(one.caller))
            refreshes = any(map(_REFRESH.search, (last(signer.name), one.target)))
            yield Minting(
                told, key, one.caller, one.span, _claims(app, signer, own, one), refreshes,
                one.arguments[0] if one.arguments else "",
            )  # fmt: skip
        if not callers:
            inner = {name: _last_name(value) for name, value in own.items()}
            told = _signed_for(last(signer.name), last(signer.name))
            refreshes = any(map(_REFRESH.search, (last(signer.name), call.target)))
            claims = MappingProxyType(inner)
            yield Minting(told, key, signer.name, call.span, claims, refreshes)


def _by_default(app: AppMap, signer: Function, key: str) -> str:
    """The default of the parameter that a key is, where it is one that has a default."""
    if key not in signer.parameters or any(b.name == key for b in signer.bindings):
        return key
    head = app.text(signer.span).partition("):")[0].partition(") ->")[0]
    found = re.search(rf"(?<![\w.]){key}\s*(?::[^=,()]*)?=\s*([\w.]+)", head)
    return found[1] if found is not None else key


def _signed_for(signer: str, caller: str) -> str:
    """The purpose that a signing function's name tells, else that of who calls it."""
    told = purpose_of(signer)
    if told in ("login", SIGN_UP) and _LOGIN.search(signer) and _CHECKS.match(caller):
        return "login"
    if told in ("", "login", SIGN_UP):
        told = purpose_of(caller) or told
    if told == SIGN_UP:
        return "login" if _LOGIN.search(signer) else "verification"
    return told


def _claims(
    app: AppMap, signer: Function, own: dict[str, str], call: Call
) -> MappingProxyType[str, str]:
    """The claims that one call of `signer` leads to: its own with its parameters, and those given.

    A dictionary may be given as it is, or by a name that the caller has bound to one.
    """
    parameters = [p for p in signer.parameters if p not in ("self", "cls")]
    given: dict[str, str] = dict(zip(parameters, call.arguments, strict=False))
    given |= dict(call.keywords)
    found = {}
    for name, value in own.items():
        inner = _last_name(value)
        found[name] = _last_name(given.get(inner, value)) if inner in parameters else inner
    caller = reach(app).functions.get(call.caller)
    text = app.text(caller.span) if caller is not None else ""
    for value in given.values():
        bound = re.search(rf"\b{re.escape(value)}\s*=\s*(\{{.*?\}})", text, re.DOTALL)
        told = bound[1] if value.isidentifier() and bound else value
        if told.startswith("{"):
            found |= {name: _last_name(inner) for name, inner in _WRITES.findall(told)}
    return MappingProxyType(found)


def _last_name(value: str) -> str:
    """``email`` of ``str(user.email)`` and of ``user["email"]``; empty for anything but a name."""
    found = _NAMED.fullmatch(value.strip())
    return (found["item"] or found["name"].rpartition(".")[2]) if found else ""
