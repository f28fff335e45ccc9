"""Hashes a password in the app's process, with a package that the app has."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def _argon2(password: str) -> str:
    return str(importlib.import_module("argon2").PasswordHasher().hash(password))


def _bcrypt(password: str) -> str:
    bcrypt = importlib.import_module("bcrypt")
    hashed: bytes = bcrypt.hashpw(password.encode(), bcrypt.gensalt(6))
    return hashed.decode("ascii")


def _pbkdf2(password: str) -> str:
    context = importlib.import_module("passlib.context")
    return str(context.CryptContext(schemes=["pbkdf2_sha256"]).hash(password))


def hashing(password: str, scheme: str = "") -> str:
    """The hash of `password`: by `scheme` (argon2, bcrypt, pbkdf2), else by the first there is."""
    makers: Mapping[str, Callable[[str], str]] = {
        "argon2": _argon2,
        "bcrypt": _bcrypt,
        "pbkdf2": _pbkdf2,
    }
    for name, make in makers.items():
        if scheme in ("", name):
            try:
                return make(password)
            except ImportError:
                continue
    raise LookupError("the app's environment cannot make a hash of kind " + repr(scheme))
