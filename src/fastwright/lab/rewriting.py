"""Settings that lead to other addresses: for the one case that addresses cannot be relayed.

Without namespaces the servers answer at free ports of this machine's loopback, and files lie in
scratch folders; the values of the settings are changed to say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from fastwright.lab import services
from fastwright.lab.services import REDIS, SQLITE, Service

_HOST = "127.0.0.1"
_HOST_WORD = re.compile("(HOSTNAME|HOST|SERVER|ADDRESS)$", re.IGNORECASE)
"""The end of a name that becomes that of the port beside it, which the app has a default for."""

_PLACES = frozenset({"host", "port", "sslmode", "ssl"})


def rewrite(
    values: Mapping[str, str], ports: Mapping[str, int], seen_at: Callable[[str], str]
) -> dict[str, str]:
    """`values`, with every server that is in `ports` at that port, and files where they are.

    Args:
        values: Settings by name.
        ports: Kind of server → port on loopback.
        seen_at: Gives the path at which a command finds the file that is meant.
    """
    changed = dict(values)
    for name, value in values.items():
        for service in services.read({name: value}):
            if service.named_by == name and "://" in value:
                changed[name] = _url(value, service, ports, seen_at)
    for name, (kind, part) in services.parts(values).items():
        if kind in ports and part == "host":
            changed[name] = _HOST
            changed[_HOST_WORD.sub("PORT", name)] = str(ports[kind])
        elif kind in ports and part == "port":
            changed[name] = str(ports[kind])
    return changed


def _url(
    url: str, service: Service, ports: Mapping[str, int], seen_at: Callable[[str], str]
) -> str:
    if service.kind == SQLITE:
        absolute = service.file.startswith("/")
        return url.replace(service.file, seen_at(service.file)) if absolute else url
    if service.kind not in ports:
        return url
    at = f"{_HOST}:{ports[service.kind]}"
    if service.kind == REDIS and service.socket:
        return f"redis://{at}/0"
    parts = urlsplit(url.strip())
    credentials, separator, _ = parts.netloc.rpartition("@")
    if not credentials and service.user:
        credentials, separator = quote(service.user), "@"
    options = [(key, value) for key, value in parse_qsl(parts.query) if key.lower() not in _PLACES]
    scheme = parts.scheme.replace("rediss", "redis")
    netloc = f"{credentials}{separator}{at}"
    return urlunsplit((scheme, netloc, parts.path, urlencode(options), parts.fragment))
