"""Which databases an app may run on, as far as its own files speak of any."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.review.once import once
from fastwright.survey.codebase import of_tests

_SQLITE = re.compile(rb"(?i)sqlite")
_OTHERS = re.compile(
    rb"(?i)postgres|psycopg|asyncpg|pg8000|mysql|mariadb|asyncmy|mssql|pyodbc|pymssql|oracle"
    rb"|cockroach|redshift|snowflake"
)
_READ = frozenset({".py", ".toml", ".txt", ".in", ".ini", ".cfg", ".yml", ".yaml"})
_NAMED = (".env", "Dockerfile")


@once
def is_sqlite_alone(app: AppMap) -> bool:
    """Whether SQLite is spoken of, and no other database in code, settings or requirements.

    An address that comes from the environment alone may be of any.
    """
    found = tuple(_spoken(app))
    return any(map(_SQLITE.search, found)) and not any(map(_OTHERS.search, found))


def _spoken(app: AppMap) -> Iterator[bytes]:
    """What is code, a setting or a requirement, outside of the tests.

    Prose may only compare, and a lock names what extras of SQLAlchemy nobody has taken.
    """
    for path, content in app.files.items():
        is_read = path.suffix in _READ or path.name.startswith(_NAMED)
        if is_read and not of_tests(path):
            yield content


_COMMENT = re.compile(rb"(?m)(?:^|(?<=\s))#.*$")
_MYSQL_SERVED = re.compile(
    rb"(?i)\b(?:mysql|mariadb)(?:\+\w+)?://|\bimage:\s*['\"]?(?:[\w.-]+/)*(?:mysql|mariadb)\b"
    rb"|drivername\s*=\s*['\"](?:mysql|mariadb)"
)
_POSTGRES_SERVED = re.compile(
    rb"(?i)\bpostgres(?:ql)?(?:\+\w+)?://|\bimage:\s*['\"]?(?:[\w.-]+/)*postg|PostgresDsn"
    rb"|drivername\s*=\s*['\"]postgres"
)


@once
def serves_on_mysql(app: AppMap) -> bool:
    """Whether an address or an image of a server is MySQL's or MariaDB's, and none PostgreSQL's.

    SQLite beside it is what developers start with; what stands in a comment is not used.
    """
    found = tuple(_COMMENT.sub(b"", content) for content in _spoken(app))
    return any(map(_MYSQL_SERVED.search, found)) and not any(map(_POSTGRES_SERVED.search, found))


_POSTGRES = (b"postgres", b"psycopg", b"asyncpg")
_BESIDE = (b"sqlite", b"mysql", b"mariadb", b"asyncmy", b"mssql", b"pyodbc", b"pymssql",
           b"oracle", b"snowflake")  # fmt: skip


@once
def is_postgres_alone(app: AppMap) -> bool:
    """Whether PostgreSQL is spoken of in code, settings and requirements, and nothing else is."""
    found = tuple(content.lower() for content in _spoken(app))
    spoken_of = {word for word in (*_POSTGRES, *_BESIDE) if any(word in text for text in found)}
    return not spoken_of.isdisjoint(_POSTGRES) and spoken_of.isdisjoint(_BESIDE)
