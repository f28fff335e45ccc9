"""Which servers an app expects, and where: read from the values of its settings.

Values come as URLs (``postgresql+asyncpg://user:pw@db:5432/shop``) or in parts
(``POSTGRES_SERVER``, ``POSTGRES_PORT``, …). Nothing is connected to here.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import parse_qs, unquote, urlsplit

POSTGRESQL = "postgresql"
REDIS = "redis"
SQLITE = "sqlite"

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "amqp": "RabbitMQ",
        "amqps": "RabbitMQ",
        "clickhouse": "ClickHouse",
        "cockroachdb": "CockroachDB",
        "kafka": "Kafka",
        "mariadb": "MySQL",
        "memcached": "Memcached",
        "mongodb": "MongoDB",
        "mssql": "SQL Server",
        "mysql": "MySQL",
        "nats": "NATS",
        "neo4j": "Neo4j",
        "oracle": "Oracle",
        "postgres": POSTGRESQL,
        "postgresql": POSTGRESQL,
        "redis": REDIS,
        "rediss": REDIS,
        "sqlite": SQLITE,
        "unix": REDIS,
        "valkey": REDIS,
    }
)
_PORTS: Mapping[str, int] = MappingProxyType({POSTGRESQL: 5432, REDIS: 6379})
# Words of a variable's name that say what server its parts belong to. The generic ones mean
# PostgreSQL unless a port or dialect beside them says otherwise.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "KAFKA": "Kafka",
        "MARIADB": "MySQL",
        "MONGO": "MongoDB",
        "MONGODB": "MongoDB",
        "MYSQL": "MySQL",
        "PG": POSTGRESQL,
        "POSTGRES": POSTGRESQL,
        "POSTGRESQL": POSTGRESQL,
        "RABBITMQ": "RabbitMQ",
        "REDIS": REDIS,
        "VALKEY": REDIS,
        "DATABASE": POSTGRESQL,
        "DB": POSTGRESQL,
    }
)
_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "ADDRESS": "host",
        "DATABASE": "database",
        "DATABASE_NAME": "database",
        "DB": "database",
        "DBNAME": "database",
        "DB_NAME": "database",
        "DIALECT": "dialect",
        "DRIVER": "dialect",
        "ENGINE": "dialect",
        "HOST": "host",
        "HOSTNAME": "host",
        "NAME": "database",
        "PASS": "password",
        "PASSWORD": "password",
        "PORT": "port",
        "SCHEME": "dialect",
        "SERVER": "host",
        "TYPE": "dialect",
        "USER": "user",
        "USERNAME": "user",
    }
)
_LIBPQ = re.compile(r"^PG(HOST|PORT|USER|PASSWORD|DATABASE)$")
_URL = re.compile(r"^\s*([a-z][a-z0-9]*)((?:\+[a-z0-9_]+)?):/", re.IGNORECASE)
_HOST_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$")
_FOREIGN_PORTS: Mapping[str, str] = MappingProxyType(
    {"1433": "SQL Server", "3306": "MySQL", "27017": "MongoDB"}
)


@dataclass(frozen=True, slots=True)
class Service:
    """One server at one address, as an app's settings name it.

    Attributes:
        kind: ``postgresql``, ``redis``, ``sqlite``, or the name of one that is not served.
        named_by: The setting, or the settings, that say so.
        host: Name or literal address; empty for a socket or file.
        port: TCP port; 0 for a socket or file.
        socket: Folder (PostgreSQL) or path (Redis) of a Unix socket.
        file: Absolute path of an SQLite file; relative ones lie in the tree.
        tls: The settings insist on an encrypted connection.
    """

    kind: str
    named_by: str
    host: str = ""
    port: int = 0
    socket: str = ""
    file: str = ""
    user: str = ""
    password: str = ""
    database: str = ""
    tls: bool = False


class Reach(enum.StrEnum):
    """How a host is made to lead to loopback."""

    NAME = "name"
    ADDRESS = "address"
    NOT_POSSIBLE = "not possible"


def reach(host: str) -> Reach:
    """Whether `host` is a name, a literal address, or neither."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Reach.NAME if _HOST_NAME.match(host) else Reach.NOT_POSSIBLE
    return Reach.ADDRESS


def read(values: Mapping[str, str]) -> tuple[Service, ...]:
    """The services that settings name, each once, in the settings' order."""
    found = (*_from_urls(values), *_from_parts(values))
    return tuple(dict.fromkeys(found))


# --------------------------------------------------------------------------------------- URLs


def _from_urls(values: Mapping[str, str]) -> Iterator[Service]:
    for name, value in values.items():
        matched = _URL.match(value)
        kind = _KINDS.get(matched[1].lower()) if matched else None
        if kind == SQLITE:
            yield from _sqlite(name, value)
        elif kind == REDIS and matched and "socket" in _socket_scheme(matched):
            yield Service(REDIS, name, socket=urlsplit(value.strip()).path)
        elif kind is not None:
            yield from _networked(kind, name, value.strip())


def _socket_scheme(matched: re.Match[str]) -> str:
    return "socket" if matched[1].lower() == "unix" else matched[2].lower()


def _sqlite(name: str, url: str) -> Iterator[Service]:
    path = unquote(url.partition("://")[2]).partition("?")[0].removeprefix("/")
    path = path.removeprefix("file:")
    if path and path != ":memory:":
        yield Service(SQLITE, name, file=str(PurePosixPath(path)))


def _networked(kind: str, name: str, url: str) -> Iterator[Service]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    options = {key.lower(): found[-1] for key, found in parse_qs(parts.query).items()}
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    path = unquote(parts.path.strip("/"))
    wish = options.get("sslmode") or options.get("ssl") or ""
    service = Service(
        kind,
        name,
        port=int_or_zero(options.get("port", "")),
        user=unquote(user) or options.get("user", ""),
        password=unquote(password),
        database=(options.get("dbname") or path) if kind == POSTGRESQL else "",
        tls=parts.scheme == "rediss" or wish.lower().startswith(("require", "verify", "true")),
    )
    for host in (options.get("host") or hosts).split(","):
        yield _at(service, unquote(host))


def _at(service: Service, host: str) -> Service:
    """`service` at one of the places that a URL or a group of parts names."""
    usual = _PORTS.get(service.kind, 0)
    if host.startswith("/"):
        return replace(service, socket=host, port=service.port or usual)
    address, port = _host_and_port(host)
    chosen = service.port or int_or_zero(port) or usual
    return replace(service, host=address or "localhost", port=chosen)


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        return address, rest.removeprefix(":")
    address, _, port = text.partition(":")
    return address, port


def int_or_zero(text: str) -> int:
    """A port number; 0 for what is none."""
    return int(text) if text.isdecimal() and 0 < int(text) < 1 << 16 else 0


# -------------------------------------------------------------------------------------- parts


def _from_parts(values: Mapping[str, str]) -> Iterator[Service]:
    groups: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        prefix, part = _split(name)
        if part and value and "://" not in value:
            groups.setdefault(prefix, {}).setdefault(part, value)
            groups[prefix].setdefault("named_by", name)
    for prefix, group in groups.items():
        if "host" in group:
            yield _from_group(prefix, group)


def parts(values: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """For each setting that is a part of a server's address: the server's kind, and which part."""
    split = {name: _split(name) for name, value in values.items() if "://" not in value}
    groups: dict[str, dict[str, str]] = {}
    for name, (prefix, part) in split.items():
        groups.setdefault(prefix, {}).setdefault(part, values[name])
    kinds = {prefix: _kind_of(prefix, group) for prefix, group in groups.items() if prefix}
    return {name: (kinds[prefix], part) for name, (prefix, part) in split.items() if part}


def _split(name: str) -> tuple[str, str]:
    """The group and the role of a variable, ``("POSTGRES", "host")``; no role where it has none."""
    upper = name.upper()
    if libpq := _LIBPQ.match(upper):
        return "PG", _PARTS[libpq[1]]
    words = [word for word in upper.split("_") if word]
    for size in (2, 1):
        part = _PARTS.get("_".join(words[-size:]))
        if part and _kind_of_words(words[:-size]):
            return "_".join(words[:-size]), part
    return "", ""


def _kind_of_words(words: list[str]) -> str | None:
    return next((kind for word, kind in _WORDS.items() if word in words), None)


def _from_group(prefix: str, group: Mapping[str, str]) -> Service:
    kind = _kind_of(prefix, group)
    service = Service(
        kind,
        group["named_by"],
        port=int_or_zero(group.get("port", "")),
        user=group.get("user", ""),
        password=group.get("password", ""),
        database=group.get("database", "") if kind == POSTGRESQL else "",
    )
    return _at(service, group["host"])


def _kind_of(prefix: str, group: Mapping[str, str]) -> str:
    kind = _kind_of_words(prefix.split("_")) or POSTGRESQL
    return (_foreign(group) or kind) if kind == POSTGRESQL else kind


def _foreign(group: Mapping[str, str]) -> str | None:
    """The server that a generic ``DB_…`` group means, where a dialect or port beside it says so."""
    dialect = re.split(r"[+:.]", group.get("dialect", "").lower())
    named = next((_KINDS[word] for word in dialect if word in _KINDS), None)
    return named or _FOREIGN_PORTS.get(group.get("port", ""))
