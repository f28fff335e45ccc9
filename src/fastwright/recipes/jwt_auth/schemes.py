"""How the app has hashed passwords so far, so that stored hashes keep verifying."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.recipes.ensure.drafting import module_for

_OURS = ("bcrypt", "argon2")
_VERIFY = re.compile(
    rb"(?m)^(?:async )?def ((?:verify|check|validate|compare)_?\w*(?:password|passwd|pwd)\w*"
    rb"|(?:password|pwd)_?(?:verify|check|matches)\w*)\("
)
_HASHER = re.compile(
    rb"(?m)^([A-Za-z]\w*)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*PasswordHash(?:\.recommended)?\("
    rb"(?:[\s(\[]*(?:\w+\.)*(Argon2|Bcrypt)Hasher\b)?"
)
"""A public name of a module that is bound to pwdlib's hasher, and what hashes first in it."""
CONTEXT = re.compile(rb"(?m)^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*CryptContext\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where stored hashes come from.

    Attributes:
        kind: ``none``, ``argon2``, ``bcrypt``, ``werkzeug``, ``elsewhere`` (the app's own) or
            ``pwdlib`` (the app's own hasher, which is taken as it is).
        because: What in the app says so.
        module: Where the app's own verifier or hasher lives; `name` is what to import,
            `expression` what to call with a password and a hash.
        rounds: The cost of bcrypt hashes, as a power of two.
        makes_bcrypt: The app's own hasher makes new hashes with bcrypt.
    """

    kind: str
    because: str
    module: str = ""
    name: str = ""
    expression: str = ""
    rounds: int = 12
    makes_bcrypt: bool = False

    @property
    def is_old(self) -> bool:
        """True where stored hashes are another hasher's than the one that makes new ones."""
        return self.kind not in ("none", "argon2", "pwdlib")


def find_scheme(app: AppMap) -> Scheme:
    """The scheme of the passwords that the app has stored so far."""
    for finder in (_pwdlib, _passlib, _werkzeug, _bcrypt, _argon2, _own):
        for path, text in _sources(app):
            found = finder(app, path, text)
            if found is not None:
                return found
    return Scheme("none", "nothing in the app hashes a password")


def _sources(app: AppMap) -> Iterator[tuple[PurePosixPath, bytes]]:
    for path in sorted(app.files):
        if path.suffix == ".py" and not is_test(path):
            yield path, app.files[path]


def is_test(path: PurePosixPath) -> bool:
    """True for files of the test suite."""
    return path.name.startswith(("test_", "conftest")) or bool({"tests", "test"} & set(path.parts))


def _pwdlib(app: AppMap, path: PurePosixPath, text: bytes) -> Scheme | None:
    match = _HASHER.search(text)
    if match is None or b"pwdlib" not in text:
        return None
    name = match[1].decode()
    said = f"`{path}` hashes with it"
    is_bcrypt = match[2] == b"Bcrypt"
    return Scheme("pwdlib", said, module_for(app, path), name, makes_bcrypt=is_bcrypt)


def _passlib(app: AppMap, path: PurePosixPath, text: bytes) -> Scheme | None:
    match = CONTEXT.search(text)
    if match is None:
        return None
    schemes = [s.decode() for s in re.findall(rb"[\"']([a-z0-9_]+)[\"']", match[2])]
    named = [s for s in schemes if s != "auto"]
    said = f"`{path}` makes a passlib context for {', '.join(named) or 'its defaults'}"
    if named and all(name in _OURS for name in named):
        return Scheme("bcrypt" if "bcrypt" in named else "argon2", said)
    name = match[1].decode()
    return Scheme("elsewhere", said, module_for(app, path), name, f"{name}.verify")


def _werkzeug(_app: AppMap, path: PurePosixPath, text: bytes) -> Scheme | None:
    if re.search(rb"(?m)^\s*(from|import) werkzeug\.security", text):
        return Scheme("werkzeug", f"`{path}` hashes with werkzeug")
    return None


def _bcrypt(_app: AppMap, path: PurePosixPath, text: bytes) -> Scheme | None:
    if re.search(rb"\bbcrypt\.(hashpw|checkpw)|from bcrypt import|\bBcryptHasher\(", text):
        given = re.search(rb"gensalt\(\s*(?:rounds\s*=\s*)?(\d+)", text)
        rounds = int(given[1]) if given else 12
        return Scheme("bcrypt", f"`{path}` hashes with bcrypt", rounds=rounds)
    return None


def _argon2(_app: AppMap, path: PurePosixPath, text: bytes) -> Scheme | None:
    if re.search(rb"PasswordHash\.recommended|\bArgon2Hasher\b|\bPasswordHasher\(", text):
        return Scheme("argon2", f"`{path}` hashes with argon2")
    return None


def _own(app: AppMap, path: PurePosixPath, text: bytes) -> Scheme | None:
    match = _VERIFY.search(text)
    if match is None or not re.search(rb"hashlib|hmac|scrypt|pbkdf2", text):
        return None
    name = match[1].decode()
    return Scheme(
        "elsewhere", f"`{path}` verifies with `{name}`", module_for(app, path), name, name
    )
