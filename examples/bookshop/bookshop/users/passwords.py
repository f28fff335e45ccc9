"""How passwords are stored: bcrypt, which reads no further than 72 bytes."""

import asyncio

import bcrypt

LONGEST = 72


async def hash_password(password: str) -> str:
    hashed = await asyncio.to_thread(bcrypt.hashpw, password.encode(), bcrypt.gensalt(rounds=10))
    return hashed.decode("ascii")
