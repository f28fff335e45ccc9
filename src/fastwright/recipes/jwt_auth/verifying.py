"""Routes that verify stored hashes by themselves: a hash of another kind would lock people out."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Call
from fastwright.recipes.jwt_auth.schemes import CONTEXT, is_test

_PASSWORDS = re.compile(r"(?i)passw|pwd|authenticate|credential")


def verifying_route(app: AppMap) -> str:
    """A route that compares a password with a stored bcrypt hash, and can read no other.

    Empty where there is none. Changing a password is the usual one: it asks for the old one first.
    """
    calls = [c for c in app.calls if not is_test(c.span.path)]
    reached = {c.caller for c in calls if _verifies_bcrypt(app, c)}
    waiting = list(reached)
    while waiting:
        name = waiting.pop()
        further = {c.caller for c in calls if _calls(c, name)} - reached
        reached |= further
        waiting += further
    handlers = {route.handler: str(route) for route in app.routes}
    return next((handlers[name] for name in sorted(reached) if name in handlers), "")


def _verifies_bcrypt(app: AppMap, call: Call) -> bool:
    receiver, _, name = call.text.rpartition(".")
    if name == "checkpw":
        return "StoredBcrypt" not in call.caller
    return name in ("verify", "verify_and_update") and receiver in _contexts(app)


def _contexts(app: AppMap) -> frozenset[str]:
    """The names of passlib contexts that know bcrypt and no argon2."""
    found = (m for text in app.files.values() for m in CONTEXT.finditer(text))
    return frozenset(m[1].decode() for m in found if b"bcrypt" in m[2] and b"argon2" not in m[2])


def _calls(call: Call, name: str) -> bool:
    """True where `call` is one of the function `name`, as far as that is known."""
    if call.callee is not None:
        return call.callee == name
    short = name.rpartition(".")[2]
    return call.text.rpartition(".")[2] == short and bool(_PASSWORDS.search(short))
