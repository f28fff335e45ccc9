"""A filter over system calls, for what namespaces do not cut off. Standard library only.

Sockets to the hypervisor (``AF_VSOCK``) pass by every network namespace; the kernel's key store and
its tracing are shared by the processes of one user. A refused call returns ``EPERM``, as it does in
the containers that most programs have met already.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1  # ERRNO | EPERM
_AND = 0x54
_NUMBER, _ARCHITECTURE = 0, 4
_FIRST_ARGUMENT, _SECOND_ARGUMENT, _THIRD_ARGUMENT = 16, 24, 32
_TYPE_BITS = 0xF
_X32 = 0x40000000

_AF_VSOCK = 40


@dataclass(frozen=True, slots=True)
class _Machine:
    """The kernel's number of an architecture, of its `socket` call, and of the calls refused."""

    audit: int
    socket: int
    refused: tuple[int, ...]


# add_key request_key keyctl · kexec_load kexec_file_load · bpf perf_event_open userfaultfd ·
# io_uring_setup, by whose ring a socket could be asked for unseen
_MACHINES: Mapping[str, _Machine] = MappingProxyType(
    {
        "x86_64": _Machine(0xC000003E, 41, (248, 249, 250, 246, 320, 321, 298, 323, 425)),
        "aarch64": _Machine(0xC00000B7, 198, (217, 218, 219, 104, 294, 280, 241, 282, 425)),
    }
)


def knows_machine() -> bool:
    """Whether the numbers of this architecture's calls are known."""
    return os.uname().machine in _MACHINES


def filter_calls(*, streams_only: bool = False) -> bool:
    """Put the filter over the caller and all that it starts; False where it cannot be had.

    ``no_new_privs`` must be set before. With `streams_only`, sockets are refused too that pass by
    Landlock's rules on ports: Unix sockets, and those of the internet other than plain TCP.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    program = b"".join(_program(machine, streams_only=streams_only))
    held = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) == 0)


def _program(machine: _Machine, *, streams_only: bool) -> Iterator[bytes]:
    """Berkeley packet filter, one instruction a piece; jumps count from the next instruction."""
    yield _step(_LOAD, _ARCHITECTURE)
    yield _step(_EQUAL, machine.audit, 1, 0)
    yield _step(_RETURN, _REFUSE)  # another architecture's numbers would mean other calls
    yield _step(_LOAD, _NUMBER)
    yield _step(_AT_LEAST, _X32, 0, 1)
    yield _step(_RETURN, _REFUSE)
    for number in machine.refused:
        yield _step(_EQUAL, number, 0, 1)
        yield _step(_RETURN, _REFUSE)
    yield _step(_EQUAL, machine.socket, 1, 0)
    yield _step(_RETURN, _ALLOW)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield _step(_EQUAL, _AF_VSOCK, 0, 1)
    yield _step(_RETURN, _REFUSE)
    if streams_only:
        yield from _streams_only()
    yield _step(_RETURN, _ALLOW)


def _streams_only() -> Iterator[bytes]:
    """No Unix sockets, and only TCP streams of the internet families; see the accumulator.

    Pairs of Unix sockets are another call, and stay: event loops are made of them.
    """
    yield _step(_EQUAL, socket.AF_UNIX, 0, 1)
    yield _step(_RETURN, _REFUSE)
    yield _step(_EQUAL, socket.AF_INET, 2, 0)
    yield _step(_EQUAL, socket.AF_INET6, 1, 0)
    yield _step(_RETURN, _ALLOW)
    yield _step(_LOAD, _SECOND_ARGUMENT)
    yield _step(_AND, _TYPE_BITS)
    yield _step(_EQUAL, socket.SOCK_STREAM, 1, 0)
    yield _step(_RETURN, _REFUSE)
    yield _step(_LOAD, _THIRD_ARGUMENT)
    yield _step(_EQUAL, 0, 2, 0)
    yield _step(_EQUAL, socket.IPPROTO_TCP, 1, 0)
    yield _step(_RETURN, _REFUSE)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
