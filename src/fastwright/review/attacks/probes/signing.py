"""Has the app's process sign tokens of an attack's choice with its own key, which stays there.

The key is taken from the app's own call while it signs a token at a login: PyJWT and python-jose.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

NAME = "fastwright_signing"
# Where a token's payload becomes a signed text, and at which place in the arguments it stands.
PLACES = (
    ("jwt.api_jws", "PyJWS", "encode", 1),
    ("jwt.api_jws", "", "encode", 0),
    ("jose.jws", "", "sign", 0),
)


def _recording(original: Callable[..., Any], place: int, state: Any) -> Callable[..., Any]:
    def recorded(*args: Any, **kwargs: Any) -> Any:
        token = original(*args, **kwargs)
        state.calls.append((_text(token), original, place, args, kwargs))
        return token

    return recorded


def _start(state: Any) -> None:
    for module_name, class_name, function, place in PLACES:
        try:
            module = importlib.import_module(module_name)
        except ImportError:  # what is not there signs nothing
            continue
        owner = getattr(module, class_name) if class_name else module
        original = getattr(owner, function)
        state.undo.append((owner, function, original))
        setattr(owner, function, _recording(original, place, state))


def _text(token: Any) -> str:
    return token.decode("ascii") if isinstance(token, bytes) else str(token)


def _mint(state: Any, like: str, changes: Mapping[str, Any], drop: Sequence[str]) -> str:
    # A login may sign several tokens, one to renew it by: the one that was carried is meant.
    calls = [call for call in state.calls if call[0] == like] or state.calls
    _, original, place, args, kwargs = calls[-1]
    given = args[place] if len(args) > place else kwargs["payload"]
    claims = json.loads(given) if isinstance(given, (bytes, str)) else dict(given)
    claims.update(changes)
    for name in drop:
        claims.pop(name, None)
    wanted: Any = json.dumps(claims).encode() if isinstance(given, bytes) else claims
    if len(args) > place:
        args = (*args[:place], wanted, *args[place + 1 :])
    else:
        kwargs = dict(kwargs, payload=wanted)
    return _text(original(*args, **kwargs))


def _fresh() -> Any:
    state: Any = types.ModuleType(NAME)
    state.calls, state.undo = [], []
    return state


def signing(
    action: str,
    changes: Mapping[str, Any] | None = None,
    drop: Sequence[str] = (),
    like: str = "",
) -> str | bool:
    """``start`` to watch, ``seen`` after a login, ``mint`` with changed claims, ``stop``.

    What is minted is signed as the token `like` was, else as the last one.
    """
    state: Any = sys.modules.setdefault(NAME, _fresh())
    if action == "start":
        _start(state)
    elif action == "mint":
        return _mint(state, like, changes or {}, drop)
    elif action == "stop":
        for owner, name, value in reversed(state.undo):
            setattr(owner, name, value)
        del sys.modules[NAME]
    return bool(state.calls)
