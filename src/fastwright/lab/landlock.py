"""Landlock: a process gives up rights over files, ports and signals, for good.

Standard library only; runs inside the launcher.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass

# These numbers are the same on every architecture.
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_BENEATH_PATH, _AT_PORT = 1, 2

_READS = 1 << 0 | 1 << 2 | 1 << 3  # execute, read_file, read_dir
# write_file, remove_*, make_*, and from ABI 2 refer, from ABI 3 truncate
_WRITES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13))
_TRUNCATE = 1 << 14
_ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | _TRUNCATE
_CONNECT_TCP = 1 << 1
_SCOPE_ABSTRACT_SOCKETS = 1 << 0
_SCOPE_SIGNALS = 1 << 1

OLDEST = 2
"""ABI 1 is not used: it refuses every rename between folders, which ordinary programs do."""
OLDEST_FOR_PORTS = 4


@dataclass(frozen=True, slots=True)
class Rights:
    """What is left to a process.

    Attributes:
        writable: Paths below which it may write, and read.
        readable: Paths below which it may read; ``None`` for everything.
        ports: TCP ports that it may connect to; ``None`` for all.
    """

    writable: tuple[str, ...]
    readable: tuple[str, ...] | None = None
    ports: tuple[int, ...] | None = None


_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The Landlock ABI of this kernel; 0 where there is none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, 1)))


def restrict(rights: Rights) -> bool:
    """Give up all but `rights`; False where the kernel cannot do it. Needs ``no_new_privs``."""
    abi = version()
    if abi < OLDEST:
        return False
    files = _WRITES | (_TRUNCATE if abi >= 3 else 0)
    files |= 0 if rights.readable is None else _READS
    rules = _ruleset(abi, files, rights)
    for path in rights.writable:
        _allow(rules, path, files)
    for path in rights.readable or ():
        _allow(rules, path, _READS)
    if abi >= OLDEST_FOR_PORTS:
        for port in rights.ports or ():
            _add(rules, _AT_PORT, struct.pack("=QQ", _CONNECT_TCP, port))
    _call(_libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)
    return True


def _ruleset(abi: int, files: int, rights: Rights) -> int:
    """Each ABI knows a longer form of the ruleset: files, then ports, then scopes."""
    ports = 0 if rights.ports is None else _CONNECT_TCP
    scopes = _SCOPE_SIGNALS | (0 if rights.ports is None else _SCOPE_ABSTRACT_SOCKETS)
    size = 24 if abi >= 6 else 16 if abi >= OLDEST_FOR_PORTS else 8
    attributes = struct.pack("QQQ", files, ports, scopes)[:size]
    return _call(_libc.syscall(_CREATE_RULESET, attributes, size, 0))


def _allow(rules: int, path: str, files: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        allowed = files if os.path.isdir(path) else files & _ON_FILES
        _add(rules, _BENEATH_PATH, struct.pack("=Qi", allowed, place))
    finally:
        os.close(place)


def _add(rules: int, kind: int, rule: bytes) -> None:
    _call(_libc.syscall(_ADD_RULE, rules, kind, rule, 0))


def _call(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock: {os.strerror(number)}")
    return result
