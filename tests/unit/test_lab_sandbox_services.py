"""Which servers settings name: read from URLs and from parts."""

from __future__ import annotations

import pytest

from fastwright.lab.services import Reach, Service, reach, read


def only(values: dict[str, str]) -> Service:
    """The one service that is named."""
    (service,) = read(values)
    return service


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p%40w@db/shop", ("db", 5432, "u", "p@w", "shop")),
        ("postgres://u@db:5433/shop", ("db", 5433, "u", "", "shop")),
        ("postgresql+asyncpg://u@[::1]:77/shop?ssl=disable", ("::1", 77, "u", "", "shop")),
        ("postgresql:///shop", ("localhost", 5432, "", "", "shop")),
        ("postgresql+psycopg2://db/shop?user=u&port=99", ("db", 99, "u", "", "shop")),
    ],
)
def test_a_postgresql_url_is_read(url: str, expected: tuple[object, ...]) -> None:
    """Any driver, port, literal address and query option."""
    service = only({"DATABASE_URL": url})
    assert service.kind == "postgresql"
    found = (service.host, service.port, service.user, service.password, service.database)
    assert found == expected


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@/shop?host=/var/run/postgresql",
        "postgresql://u@%2Fvar%2Frun%2Fpostgresql/shop",
    ],
)
def test_a_unix_socket_is_read(url: str) -> None:
    """Both ways to name a socket folder give the folder and the port in its name."""
    service = only({"DATABASE_URL": url})
    assert (service.socket, service.port, service.host) == ("/var/run/postgresql", 5432, "")


def test_several_hosts_are_several_services() -> None:
    """A URL with a stand-by server names two addresses."""
    hosts = [(s.host, s.port) for s in read({"URL": "postgresql://a:1,b:2/shop"})]
    assert hosts == [("a", 1), ("b", 2)]


def test_parts_are_put_together_by_prefix() -> None:
    """Host, port, user and database of one server, whatever else is set."""
    service = only(
        {
            "POSTGRES_SERVER": "db",
            "POSTGRES_PORT": "5433",
            "POSTGRES_USER": "u",
            "POSTGRES_PASSWORD": "p",
            "POSTGRES_DB": "shop",
            "PORT": "8000",
            "SMTP_HOST": "mail",
            "PROJECT_NAME": "Shop",
        }
    )
    assert (service.host, service.port, service.user) == ("db", 5433, "u")
    assert (service.password, service.database) == ("p", "shop")


def test_libpqs_own_variables_are_parts() -> None:
    """`PGHOST` and its like have no underscore."""
    service = only({"PGHOST": "/run/postgresql", "PGDATABASE": "shop"})
    assert (service.socket, service.database) == ("/run/postgresql", "shop")


def test_two_groups_are_two_servers() -> None:
    """A reader and a writer, or two caches, are told apart."""
    hosts = {
        (s.kind, s.host, s.port)
        for s in read({"REDIS_CACHE_HOST": "a", "REDIS_QUEUE_HOST": "b", "REDIS_QUEUE_PORT": "7"})
    }
    assert hosts == {("redis", "a", 6379), ("redis", "b", 7)}


@pytest.mark.parametrize(
    "values",
    [
        {"DB_HOST": "db", "DB_PORT": "3306"},
        {"DB_HOST": "db", "DB_ENGINE": "mysql+pymysql"},
        {"MYSQL_HOST": "db"},
        {"DATABASE_URL": "mysql+aiomysql://u@db/shop"},
    ],
)
def test_mysql_is_not_taken_for_postgresql(values: dict[str, str]) -> None:
    """A generic name means PostgreSQL only where nothing beside it says otherwise."""
    assert only(values).kind == "MySQL"


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///./app.db", "app.db"),
        ("sqlite+aiosqlite:////data/app.db?cache=shared", "/data/app.db"),
    ],
)
def test_an_sqlite_url_names_a_file(url: str, file: str) -> None:
    """Three slashes are relative, four absolute."""
    assert only({"URL": url}).file == file


@pytest.mark.parametrize("value", ["sqlite://", "sqlite:///:memory:", "hello", "https://x/", ""])
def test_what_needs_no_server_names_none(value: str) -> None:
    """Memory databases, web addresses and plain words."""
    assert read({"VALUE": value}) == ()


def test_a_redis_socket_is_a_path() -> None:
    """Both schemes that clients know for it."""
    assert only({"A": "unix:///run/redis.sock?db=1"}).socket == "/run/redis.sock"
    assert only({"A": "redis+socket:///run/redis.sock"}).socket == "/run/redis.sock"


@pytest.mark.parametrize(
    "url", ["rediss://cache/0", "postgresql://db/x?sslmode=require", "postgresql://db/x?ssl=true"]
)
def test_encryption_that_is_demanded_is_noticed(url: str) -> None:
    """A connection that must be encrypted says so."""
    assert only({"URL": url}).tls


def test_a_host_is_a_name_an_address_or_neither() -> None:
    """Nothing that could break the hosts file passes for a name."""
    assert reach("db.internal") is Reach.NAME
    assert reach("10.0.0.1") is Reach.ADDRESS
    assert reach("::1") is Reach.ADDRESS
    assert reach("a\n6.6.6.6 bank") is Reach.NOT_POSSIBLE
