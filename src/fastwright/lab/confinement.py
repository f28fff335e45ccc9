"""The two ways to confine a command: in namespaces of its own, or by giving up rights.

Runs inside the launcher: standard library only. The second way is for kernels that refuse the
first, and only where the person accepted that; it says what it does not hold.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from fastwright.lab import kernel, landlock, newroot, seccomp

INSIDE = 1000
"""User and group inside; root's own powers, and PostgreSQL's refusal of root, both stay outside."""

Order = Mapping[str, Any]


def separate(order: Order) -> None:
    """Put the launcher into namespaces, where the order asks for them.

    Raises:
        OSError: The kernel refuses.
    """
    if order["isolated"]:
        uid, gid = os.getuid(), os.getgid()
        kernel.unshare(kernel.NAMESPACES)
        kernel.map_identity(uid, gid, INSIDE)


def enclose(order: Order) -> list[str]:
    """Give the keeper its network, root and name; say in words what holds."""
    if not order["isolated"]:
        return _confine_in_the_open(order)
    kernel.loopback_up()
    kernel.add_addresses(order["addresses"])
    socket.sethostname("fastwright")
    mounts = [(source, at, writable) for source, at, writable in order["mounts"]]
    refused = newroot.build(order["staging"], mounts, order["etc"])
    return [
        "network: own loopback only",
        "files: root built from an allow-list",
        "processes: own process namespace",
        *(f"not enforced: {what}" for what in refused),
        _landlock_words(),
        "limits: " + ", ".join(sorted(order["limits"])),
    ]


def _confine_in_the_open(order: Order) -> list[str]:
    kernel.adopt_orphans()
    abi = landlock.version()
    files = "files: Landlock, an allow-list to read and to write"
    holds = abi >= landlock.OLDEST_FOR_PORTS and seccomp.knows_machine()
    ports = "network: TCP to the private servers' ports only, no other sockets"
    return [
        "not enforced: namespaces (accepted by --unsandboxed)",
        files if abi >= landlock.OLDEST else "not enforced: limits on files",
        ports if holds else "not enforced: limits on connections",
        "not enforced: processes of the same user are seen",
        "limits: " + ", ".join(sorted(order["limits"])),
    ]


def _landlock_words() -> str:
    abi = landlock.version()
    if abi < landlock.OLDEST:
        return "not enforced: Landlock, a second layer on writes"
    return f"writes: Landlock ABI {abi} as a second layer"


def filter_calls(order: Order) -> str:
    """Filter system calls, of the keeper and of all that it starts; say what holds."""
    kernel.forgo_privileges()
    if seccomp.filter_calls(streams_only=order["ports"] is not None):
        return "calls: none to the hypervisor, the key store or the kernel's tracing"
    return "not enforced: a filter over system calls"


def give_up(order: Order) -> None:
    """Leave the command no more rights than it is to have."""
    if order["user"] is not None:
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    landlock.restrict(_rights(order))
    kernel.limit(order["limits"])


def _rights(order: Order) -> landlock.Rights:
    if order["isolated"]:
        return landlock.Rights(newroot.writable_places(order["mounts"]))
    devices = (*(f"/dev/{name}" for name in newroot.DEVICES), "/dev/shm")  # noqa: S108
    writable = tuple(source for source, _, may_write in order["mounts"] if may_write)
    readable = tuple(source for source, _, may_write in order["mounts"] if not may_write)
    system = (*newroot.SYSTEM, "/proc", *(f"/etc/{name}" for name in (*newroot.ETC, *_NAMES)))
    ports = order["ports"]
    return landlock.Rights(
        (*devices, *writable), (*system, *readable), None if ports is None else tuple(ports)
    )


_NAMES = ("group", "hosts", "nsswitch.conf", "passwd", "resolv.conf")
