"""Has the app's own function make a token for somebody, in its process."""

from __future__ import annotations

import datetime as dt
import inspect
import sys
from typing import Any


def _argument(name: str, subject: str) -> Any:
    if name in ("data", "payload", "claims", "to_encode", "user_data", "subject_data"):
        return {"sub": subject, "username": subject, "email": subject, "user_id": subject}
    if "expire" in name or "delta" in name or "lifetime" in name:
        return dt.timedelta(minutes=15)
    return subject


async def minting(symbol: str, subject: str) -> str:
    """The token that `symbol`, a dotted function, makes for `subject`; empty where it cannot."""
    module, _, name = symbol.rpartition(".")
    function: Any = getattr(sys.modules[module], name)
    wanted = {
        p.name: _argument(p.name, subject)
        for p in inspect.signature(function).parameters.values()
        if p.default is inspect.Parameter.empty or "expire" in p.name
    }
    made = function(**wanted)
    if inspect.isawaitable(made):
        made = await made
    token = getattr(made, "access_token", made)
    token = token.get("access_token") if isinstance(token, dict) else token
    return token.decode("ascii") if isinstance(token, bytes) else str(token or "")
