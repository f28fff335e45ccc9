"""Passwords, hashed and verified off the event loop, whatever they were hashed with."""

import asyncio  # when: async

import bcrypt

from .host import ROUNDS
from .passwords import _hashes, _hashing

MIN_PASSWORD_LENGTH = 12
# More bytes than these a bcrypt hash does not read.  # when: keep-bcrypt
LONGEST = 72  # when: keep-bcrypt


async def hash_password(password: str) -> str:
    """The hash to store for a new `password`; computed off the event loop."""
    loop = asyncio.get_running_loop()  # when: async
    return await loop.run_in_executor(_hashing, _new_hash, password)  # when: async
    return _hashing.submit(_new_hash, password).result()  # when: sync


def _new_hash(password: str) -> str:
    return _hashes.hash(password)  # when: not-keep
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()  # when: keep
