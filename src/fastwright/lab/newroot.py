"""A root file system built from an allow-list, for the process that is about to live in it.

Runs inside the launcher: standard library only. Nothing of the machine is visible except what is
named here or in the list of mounts; every name is bound read-only unless it is said to be writable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from fastwright.lab import kernel

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# Of /etc only what programs need to run: no accounts, no keys, no configuration of services.
ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "os-release",
    "pki/ca-trust",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = MappingProxyType(
    {
        "fd": "/proc/self/fd",
        "stdin": "/proc/self/fd/0",
        "stdout": "/proc/self/fd/1",
        "stderr": "/proc/self/fd/2",
        "ptmx": "pts/ptmx",
    }
)
_EMPTY = ("/dev/shm", "/run", "/tmp", "/var")  # noqa: S108 - mount points inside the new root


def build(
    staging: str, mounts: Sequence[tuple[str, str, bool]], etc: Mapping[str, str]
) -> tuple[str, ...]:
    """Make the new root at `staging` and enter it.

    Args:
        staging: An existing empty folder; nothing is written to the file system that it is on.
        mounts: ``(source, at, writable)``, all absolute; a missing source is left out.
        etc: Files of ``/etc`` by name, with their text.

    Returns:
        What could not be had, in words; empty where all of it was.

    Raises:
        OSError: A mount that isolation rests on was refused.
    """
    kernel.mount("", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    _tmpfs(staging)
    for name in SYSTEM:
        _system(staging, name)
    for at in _EMPTY:
        os.makedirs(staging + at, mode=0o755, exist_ok=True)
        _tmpfs(staging + at, mode="1777" if at != "/var" else "755")
    _etc(staging, etc)
    refused = _devices(staging)
    for source, at, writable in sorted(mounts, key=lambda mount: mount[1].split("/")):
        if _stays_within(staging, at):
            _bind(source, staging + at, writable=writable)
    _links(staging)
    refused += _processes(staging + "/proc")
    kernel.make_read_only(staging, below=False)
    kernel.enter_root(staging)
    return refused


def _tmpfs(at: str, mode: str = "755") -> None:
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", at, "tmpfs", flags, f"size=2g,mode={mode}")


def _system(staging: str, name: str) -> None:
    if os.path.islink(name):
        os.symlink(os.readlink(name), staging + name)
    else:
        _bind(name, staging + name)


def _bind(source: str, at: str, *, writable: bool = False, device: bool = False) -> None:
    if not os.path.exists(source):
        return
    if not os.path.exists(at):
        _mount_point(at, folder=os.path.isdir(source))
    kernel.mount(source, at, None, kernel.MS_BIND | kernel.MS_REC)
    if not (writable or device):
        kernel.make_read_only(at)


def _stays_within(staging: str, at: str) -> bool:
    """False where a link in a folder that is mounted already would lead the mount point out."""
    folder = os.path.realpath(os.path.dirname(staging + at))
    return (folder + "/").startswith(os.path.realpath(staging) + "/")


def _mount_point(at: str, *, folder: bool) -> None:
    os.makedirs(at if folder else os.path.dirname(at), exist_ok=True)
    if not folder:
        os.close(os.open(at, os.O_CREAT | os.O_WRONLY, 0o644))


def _etc(staging: str, texts: Mapping[str, str]) -> None:
    for name in ETC:
        place = f"/etc/{name}"
        if os.path.islink(place):
            os.makedirs(os.path.dirname(staging + place), exist_ok=True)
            os.symlink(os.readlink(place), staging + place)
        else:
            _bind(place, staging + place)
    for name, text in texts.items():
        with open(f"{staging}/etc/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def _devices(staging: str) -> tuple[str, ...]:
    for name in DEVICES:
        _bind(f"/dev/{name}", f"{staging}/dev/{name}", device=True)
    for name, target in _LINKS.items():
        os.symlink(target, f"{staging}/dev/{name}")
    os.mkdir(f"{staging}/dev/pts")
    flags = kernel.MS_NOSUID | kernel.MS_NOEXEC
    return _attempt(
        "terminals",
        lambda: kernel.mount(
            "devpts", f"{staging}/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666"
        ),
    )


def _links(staging: str) -> None:
    for at, target in (("/var/run", "/run"), ("/var/tmp", "/tmp")):  # noqa: S108
        if not os.path.lexists(staging + at):
            os.symlink(target, staging + at)


def _processes(at: str) -> tuple[str, ...]:
    """A fresh process file system, read-only; the outer one where the kernel refuses.

    Read-only, because a file under ``/proc/sys`` obeys whoever is root outside, and that may be
    the person who runs this.
    """
    os.mkdir(at)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    refused = _attempt("own process list", lambda: kernel.mount("proc", at, "proc", flags))
    if refused:
        kernel.mount("/proc", at, None, kernel.MS_BIND | kernel.MS_REC)
    refused += _attempt("no further namespaces", lambda: _forbid_namespaces(at))
    kernel.make_read_only(at)
    return refused


def _forbid_namespaces(at: str) -> None:
    """In a namespace of its own a process would be privileged again."""
    with open(f"{at}/sys/user/max_user_namespaces", "w", encoding="ascii") as limit:
        limit.write("0")


def _attempt(what: str, action: Callable[[], None]) -> tuple[str, ...]:
    try:
        action()
    except OSError as error:
        return (f"{what}: {os.strerror(error.errno or 0)}",)
    return ()


def writable_places(mounts: Iterable[tuple[str, str, bool]]) -> tuple[str, ...]:
    """Where the new root may be written, for Landlock."""
    named = tuple(at for source, at, writable in mounts if writable and os.path.exists(at))
    devices = tuple(f"/dev/{name}" for name in DEVICES)
    return tuple(dict.fromkeys((*_EMPTY, "/dev/pts", *devices, *named)))
