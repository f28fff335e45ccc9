"""What a text says of itself: a live host, a password in use, a key that a service gave.

Nothing here hands a secret on: what is said of one is its kind and its length.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType

_URL = re.compile(
    r"\b(?P<scheme>[a-z][a-z0-9]+(?:\+[a-z0-9]+)?)://(?P<user>[^\s:/@'\"{}<>]*):"
    r"(?P<password>[^\s:/@'\"{}<>]+)@(?P<host>[A-Za-z0-9][\w.-]*)",
)
_HOST = re.compile(r"(?:[a-z]+://)?(?P<host>[A-Za-z0-9][\w-]*(?:\.[\w-]+)+)(?::\d+)?/?")
_GIVEN = MappingProxyType({
    r"[sr]k_live_[A-Za-z0-9]{16,}": "a live key of Stripe",
    r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,}": "a token of GitHub",
    r"glpat-[\w-]{20,}": "a token of GitLab",
    r"SG\.[\w-]{16,}\.[\w-]{16,}": "a key of SendGrid",
    r"xox[bp]-\d{8,}-[\w-]{20,}": "a token of Slack",
    r"sk-(?:proj-|ant-[\w]+-|or-v1-)?[A-Za-z0-9_-]{32,}": "a key of a model's API",
    r"AIza[\w-]{35}": "a key of Google's API",
    r"GOCSPX-[\w-]{28}": "a client secret of Google",
    r"\d{8,10}:AA[\w-]{33}": "a token of a Telegram bot",
    r"hf_[A-Za-z]{34}": "a token of Hugging Face",
    r"xkeysib-[0-9a-f]{64}-\w{16}": "a key of Brevo",
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\s|\\n)+[\w+/=\s\\]{200,}-----END [A-Z ]+-----\s*":
        "a private key",
})  # fmt: skip
"""How keys begin that a service makes, and what they are."""
_LOCAL = re.compile(
    r"(?i)(?:^|\.)(?:local|localhost|localdomain|lan|home|test|example|invalid|svc|internal"
    r"|docker)$"
    r"|\.svc\."
)
_MADE_UP = re.compile(
    r"(?i)example|your|placeholder|sample|(?:^|[.-])(?:my|some|host|hostname|domain|server|company|"
    r"acme|foo|bar|xxx+)(?:[.-]|$)|^(?:my|db)\.?(?:host|server|domain)|xxx"
)
_MANAGED = re.compile(r"^dpg-[a-z0-9]{15,}-a$|\.railway\.internal$|\.flycast$")
"""Names by which a service answers inside of its own network."""
_PLACEHOLDER = re.compile(
    r"(?i)p[a4]ss(?!ion)|(?<![a-z])pwd|pw$|secret|ch[a4]ng[e3]|your|example|placeholder|sample"
    r"|dummy|fake|\*\*|(?<![a-z])(?:xxx|todo|my|key)(?![a-z])|\.\.\.|12345|abcde|qwert|insert"
    r"|replace|here|token|test|default|^(?:user|admin|root|guest|postgres|mysql|redis|rabbit|none"
    r"|null|string|foo|bar)\w{0,4}$|%\(|\$\{|\$\(|^\$|^<|^\{"
)
_CLASSES = (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]")
_HEX = re.compile(r"[0-9a-f-]{32,}|[0-9A-F-]{32,}")
_FOR_CLIENTS = re.compile(r"phc_\w{20,}|pk_(?:live|test)_\w{16,}|pk\.eyJ[\w.-]+")
"""Keys of PostHog, Stripe and Mapbox that pages hand to every browser."""
_TOKEN = re.compile(r"eyJ[\w-]+\.(?P<claims>[\w-]+)\.[\w-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A server that a URL names with a password: only `password` may never be shown."""

    scheme: str
    host: str
    password: str
    user: str


def address_in(text: str) -> Address | None:
    """The first server with a password that a text names, unless the password is a placeholder."""
    for found in _URL.finditer(text):
        user, password = found["user"], found["password"]
        if not is_placeholder(password) and password.lower() != user.lower():
            return Address(found["scheme"], found["host"].rstrip("."), password, user)
    return None


def host_in(text: str) -> str | None:
    """The host that a text is, with or without a port: a name with dots."""
    found = _HOST.fullmatch(text)
    return found["host"] if found is not None else None


def is_live(host: str) -> bool:
    """True for a host that anybody can look up, or that a hosting service gave its name."""
    if _MANAGED.search(host):
        return True
    if "." not in host or _MADE_UP.search(host) or _LOCAL.search(host):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return bool(re.fullmatch(r"[A-Za-z]{2,}", host.rpartition(".")[2]))


def is_placeholder(text: str) -> bool:
    """True for what stands in place of a secret, or is one that everybody tries first."""
    few = len(set(text)) < min(5, len(text))
    return len(text) < 6 or few or _PLACEHOLDER.search(text) is not None


def is_generated(text: str, least: int) -> bool:
    """True for what no person has thought of: `least` characters and more, without words."""
    if len(text) < least or is_placeholder(text) or not re.fullmatch(r"[\w+/=.~!@#^&*$-]+", text):
        return False
    if _HEX.fullmatch(text):
        return len(set(text)) >= 8
    kinds = sum(re.search(kind, text) is not None for kind in _CLASSES[:3])
    words = re.findall(r"[A-Z]?[a-z]{4,}|[A-Z]{5,}", text)
    in_words = sum(map(len, words))
    is_mixed = kinds == 3 or (kinds == 2 and len(text) >= 24)
    return is_mixed and in_words <= 0.45 * len(text) and len(set(text)) >= 0.4 * min(len(text), 24)


def given_by(text: str) -> str | None:
    """What kind of key a service gave, by how it begins; ``None`` for any other text."""
    for shape, kind in _GIVEN.items():
        if re.fullmatch(shape, text) and (kind == "a private key" or _is_drawn(text)):
            return kind
    return None


def _is_drawn(text: str) -> bool:
    return len(set(text)) >= 12 and not re.search(
        r"(?i)xxx|your|example|12345678|abcdefg|test", text
    )


def is_for_everybody(text: str) -> bool:
    """True for what browsers have many of: a key that pages hand out, or a signed token.

    A token that says that it may do everything is none of them.
    """
    if _FOR_CLIENTS.fullmatch(text):
        return True
    found = _TOKEN.fullmatch(text)
    if found is None:
        return False
    padded = found["claims"] + "=" * (-len(found["claims"]) % 4)
    return b"service_role" not in base64.urlsafe_b64decode(padded)
