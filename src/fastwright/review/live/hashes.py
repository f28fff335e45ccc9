"""The hash of a password as the app makes it, and why it can make none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.review.attacks.probes import hashing, own_hashing
from fastwright.review.live.credentials import PASSWORD

_LIBRARIES = re.compile(r"/(passlib|bcrypt|argon2|pwdlib|werkzeug|nacl)/")
_OTHER = "a"
"""A second password, as short as can be: what fails on both fails on every one."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A hash that the app can verify, as far as is known, and why its own hasher makes none."""

    text: str
    because: str = ""


def hashed(app: AppMap, probe: Callable[..., Any]) -> Hashed:
    """`PASSWORD` as the app hashes it, else as its library does; `probe` runs a probe in the app.

    A hasher that cannot be made without the app's own objects is no fault: the library raises in
    one that is.
    """
    capability, because = app.capability("auth.password_hash"), ""
    if capability is not None:
        try:
            return Hashed(str(probe(own_hashing, symbol=capability.symbol, password=PASSWORD)))
        except FastwrightError as error:
            because = _fault(capability.symbol, error, probe)
    try:
        return Hashed(str(probe(hashing, password=PASSWORD, scheme="")), because)
    except FastwrightError:
        return Hashed(PASSWORD, because)


def _fault(symbol: str, error: FastwrightError, probe: Callable[..., Any]) -> str:
    """What the hasher does with every password; empty where nobody knows."""
    libraries = set(_LIBRARIES.findall(str(getattr(error, "traceback", ""))))
    if not libraries:
        return ""
    try:
        probe(own_hashing, symbol=symbol, password=_OTHER)
    except FastwrightError:
        said = error.because.partition("\n")[0]
        clash = "passlib" in libraries and "72 bytes" in said
        mend = "; passlib does not work with bcrypt 5: pin `bcrypt<5`" if clash else ""
        return f"`{symbol}` fails on every password: {said}{mend}"
    return ""
