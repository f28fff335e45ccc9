"""Taking secrets out of text before it is written anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[redacted]"
SHORTEST = 4
"""Characters below which a value is not searched for: it would mask half of all words."""

_WELL_KNOWN = frozenset({
    "test", "tests", "testing", "admin", "root", "user", "guest", "secret", "password", "postgres",
    "mysql", "redis", "default", "example", "local", "localhost", "changeme", "changethis",
})  # fmt: skip
"""What examples set: it hides nothing, and masking it would garble what is told."""
_WORD = re.compile(r"[a-z]{4,10}|[A-Z]{4,10}|[A-Z][a-z]{3,9}")
"""A value that is a word by itself is masked where it stands by itself."""

_PATTERNS = (
    # A JSON web token: three base64url parts, the first a JSON object.
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?(?:\.[\w-]*){0,2}"),
    # Password hashes: modular crypt and argon2.
    re.compile(r"\$(?:2[aby]|argon2(?:id|i|d)|pbkdf2-sha\d+|scrypt|5|6)\$[\w./+=,$-]{16,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    # The password of a URL: scheme://user:HERE@host.
    re.compile(r"(?<=://)(?P<keep>[^\s:/@'\"]*):[^\s'\"]+(?=@)"),
    # Keys of services that are known by how they begin: Stripe, AWS, GitHub, Slack, Google.
    re.compile(
        r"\b(?:[srp]k_(?:live|test)_\w{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|gh[pousr]_\w{20,}"
        r"|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,})"
    ),
    # The credentials of a header.
    re.compile(r"(?P<keep>\b(?:Bearer|Basic))\s+(?=\S*\d)[\w.~+/=-]{12,}", re.IGNORECASE),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with each of `secrets`, and whatever looks like one, replaced by a mask.

    Looking like one are: JSON web tokens, password hashes, private keys, the password in a URL
    and the credentials of an ``Authorization`` header. Longer secrets go first, so that one that
    contains another is masked whole; those under `SHORTEST` characters are left, and so are words
    that everybody knows, such as ``test``.
    """
    known = {s for s in secrets if len(s) >= SHORTEST and s not in _WELL_KNOWN}
    for secret in sorted(known, key=len, reverse=True):
        if _WORD.fullmatch(secret):
            text = re.sub(rf"\b{secret}\b", MASK, text)
        else:
            text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    kept = match.groupdict().get("keep")
    if kept is None:
        return MASK
    return f"{kept} {MASK}" if kept.lower() in ("bearer", "basic") else f"{kept}:{MASK}"
