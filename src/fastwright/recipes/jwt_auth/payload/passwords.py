"""Passwords, verified off the event loop, whatever they were hashed with."""

import asyncio  # when: async
import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import bcrypt
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from .host import ROUNDS, own_hasher
from .stored_bcrypt import StoredBcrypt
from .stored_elsewhere import StoredElsewhere
from .stored_werkzeug import StoredWerkzeug

MAX_PASSWORD_LENGTH = 1024

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
# What reading a stored text that is no hash, or a broken one, ends in.
_UNREADABLE = (PwdlibError, ValueError, TypeError, LookupError, ArithmeticError)
# One hash costs some 64 MiB and a core for a while: half of the cores stay free.
_hashing = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2), "passwords")
_hashes = PasswordHash((Argon2Hasher(),))  # when: current
_hashes = own_hasher  # when: own-hasher
_hashes = PasswordHash((Argon2Hasher(), StoredBcrypt()))  # when: bcrypt
_hashes = PasswordHash((Argon2Hasher(), StoredWerkzeug()))  # when: werkzeug
_hashes = PasswordHash((Argon2Hasher(), StoredElsewhere()))  # when: elsewhere
# What the password of nobody is compared with.
_decoy = _hashes.hash(secrets.token_urlsafe())  # when: not-keep-bcrypt
_salt = bcrypt.gensalt(ROUNDS)  # when: keep-bcrypt
_decoy = bcrypt.hashpw(secrets.token_bytes(16), _salt).decode()  # when: keep-bcrypt


async def check_password(password: str, stored: str | None) -> str | None:
    """The hash to keep from now on where `password` is right, else `None`.

    There is exactly one verification whether `stored` is right, wrong, broken or missing, so that
    the time it takes does not tell whether there is such an account.
    """
    loop = asyncio.get_running_loop()  # when: async
    return await loop.run_in_executor(_hashing, _check, password, stored)  # when: async
    return _hashing.submit(_check, password, stored).result()  # when: sync


def is_text(value: str) -> bool:
    """False for what no account can have: too long, or not storable as text."""
    return len(value) <= MAX_PASSWORD_LENGTH and not _NOT_TEXT.search(value)


def _check(password: str, stored: str | None) -> str | None:
    target = stored or _decoy
    try:
        matches, better = _hashes.verify_and_update(password, target)  # when: not-keep
        matches, better = _hashes.verify(password, target), None  # when: keep
    except _UNREADABLE:
        _hashes.verify(password, _decoy)
        return None
    return (better or target) if matches and stored else None
