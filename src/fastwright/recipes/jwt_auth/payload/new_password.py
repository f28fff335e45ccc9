"""Hashes for new passwords."""

import asyncio  # when: async

from .passwords import _hashes, _hashing


async def hash_password(password: str) -> str:
    """The hash to store for a new `password`; computed off the event loop."""
    loop = asyncio.get_running_loop()  # when: async
    return await loop.run_in_executor(_hashing, _hashes.hash, password)  # when: async
    return _hashing.submit(_hashes.hash, password).result()  # when: sync
