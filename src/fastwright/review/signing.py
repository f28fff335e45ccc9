"""Calls that sign and verify tokens, and the secret that they do it with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from fastwright.model.app import AppMap
from fastwright.model.code import Call
from fastwright.review.once import once
from fastwright.survey.codebase import of_tests

_DECODE = frozenset({"jwt.decode", "jose.jwt.decode", "jwt.api_jwt.decode", "jwt.decode_complete"})
_ENCODE = frozenset({"jwt.encode", "jose.jwt.encode", "jwt.api_jwt.encode"})
_TIMED = frozenset({"itsdangerous.URLSafeTimedSerializer", "itsdangerous.TimedSerializer",
                    "itsdangerous.url_safe.URLSafeTimedSerializer"})  # fmt: skip
_HASH = frozenset({"hmac.new", "hmac.digest", "hmac.HMAC"})
_UNVERIFIED = frozenset({"jose.jwt.get_unverified_claims", "jose.jws.get_unverified_claims"})


@dataclass(frozen=True)
class Signing:
    """The token calls of one map, those of tests aside."""

    app: AppMap

    @cached_property
    def decodings(self) -> tuple[Call, ...]:
        """Every call that decodes a token, whether or not it verifies it."""
        return tuple(self._calls_of(_DECODE))

    @cached_property
    def encodings(self) -> tuple[Call, ...]:
        """Every call that signs a token."""
        return tuple(self._calls_of(_ENCODE))

    @cached_property
    def hashes(self) -> tuple[Call, ...]:
        """Every call that signs something with a key by itself, or what a signature must be."""
        return tuple(self._calls_of(_HASH))

    @cached_property
    def unverified(self) -> tuple[Call, ...]:
        """Calls that read the claims of a token without its signature."""
        plain = self._calls_of(_UNVERIFIED)
        return (*plain, *(c for c in self.decodings if not verifies(c)))

    @cached_property
    def links(self) -> tuple[Call, ...]:
        """Every call that opens what itsdangerous has signed with the time."""
        return tuple(
            c for c in self.app.calls if c.text.endswith(".loads")
            and (c.callee or "").rpartition(".")[0] in _TIMED and not of_tests(c.span.path)
        )  # fmt: skip

    def _calls_of(self, functions: frozenset[str]) -> Iterator[Call]:
        return (c for c in self.app.calls if c.callee in functions and not of_tests(c.span.path))

    def secret_of(self, call: Call) -> str:
        """The key that a call signs or verifies with, as written; empty where it is not seen."""
        given = dict(call.keywords).get("key")
        place = 0 if call.callee in _HASH else 1
        return given or (call.arguments[place] if len(call.arguments) > place else "")


def verifies(call: Call) -> bool:
    """Whether a decoding call checks the signature."""
    given = dict(call.keywords)
    options = given.get("options", "")
    is_off = re.search(r"['\"]verify_signature['\"]\s*:\s*False", options)
    return not is_off and given.get("verify") != "False"


def has_no_end(call: Call) -> bool:
    """Whether a call opens what was signed at any time, and does not ask when that was."""
    given = dict(call.keywords)
    return len(call.arguments) == 1 and not {"max_age", "return_timestamp", "**"} & set(given)


@once
def signing_of(app: AppMap) -> Signing:
    """The token calls of an app."""
    return Signing(app)
