"""Calls that leave the process: which block the thread they run in, and which know a timeout."""

from __future__ import annotations

import re
from types import MappingProxyType

from fastwright.model.code import Call
from fastwright.review.reach import last

_HTTP = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "send",
                   "stream"})  # fmt: skip
_EXACT = MappingProxyType({
    "time.sleep": "sleeps",
    "urllib.request.urlopen": "waits for another server",
    "os.system": "waits for another program",
    "subprocess.run": "waits for another program",
    "subprocess.call": "waits for another program",
    "subprocess.check_call": "waits for another program",
    "subprocess.check_output": "waits for another program",
    "subprocess.getoutput": "waits for another program",
    "socket.create_connection": "waits for another server",
    "socket.gethostbyname": "waits for a name server",
    "socket.getaddrinfo": "waits for a name server",
    "smtplib.SMTP": "waits for a mail server",
    "smtplib.SMTP_SSL": "waits for a mail server",
    "bcrypt.hashpw": "hashes a password",
    "bcrypt.checkpw": "hashes a password",
})  # fmt: skip
_HASHERS = frozenset({"CryptContext", "PasswordHash", "PasswordHasher", "bcrypt", "argon2"})
_HASHER_VERBS = frozenset({"hash", "verify", "verify_and_update"})
_CLIENTS = re.compile(
    r"(?:requests(?:\.sessions)?\.(?:Session|session)|httpx2?\.Client)(?:\.__call__)?\.\w+"
)


def blocks(call: Call) -> str:
    """What a call waits for without giving the event loop back; empty where it does not."""
    dotted = call.callee or ""
    if call.awaited or not dotted:
        return ""
    if dotted in _EXACT:
        return _EXACT[dotted]
    package, verb = dotted.partition(".")[0], last(dotted)
    if package == "requests" or (package in ("httpx", "httpx2") and "Async" not in dotted):
        return "waits for another server" if is_request(call) else ""
    if package in ("passlib", "pwdlib", "argon2") and verb in _HASHER_VERBS:
        return "hashes a password" if _HASHERS & set(dotted.split(".")) else ""
    return ""


def is_request(call: Call) -> bool:
    """True for a call that sends a request by requests or httpx, through a client or without."""
    dotted = call.callee or ""
    if last(dotted) not in _HTTP:
        return False
    owner = dotted.rpartition(".")[0]
    return owner in ("requests", "requests.api", "httpx", "httpx2") or bool(
        _CLIENTS.fullmatch(dotted) or "AsyncClient." in dotted
    )


def waits_for_ever(call: Call) -> bool:
    """True for a call to another server that no timeout ends."""
    dotted, given = call.callee or "", dict(call.keywords)
    if "**" in given:
        return False
    limit = given.get("timeout")
    package = dotted.partition(".")[0]
    if package in ("httpx", "httpx2"):
        made = last(dotted) in ("Client", "AsyncClient")
        return limit == "None" and (made or is_request(call))
    if package == "requests":
        return limit in (None, "None") and is_request(call)
    places = {"urllib.request.urlopen": 2, "smtplib.SMTP": 3, "smtplib.SMTP_SSL": 5}
    if dotted in places:
        connects = bool(call.arguments or "host" in given or package == "urllib")
        return limit in (None, "None") and connects and len(call.arguments) <= places[dotted]
    return False
