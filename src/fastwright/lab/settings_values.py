"""A value for a setting that nobody gives, by its declared type, else by its name."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_LOCAL = ("local", "test", "testing", "development", "dev")


_DRIVERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "MySQL": frozenset(
            {"aiomysql", "asyncmy", "mysql-connector-python", "mysqlclient", "pymysql"}
        ),
        "MongoDB": frozenset({"motor", "pymongo"}),
        "Kafka": frozenset({"aiokafka", "confluent-kafka", "kafka-python"}),
        "RabbitMQ": frozenset({"aio-pika", "amqp", "kombu", "pika"}),
    }
)


@dataclass(frozen=True, slots=True)
class Stack:
    """What the app brings to reach its servers with.

    Attributes:
        packages: Installed distributions, in lower case with hyphens.
        asynchronous: Whether its own sessions are; None where not known.
    """

    packages: frozenset[str] = frozenset()
    asynchronous: bool | None = None

    def reaches(self, kind: str) -> bool:
        """False where the app has packages, and none of them speaks to this kind of server."""
        drivers = _DRIVERS.get(kind)
        return not (drivers and self.packages) or bool(drivers & self.packages)

    def database_url(self) -> str:
        """A URL in the dialect and for the driver that the app has installed."""
        for package, scheme in self._drivers():
            if package in self.packages:
                file = "sqlite" in scheme
                rest = "///./fastwright.db" if file else "//app:app@localhost:5432/app"
                return f"{scheme}:{rest}"
        return "sqlite:///./fastwright.db"

    def _drivers(self) -> Iterable[tuple[str, str]]:
        orm = bool(self.packages & {"sqlalchemy", "sqlmodel"})
        wide = (
            ("asyncpg", "postgresql+asyncpg" if orm else "postgresql"),
            ("aiosqlite", "sqlite+aiosqlite"),
        )
        plain = (
            ("psycopg2", "postgresql"),
            ("psycopg2-binary", "postgresql"),
            ("psycopg", "postgresql+psycopg"),
        )
        return (*plain, *wide) if self.asynchronous is False else (*wide, *plain)


def by_type(annotation: str, name: str, stack: Stack, chance: random.Random) -> str | None:
    """A value that the annotation accepts; None where the type alone does not tell."""
    kind = annotation.replace(" ", "")
    literal = re.search(r"Literal\[(.+)\]", annotation)
    if literal:
        return _choose([part.strip(" '\"") for part in literal[1].split(",")])
    for word, make in _TYPES:
        if re.search(word, kind):
            return make(name, stack, chance)
    return None


def _choose(options: list[str]) -> str:
    """The option that means "not production", else the first."""
    return next((option for wish in _LOCAL for option in options if option == wish), options[0])


def _number(name: str, _stack: Stack, _chance: random.Random) -> str:
    upper = name.upper()
    if "PORT" in upper:
        return _port(upper)
    return "30"


def _port(upper: str) -> str:
    ports = (
        ("PG", "5432"),
        ("POSTGRES", "5432"),
        ("DB", "5432"),
        ("DATABASE", "5432"),
        ("REDIS", "6379"),
        ("CACHE", "6379"),
        ("MYSQL", "3306"),
        ("SMTP", "1025"),
        ("MAIL", "1025"),
    )
    return next((port for word, port in ports if word in upper), "8000")


Maker = Callable[[str, Stack, random.Random], str]

_TYPES: tuple[tuple[str, Maker], ...] = (
    (r"(^|[\[|.])bool\b", lambda *_: "false"),
    (r"(^|[\[|.])int\b|PositiveInt|NonNegativeInt", _number),
    (r"(^|[\[|.])float\b|Decimal", lambda *_: "1.0"),
    (r"^(typing\.)?(List|list|Set|set|Tuple|tuple|Sequence)\b", lambda *_: "[]"),
    (r"^(typing\.)?(Dict|dict|Mapping)\b", lambda *_: "{}"),
    (r"EmailStr|NameEmail", lambda *_: "admin@example.com"),
    (r"PostgresDsn", lambda _n, stack, _c: stack.database_url()),
    (r"RedisDsn", lambda *_: "redis://localhost:6379/0"),
    (r"HttpUrl|AnyUrl", lambda *_: "http://localhost:8000"),
    (r"Secret", lambda _n, _s, chance: secret(chance)),
    (r"UUID", lambda _n, _s, chance: str(uuid.UUID(int=chance.getrandbits(128), version=4))),
    (r"timedelta", lambda *_: "PT30M"),
    (r"datetime", lambda *_: "2024-01-01T00:00:00+00:00"),
)


def secret(chance: random.Random) -> str:
    """64 hexadecimal digits, new at every call."""
    return f"{chance.getrandbits(256):064x}"


_NAMES: tuple[tuple[str, Maker], ...] = (
    (
        r"(DATABASE|DB|POSTGRES\w*|PG|SQLALCHEMY\w*|SQL)_?(\w+_)?(URL|URI|DSN)$|^(DSN|DB)$|_DB_URL",
        lambda _n, stack, _c: stack.database_url(),
    ),
    (
        r"(REDIS|CACHE|CELERY|BROKER|QUEUE)\w*(URL|URI|DSN|BROKER|BACKEND)$",
        lambda *_: "redis://localhost:6379/0",
    ),
    (r"(URL|URI|ENDPOINT|ORIGIN)$", lambda *_: "http://localhost:8000"),
    (r"(^|_)PORT$", lambda name, _s, _c: _port(name)),
    (r"(HOST|HOSTNAME|SERVER|DOMAIN|ADDRESS)$", lambda *_: "localhost"),
    (r"ALGORITHM$|_ALGO$", lambda *_: "HS256"),
    (r"EMAIL|MAIL_FROM$|MAIL_SENDER$", lambda *_: "admin@example.com"),
    (r"REDIS\w*_(DB|DATABASE)$|_DB_(INDEX|NUMBER)$", lambda *_: "0"),
    (r"USER(NAME)?$", lambda *_: "app"),
    (r"(POSTGRES|PG|DB|DATABASE|REDIS)\w*PASS(WORD|WD)?$", lambda *_: "app"),
    (r"SECRET|PASS(WORD|WD)?$|TOKEN$|KEY$|SALT$|CREDENTIAL", lambda _n, _s, chance: secret(chance)),
    (
        r"(EXPIRE|MINUTES|SECONDS|HOURS|DAYS|TTL|TIMEOUT|LIMIT|SIZE|COUNT|MAX|MIN|WORKERS)",
        lambda *_: "30",
    ),
    (r"^(IS|USE|ENABLE|ALLOW|HAS)_|(DEBUG|ENABLED|ECHO|_TLS|_SSL)$", lambda *_: "false"),
    (r"(^|_)(ENV|ENVIRONMENT|STAGE)$", lambda *_: "local"),
    (r"LOG_?LEVEL$", lambda *_: "INFO"),
    (r"(DB|DATABASE)(_NAME)?$|_DB_NAME$", lambda *_: "app"),
)


_ESSENTIAL = re.compile(
    r"(DATABASE|DB|POSTGRES\w*|PG|SQLALCHEMY\w*|REDIS|BROKER)_(\w+_)?(URL|URI|DSN|HOST|SERVER|PORT"
    r"|USER|PASSWORD|NAME|DB)$|^(SECRET|JWT|AUTH|TOKEN|APP|SESSION)\w*(SECRET|KEY)(_KEY)?$"
    r"|ALGORITHM$"
)


_SECRET = re.compile(
    r"SECRET|TOKEN|PRIVATE|CREDENTIAL|PASSWORD|PASSWD|PASSPHRASE|(^|[^A-Z])(PASS|PWD|DSN)([^A-Z]|$)"
    r"|KEY([^A-Z]|$)|SALT|PASS$|DSN$"
)
_ABOUT = re.compile(r"(EXPIRES?|MINUTES|SECONDS|HOURS|DAYS|TTL|ALGORITHM|ALGO|LENGTH|URL)$")


def is_secret(name: str) -> bool:
    """The name of a value that nobody may read: a password, a key, a salt, an address with one.

    What only describes one (``TOKEN_EXPIRE_MINUTES``, ``JWT_SECRET_ALGORITHM``) is not secret.
    """
    upper = name.upper()
    return bool(_SECRET.search(upper)) and not _ABOUT.search(upper)


def is_essential(name: str) -> bool:
    """The name of a server, or of a secret of the app's own: no app runs with these empty."""
    return bool(_ESSENTIAL.search(name.upper()))


def means_production(name: str, value: str) -> bool:
    """The value would have the app believe that it runs for its users."""
    stage = re.search(r"(^|_)(ENV|ENVIRONMENT|STAGE|MODE)$", name.upper())
    return bool(stage) and value.lower() in ("production", "prod", "staging", "stage", "live")


def by_name(name: str, stack: Stack, chance: random.Random) -> str:
    """A value by what the name sounds like; for the rest the name itself, in lower case."""
    upper = name.upper()
    for pattern, make in _NAMES:
        if re.search(pattern, upper):
            return make(upper, stack, chance)
    return upper.lower()


def make_value(
    name: str, annotation: str | None, stack: Stack, chance: random.Random
) -> tuple[str, str]:
    """A value and how it was found: by its type where that tells, else by its name.

    A plain ``str`` tells nothing; a name that sounds like a URL or a port beats it.
    """
    if annotation:
        value = by_type(annotation, name, stack, chance)
        if value is not None:
            return value, f"by type ({annotation})"
    return by_name(name, stack, chance), "by name"


def like(real: str, name: str, stack: Stack, chance: random.Random) -> str:
    """A stand-in for a real value: of its form, never itself; empty for an empty one."""
    if not real:
        return ""
    if re.fullmatch(r"-?\d+", real):
        return _number(name, stack, chance)
    if real.lower() in ("true", "false", "yes", "no", "on", "off"):
        return "false"
    if real.startswith(("[", "{")):
        return "[]" if real.startswith("[") else "{}"
    scheme = re.match(r"(postgres(?:ql)?(?:\+\w+)?|sqlite(?:\+\w+)?)://", real)
    if scheme:
        rest = "///./fastwright.db" if real.startswith("sqlite") else "//app:app@localhost:5432/app"
        return f"{scheme[1]}:{rest}"
    if re.match(r"rediss?://", real):
        return "redis://localhost:6379/0"
    if re.match(r"https?://", real):
        return "http://localhost:8000"
    return by_name(name, stack, chance)
