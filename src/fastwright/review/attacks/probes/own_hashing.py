"""Hashes a password with the app's own function or object, in its process."""

from __future__ import annotations

import inspect
from typing import Any


async def own_hashing(symbol: str, password: str) -> str:
    """What `symbol`, a dotted function, method or hasher, makes of `password`."""
    maker: Any = load(symbol)  # type: ignore[name-defined]  # noqa: F821 - the guest gives it
    if not callable(maker):
        maker = maker.hash
    try:
        made = maker(password)
    except (AttributeError, TypeError):  # bcrypt's own functions take bytes
        made = maker(password.encode())
    if inspect.isawaitable(made):
        made = await made
    return made.decode("ascii") if isinstance(made, bytes) else str(made)
