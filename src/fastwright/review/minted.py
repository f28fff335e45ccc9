"""Secrets that an app makes itself, and that a function of it writes to the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.at_home import is_at_home
from fastwright.review.course import around
from fastwright.review.reach import last, reach
from fastwright.survey.codebase import of_samples, of_tests

_WRITES = re.compile(
    r"^print$|(?i:(?:^|[._])(?:log|logger|logging)\.)(?:info|warning|error|debug|success)$"
)
_MAKES = re.compile(
    r"(?:await\s+)?(?:secrets\.(?:token_\w+|randbelow|choice)\(|random\.(?:randint|choices)\("
    r"|jwt\.encode\(|[\w.]*\b(?:create|generate|make|issue)_\w*(?:token|otp|code|pin|password)\()"
    r"|f[\"']{1,3}.*\{\s*secrets\.|(?:str|[\"']{2}\.join)\(\s*(?:secrets|random)\."
)
_NAMED = re.compile(r"(?i)token$|(?:^|_)(?:otp|code|pin|password)$")
_SPOKEN = re.compile(r"\{\s*([A-Za-z_]\w*)\s*(?:![rs])?(?::[^{}]*)?\}")
_HOOKS = MappingProxyType(
    {
        "on_after_forgot_password": "get_reset_password_router",
        "on_after_request_verify": "get_verify_router",
    }
)
"""What fastapi-users hands a token that nobody else has, and the router that makes it do so."""
_CHOSEN = re.compile(r"(?i)settings|config|smtp|debug|\bdev|environ|getenv|enabled|sandbox|\bmock")


@dataclass(frozen=True, slots=True)
class Minted:
    """One call that writes what the app has made, the function around it, and the name of it."""

    call: Call
    function: Function
    name: str
    sure: bool


def written_secrets(app: AppMap) -> Iterator[Minted]:
    """Each call below a route that writes a token, code or password which its function has made.

    In an ``except`` it may not have been made at all.
    """
    reached = reach(app)
    running = {ran.function.name for ran in reached.ran()}
    for call in app.calls:
        if not _WRITES.search(call.text) or of_tests(call.span.path) or of_samples(call.span.path):
            continue
        function = reached.functions.get(call.caller)
        made = _made(app, function, call) if function and not call.in_except else None
        if function is not None and made is not None:
            runs = function.name in running or last(function.name) in _HOOKS
            told = runs and not call.text.endswith("debug") and not _is_chosen(function, call)
            if not any(is_at_home(b.words) for b in around(function, call.span.start)):
                yield Minted(call, function, made, sure=told)


def _made(app: AppMap, function: Function, call: Call) -> str | None:
    """The name that a call writes, of what the function has made or fastapi-users has given it."""
    texts = [value for value in call.arguments[:1] if re.match(r"[frFR]*[\"']", value)]
    spoken: list[str] = [name for text in texts for name in _SPOKEN.findall(text)]
    spoken += [value for value in call.arguments if value.isidentifier()]
    for name in filter(_NAMED.search, spoken):
        bound = [b for b in function.bindings if b.name == name and b.end <= call.span.start]
        made = [app.text(Span(function.span.path, b.start, b.end)) for b in bound[-1:]]
        if any(map(_MAKES.match, made)):
            return name
        if name == "token" and name in function.parameters and _is_hook(app, function):
            return name
    return None


def _is_hook(app: AppMap, function: Function) -> bool:
    """True for the method of a user manager that is handed a token, where its router is there."""
    router = _HOOKS.get(last(function.name))
    return router is not None and any(last(call.text) == router for call in app.calls)


def _is_chosen(function: Function, call: Call) -> bool:
    """Whether it is written under a test of a setting."""
    blocks = around(function, call.span.start)
    return any(b.kind == "arm" and _CHOSEN.search(b.words) for b in blocks)
