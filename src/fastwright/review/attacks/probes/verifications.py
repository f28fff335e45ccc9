"""Counts how often the app's process verifies or computes a password hash."""

from __future__ import annotations

import importlib
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

NAME = "fastwright_verifications"
PLACES = (
    ("pwdlib", "PasswordHash", "verify"),
    ("pwdlib", "PasswordHash", "verify_and_update"),
    ("pwdlib", "PasswordHash", "hash"),
    ("argon2", "PasswordHasher", "verify"),
    ("argon2", "PasswordHasher", "hash"),
    ("passlib.context", "CryptContext", "verify"),
    ("passlib.context", "CryptContext", "verify_and_update"),
    ("passlib.context", "CryptContext", "hash"),
    ("passlib.crypto.digest", "", "pbkdf2_hmac"),
    ("werkzeug.security", "", "check_password_hash"),
    ("bcrypt", "", "checkpw"),
    ("bcrypt", "", "hashpw"),
    ("hashlib", "", "pbkdf2_hmac"),
    ("hashlib", "", "scrypt"),
)


def _counting(original: Callable[..., Any], state: Any) -> Callable[..., Any]:
    """`original`, counted where it is not called by another that is counted."""

    def counted(*args: Any, **kwargs: Any) -> Any:
        depth = getattr(state.local, "depth", 0)
        state.local.depth = depth + 1
        if depth == 0:
            with state.lock:
                state.count += 1
        try:
            return original(*args, **kwargs)
        finally:
            state.local.depth = depth

    return counted


def _put(state: Any, owner: Any, name: str, value: Any) -> None:
    state.undo.append((owner, name, getattr(owner, name)))
    setattr(owner, name, value)


def _aliases(original: Any) -> Iterator[tuple[Any, str]]:
    """Every module that holds the function under a name of its own."""
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is original:
                yield module, name


def _start(state: Any) -> None:
    for module_name, class_name, function in PLACES:
        try:
            module = importlib.import_module(module_name)
        except ImportError:  # what is not there verifies nothing
            continue
        owner = getattr(module, class_name, None) if class_name else module
        original = getattr(owner, function, None)
        if original is None:
            continue
        counted = _counting(original, state)
        if class_name:
            _put(state, owner, function, counted)
            continue
        for holder, name in _aliases(original):
            _put(state, holder, name, counted)


def _fresh() -> Any:
    state: Any = types.ModuleType(NAME)
    state.count, state.undo = 0, []
    state.local, state.lock = threading.local(), threading.Lock()
    return state


def verifications(action: str) -> int:
    """Start or stop counting, or (``take``) return the count since last time."""
    state: Any = sys.modules.setdefault(NAME, _fresh())
    if action == "start":
        _start(state)
    elif action == "stop":
        for owner, name, value in reversed(state.undo):
            setattr(owner, name, value)
        del sys.modules[NAME]
    count, state.count = state.count, 0
    return int(count)
