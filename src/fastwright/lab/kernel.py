"""The few system calls that a sandbox is made of. Linux only; standard library only.

Everything here acts on the calling process and raises `OSError` where the kernel refuses.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import socket
import struct
from collections.abc import Iterable, Mapping

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_SIGKILL = 9

_SYS_MOUNT_SETATTR = 442

_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100

_SIOCSIFFLAGS = 0x8914
_SIOCSIFADDR = 0x8916
_IFF_UP_RUNNING = 0x1 | 0x40
_LOOPBACK_INDEX = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Put the caller into new namespaces; a new pid namespace holds from the next fork."""
    _call("unshare", _libc.unshare(flags))


def map_identity(outside_uid: int, outside_gid: int, inside: int) -> None:
    """Stand in the caller's new user namespace as user and group `inside`, and as nobody else."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {outside_uid} 1"),
        ("gid_map", f"{inside} {outside_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as control:
            control.write(text)


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends."""
    _call("prctl", _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends."""
    _call("prctl", _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def forgo_privileges() -> None:
    """No program started from here on gains a capability, be it set-uid or not."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break
    _call("prctl", _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def limit(limits: Mapping[str, int]) -> None:
    """Lower resource limits, given by the names of `resource` (``RLIMIT_CORE``)."""
    for name, value in limits.items():
        which = getattr(resource, name)
        _, ceiling = resource.getrlimit(which)
        allowed = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(which, (allowed, allowed))


# ------------------------------------------------------------------------------------- mounts


def mount(source: str, at: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """One `mount(2)`; `kind` is the file system, ``None`` for a bind."""
    encoded = kind.encode() if kind else None
    result = _libc.mount(
        os.fsencode(source), os.fsencode(at), encoded, ctypes.c_ulong(flags), options.encode()
    )
    _call(f"mount {kind or 'bind'} {at}", result)


def make_read_only(at: str, *, below: bool = True) -> None:
    """Make a mount, with all mounts `below` it, read-only and without set-uid programs."""
    reach = _AT_RECURSIVE if below else 0
    attributes = struct.pack("QQQQ", MS_RDONLY | MS_NOSUID, 0, 0, 0)
    result = _libc.syscall(
        _SYS_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(at), reach, attributes, len(attributes)
    )
    if result < 0:  # before Linux 5.12: the top mount only, keeping the flags it is locked to
        kept = os.statvfs(at).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount("", at, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | kept)


def enter_root(folder: str) -> None:
    """Make `folder`, a mount point, the root; the old root is out of reach afterwards."""
    os.chdir(folder)
    _call("pivot_root", _libc.pivot_root(b".", b"."))
    _call("umount2", _libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


# ------------------------------------------------------------------------------------ network


def loopback_up() -> None:
    """Bring up the loopback interface of the caller's network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING)
        fcntl.ioctl(control, _SIOCSIFFLAGS, request)


def add_addresses(addresses: Iterable[str]) -> None:
    """Give the loopback interface further literal addresses, so that it answers to them."""
    for number, text in enumerate(addresses):
        if ":" in text:
            _add_ipv6(socket.inet_pton(socket.AF_INET6, text))
        else:
            _add_ipv4(socket.inet_aton(text), number)


def _add_ipv4(packed: bytes, number: int) -> None:
    if packed[0] in (0, 127):  # to connect to 0.0.0.0 is to connect to loopback
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = f"lo:{number}".encode()
        where = struct.pack("HH4s8x", socket.AF_INET, 0, packed)
        fcntl.ioctl(control, _SIOCSIFADDR, struct.pack("16s16s8x", name, where))


def _add_ipv6(packed: bytes) -> None:
    if packed == socket.inet_pton(socket.AF_INET6, "::1"):
        return
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFADDR, struct.pack("16sIi", packed, 128, _LOOPBACK_INDEX))
