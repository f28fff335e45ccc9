"""Has the app's packages hash passwords with little work, in its process.

Only how long a hash takes changes: hashes say what they were made with, so that all of them, the
old ones too, are verified as before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

HANDLERS = ("bcrypt", "pbkdf2", "sha2_crypt")
ROUNDS = (
    ("bcrypt", 4),
    ("bcrypt_sha256", 4),
    ("pbkdf2_sha256", 1),
    ("pbkdf2_sha512", 1),
    ("sha256_crypt", 1000),
    ("sha512_crypt", 1000),
)


def _fixed(function: Callable[..., Any], **least: Any) -> Callable[..., Any]:
    def hashed(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{k: least.get(k, v) for k, v in kwargs.items()})

    return hashed


def _is_current(*_: Any) -> bool:
    """Stands where a hash with little work would be made anew at each login."""
    return False


def _by_bcrypt() -> bool:
    module: Any = sys.modules.get("bcrypt")
    if module is None:
        return False
    original = module.gensalt

    def salted(rounds: int = 4, prefix: bytes = b"2b") -> bytes:
        made: bytes = original(min(rounds, 4), prefix)
        return made

    module.gensalt = salted
    return True


def _by_argon2() -> bool:
    module: Any = sys.modules.get("argon2._password_hasher")
    if module is None:
        return False
    module.hash_secret = _fixed(module.hash_secret, time_cost=1, memory_cost=8, parallelism=1)
    module.PasswordHasher.check_needs_rehash = _is_current
    return True


def _by_passlib() -> bool:
    loaded = [sys.modules.get("passlib.handlers." + name) for name in HANDLERS]
    for name, rounds in ROUNDS:
        kind: Any = next((vars(m)[name] for m in loaded if m and name in vars(m)), None)
        for one in (kind, *_below(kind)) if kind is not None else ():
            one.default_rounds = rounds
    return any(loaded)


def _below(kind: Any) -> list[Any]:
    """The subclasses of a kind of hash: a context makes one for each of its schemes."""
    return [one for child in kind.__subclasses__() for one in (child, *_below(child))]


def _by_pwdlib() -> bool:
    module: Any = sys.modules.get("pwdlib.hashers.bcrypt")
    if module is None:
        return False
    module.BcryptHasher.check_needs_rehash = _is_current
    return True


def cheapening() -> list[bool]:
    """Whether each of bcrypt, argon2-cffi, passlib and pwdlib was there and hashes cheaply now."""
    return [_by_bcrypt(), _by_argon2(), _by_passlib(), _by_pwdlib()]
